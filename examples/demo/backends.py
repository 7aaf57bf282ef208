"""The queue of the demo, in Redis or RabbitMQ, as a Python program sees it: put(), take(), done()."""
import os


class Redis:
    def __init__(self, url, name):
        import redis
        self.server, self.name = redis.Redis.from_url(url), name
        try:
            self.server.xgroup_create("events", "workers", "0", mkstream=True)
        except redis.ResponseError:
            pass  # it is there

    def put(self, messages):
        pipeline = self.server.pipeline(transaction=False)
        for text in messages:
            pipeline.xadd("events", {"text": text})
        pipeline.execute()

    def take(self, most):
        found = self.server.xreadgroup("workers", self.name, {"events": ">"}, count=most, block=100)
        return [(entry, fields[b"text"].decode()) for _, entries in found for entry, fields in entries]

    def done(self, entry):
        self.server.xack("events", "workers", entry)


class RabbitMQ:
    def __init__(self, url, name):
        import pika
        self.pika = pika
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        self.channel.queue_declare("events", durable=True)
        self.channel.confirm_delivery()
        self.channel.basic_qos(prefetch_count=10)
        self.consumed = None

    def put(self, messages):
        for text in messages:
            self.channel.basic_publish("", "events", text, self.pika.BasicProperties(delivery_mode=1))

    def take(self, most):
        self.consumed = self.consumed or self.channel.consume("events", inactivity_timeout=0.1)
        method, _, body = next(self.consumed)
        return [(method.delivery_tag, body.decode())] if method else []

    def done(self, tag):
        self.channel.basic_ack(tag)


def connect(name):
    return {"redis": Redis, "rabbitmq": RabbitMQ}[os.environ["QUEUE"]](os.environ["QUEUE_URL"], name)
