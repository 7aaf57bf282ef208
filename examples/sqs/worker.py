#!/usr/bin/python3
"""Works off a queue of SQS, one job at a time, and can be stopped at any moment without losing one.

At SIGTERM it finishes the job in hand, deletes it, and leaves; a job that it received and has not begun goes back at once.

QUEUE_URL; AWS_ENDPOINT: where it is not Amazon's; PROCESS_TIME_MS: how long a job takes; RECORD_FILE: jobs done, one a line.
"""
import os
import signal
import time

import boto3
import botocore.exceptions

url = os.environ["QUEUE_URL"]
seconds = float(os.environ.get("PROCESS_TIME_MS", "100")) / 1000
record = open(os.environ["RECORD_FILE"], "ab", buffering=0) if os.environ.get("RECORD_FILE") else None
stopping = False


def stop(signal_number, frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
sqs = boto3.client("sqs", endpoint_url=os.environ.get("AWS_ENDPOINT"))

while not stopping:
    try:
        # A long poll costs less than many short ones; no longer than the time in which a stop should be heard.
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=2)
        for message in answer.get("Messages", []):
            handle = message["ReceiptHandle"]
            if stopping:
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
                continue
            time.sleep(seconds)
            if record:
                record.write(message["Body"].encode() + b"\n")
            sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
        time.sleep(1)  # the service is away, or the queue is not there yet
