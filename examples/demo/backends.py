"""The queue of the demo, in Redis, RabbitMQ or Kafka, as a Python program sees it: put(), take(), done(), close()."""
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

    def close(self):
        self.server.close()


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

    def close(self):
        self.connection.close()


class Kafka:
    PARTITIONS = 10  # more workers than that are of no use

    def __init__(self, url, name):
        import confluent_kafka
        from confluent_kafka.admin import AdminClient, NewTopic
        self.kafka, self.servers, self.name, self.failed = confluent_kafka, {"bootstrap.servers": url}, name, []
        self.producer = self.consumer = None
        admin = AdminClient(self.servers)
        if "events" not in admin.list_topics(timeout=30).topics:
            try:
                admin.create_topics([NewTopic("events", num_partitions=self.PARTITIONS, replication_factor=1)])["events"].result()
            except confluent_kafka.KafkaException as error:
                if error.args[0].code() != confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def put(self, messages):
        self.producer = self.producer or self.kafka.Producer({**self.servers, "enable.idempotence": True, "linger.ms": 1})
        for number, text in enumerate(messages):
            self.producer.produce("events", text, partition=number % self.PARTITIONS, on_delivery=self.confirmed)
        if self.producer.flush(30) or self.failed:
            raise RuntimeError(f"not stored: {self.failed}")

    def confirmed(self, error, message):
        if error:
            self.failed.append(error)

    def take(self, most):
        if not self.consumer:
            self.consumer = self.kafka.Consumer({
                **self.servers, "group.id": "workers", "client.id": self.name, "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",  # the others go on while one joins or leaves
                "enable.auto.offset.store": False, "auto.commit.interval.ms": 500})  # what done() was told of is committed
            self.consumer.subscribe(["events"])
        message = self.consumer.poll(0.1)  # one by one: of a batch that a rebalance cut short, messages never came again
        return [] if message is None or message.error() else [(message, message.value().decode())]

    def done(self, message):
        try:
            self.consumer.store_offsets(message)
        except self.kafka.KafkaException:
            pass  # the partition is another worker's by now, who reads it again

    def close(self):
        if self.consumer:
            self.consumer.close()  # commits, and leaves the group: the others have its partitions at once


def connect(name):
    return {"redis": Redis, "rabbitmq": RabbitMQ, "kafka": Kafka}[os.environ["QUEUE"]](os.environ["QUEUE_URL"], name)
