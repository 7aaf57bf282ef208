#!/usr/bin/python3
"""Puts jobs into a RabbitMQ queue; each is stored before the next one counts as sent.

AMQP_URL, QUEUE; RATE: jobs a second; BURST_RATE, BURST_INTERVAL, BURST_DURATION: every so many seconds more of them, for so long;
COUNT: how many, then it ends (0: for ever); RUN_ID: what the jobs are called.
"""
import os
import time

import pika

queue = os.environ.get("QUEUE", "jobs")
rate = float(os.environ.get("RATE", "20"))
burst_rate = float(os.environ.get("BURST_RATE", "0"))
burst_interval = float(os.environ.get("BURST_INTERVAL", "60"))
burst_duration = float(os.environ.get("BURST_DURATION", "10"))
count = int(os.environ.get("COUNT", "0"))
run = os.environ.get("RUN_ID", "job")

while True:
    try:
        connection = pika.BlockingConnection(pika.URLParameters(os.environ.get("AMQP_URL", "amqp://localhost/")))
        break
    except pika.exceptions.AMQPConnectionError:
        time.sleep(1)  # RabbitMQ may start later than this
channel = connection.channel()
channel.queue_declare(queue, durable=True)
channel.confirm_delivery()

start = due = time.monotonic()
number = 0
while count == 0 or number < count:
    number += 1
    channel.basic_publish("", queue, f"{run} {number}".encode(), pika.BasicProperties(delivery_mode=2))
    now = time.monotonic()
    in_burst = burst_rate > 0 and (now - start) % burst_interval > burst_interval - burst_duration
    due += 1 / (burst_rate if in_burst else rate)
    if due > now:
        connection.sleep(due - now)  # answers heartbeats meanwhile
    else:
        due = max(due, now - 1)
connection.close()
