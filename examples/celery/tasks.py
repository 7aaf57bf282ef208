"""Celery tasks, one at a time in each worker, and acknowledged when they are done: none is lost when a worker is stopped.

Start a worker with `celery -A tasks worker --concurrency=1`. At SIGTERM it finishes the task in hand and leaves.

REDIS_URL; PROCESS_TIME_MS: how long a task takes; RECORD_FILE: tasks done, one a line.
"""
import os
import time

from celery import Celery

app = Celery("tasks", broker=os.environ.get("REDIS_URL", "redis://localhost:6379/0"))
app.conf.update(
    task_acks_late=True,               # also lets docktor see what is in hand
    worker_prefetch_multiplier=1,      # no hoard that an added worker could not take over
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},  # longer than any task; docktor's claim_after
)


@app.task
def mail(number):
    time.sleep(float(os.environ.get("PROCESS_TIME_MS", "100")) / 1000)
    if os.environ.get("RECORD_FILE"):
        with open(os.environ["RECORD_FILE"], "ab", buffering=0) as record:
            record.write(b"%d\n" % number)
