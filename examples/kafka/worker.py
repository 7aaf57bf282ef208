#!/usr/bin/python3
"""Works off a topic of Kafka as a member of a consumer group, and can be stopped at any moment without losing a record.

At SIGTERM it finishes the record in hand, commits it, and leaves the group, so that others have its partitions at once.

KAFKA_SERVERS, TOPIC, GROUP; PROCESS_TIME_MS: how long a record takes; RECORD_FILE: records done, one a line; GROUP_PROTOCOL: consumer
for the new protocol (KIP-848: Kafka 4 and confluent-kafka 2.10 and later), else the classic one; ASSIGNOR: of the classic one.
"""
import os
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException

seconds = float(os.environ.get("PROCESS_TIME_MS", "100")) / 1000
record = open(os.environ["RECORD_FILE"], "ab", buffering=0) if os.environ.get("RECORD_FILE") else None
stopping = False


def stop(signal_number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)

consumer = Consumer({
    "bootstrap.servers": os.environ.get("KAFKA_SERVERS", "localhost:9092"),
    "group.id": os.environ.get("GROUP", "workers"),
    "auto.offset.reset": "earliest",                          # docktor's offset_reset says the same
    "enable.auto.commit": False,                              # what is done is committed, and nothing else
    "enable.auto.offset.store": False,
    # The others go on while one joins or leaves.
    **({"group.protocol": "consumer"} if os.environ.get("GROUP_PROTOCOL") == "consumer" else
       {"partition.assignment.strategy": os.environ.get("ASSIGNOR", "cooperative-sticky")}),
})
consumer.subscribe([os.environ.get("TOPIC", "jobs")])

done = False  # something that is not committed yet


def commit():
    """Commits what is done, of partitions that are still ours. True: there is nothing left."""
    try:
        # It raises only where no partition's commit was taken.
        failed = [p.error for p in consumer.commit(asynchronous=False) if p.error]
    except KafkaException as error:
        if error.args[0].code() == KafkaError._NO_OFFSET:
            return True
        failed = [error]
    # Somebody joined or left just now: what is still ours goes in with the next try, the rest its next owner reads again.
    for error in failed:
        print("not committed:", error, file=sys.stderr, flush=True)
    return not failed


while not stopping:
    message = consumer.poll(0.5)
    if message is None:
        done = done and not commit()  # else the last record would count as waiting for as long as no other comes
        continue
    if message.error():
        # The topic or the broker may come later than this.
        if message.error().code() != KafkaError._PARTITION_EOF:
            print("Kafka:", message.error(), file=sys.stderr, flush=True)
        continue
    time.sleep(seconds)
    if record:
        record.write(message.value() + b"\n")
    try:
        consumer.store_offsets(message)
        done = not commit()
    except KafkaException as error:  # the partition went to somebody else
        print("not committed:", error, file=sys.stderr, flush=True)
if done:
    commit()
consumer.close()
