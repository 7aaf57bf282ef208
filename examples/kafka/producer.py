#!/usr/bin/python3
"""Puts jobs into a topic of Kafka.

KAFKA_SERVERS, TOPIC, PARTITIONS: the topic is made where it is not there; RATE: jobs a second; BURST_RATE, BURST_INTERVAL,
BURST_DURATION: every so many seconds more of them, for so long; COUNT: how many, then it ends (0: for ever); RUN_ID: what the jobs
are called.
"""
import os
import time

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

servers = {"bootstrap.servers": os.environ.get("KAFKA_SERVERS", "localhost:9092")}
topic = os.environ.get("TOPIC", "jobs")
rate = float(os.environ.get("RATE", "20"))
burst_rate = float(os.environ.get("BURST_RATE", "0"))
burst_interval = float(os.environ.get("BURST_INTERVAL", "60"))
burst_duration = float(os.environ.get("BURST_DURATION", "10"))
count = int(os.environ.get("COUNT", "0"))
run = os.environ.get("RUN_ID", "job")

admin = AdminClient(servers)
while True:
    try:
        if topic not in admin.list_topics(timeout=10).topics:
            new = NewTopic(topic, num_partitions=int(os.environ.get("PARTITIONS", "12")), replication_factor=1)
            admin.create_topics([new])[topic].result()
        break
    except KafkaException as error:
        print("Kafka:", error, flush=True)
        time.sleep(1)  # it may start later than this

producer = Producer({**servers, "enable.idempotence": True})
start = due = time.monotonic()
number = 0
while count == 0 or number < count:
    number += 1
    producer.produce(topic, f"{run} {number}".encode(), key=str(number))
    producer.poll(0)
    now = time.monotonic()
    in_burst = burst_rate > 0 and (now - start) % burst_interval > burst_interval - burst_duration
    due += 1 / (burst_rate if in_burst else rate)
    if due > now:
        time.sleep(due - now)
    else:
        due = max(due, now - 1)
producer.flush()
