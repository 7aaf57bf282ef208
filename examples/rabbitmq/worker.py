#!/usr/bin/python3
"""Works off a RabbitMQ queue, one job at a time, and can be stopped at any moment without losing one.

At SIGTERM it stops consuming, finishes the job in hand, acknowledges it, and leaves; what it has not begun goes to others.

AMQP_URL, QUEUE; PROCESS_TIME_MS: how long a job takes; RECORD_FILE: jobs done, one a line.
"""
import os
import signal
import socket
import time

import pika

queue = os.environ.get("QUEUE", "jobs")
seconds = float(os.environ.get("PROCESS_TIME_MS", "100")) / 1000
record = open(os.environ["RECORD_FILE"], "ab", buffering=0) if os.environ.get("RECORD_FILE") else None
stopping = False


def tell(text):
    """As a process of docktor (or of systemd): READY=1 ends the start-up, X_DOCKTOR_BUSY says who may be stopped."""
    to = os.environ.get("NOTIFY_SOCKET", "")
    if to:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(text.encode(), "\0" + to[1:] if to[0] == "@" else to)


def connect():
    """RabbitMQ may start later than this, or restart."""
    while not stopping:
        try:
            return pika.BlockingConnection(pika.URLParameters(os.environ.get("AMQP_URL", "amqp://localhost/")))
        except pika.exceptions.AMQPConnectionError:
            time.sleep(1)
    raise SystemExit(0)


def work(channel, method, properties, body):
    tell("X_DOCKTOR_BUSY=1")
    time.sleep(seconds)
    if record:
        record.write(body + b"\n")
    channel.basic_ack(method.delivery_tag)
    tell("X_DOCKTOR_BUSY=0")


def stop(signal_number, frame):
    global stopping
    stopping = True
    # Not from within the handler, which may come in the midst of anything: the loop does it, after the job in hand.
    if connection:
        connection.add_callback_threadsafe(channel.stop_consuming)


connection = channel = None
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)

while not stopping:
    try:
        new = connect()
        channel = new.channel()
        channel.queue_declare(queue, durable=True)
        channel.basic_qos(prefetch_count=1)  # no more than it works on, so that others get the rest
        channel.basic_consume(queue, work)
        connection = new
        tell("READY=1")
        if not stopping:
            channel.start_consuming()  # until stop_consuming; that gives back what was not begun
        connection.close()
    except (pika.exceptions.AMQPConnectionError, pika.exceptions.AMQPChannelError) as error:
        connection = None  # its jobs go to others
        print("lost RabbitMQ:", error, flush=True)
