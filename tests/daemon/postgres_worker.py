"""A worker of a job table as people write it: python3 postgres_worker.py URL RECORD JOB_SECONDS.

The table is River's: a job is taken by FOR UPDATE SKIP LOCKED and marked, done outside of a transaction, and marked again.
"""
import os
import signal
import sys
import time

import psycopg2

url, record, seconds = sys.argv[1:]
ended = False


def end(*_):
    global ended
    ended = True


signal.signal(signal.SIGTERM, end)
NAME = f"worker-{os.getpid()}"
# One that was given to us when the connection broke, or else the next one.
TAKE = """update river_job set state = 'running', kind = %(name)s where id = coalesce(
  (select id from river_job where state = 'running' and kind = %(name)s), (
  select id from river_job where state = 'available' or (state = 'scheduled' and scheduled_at <= now())
  order by id limit 1 for update skip locked)) returning id"""
out = open(record, "a", buffering=1)
connection = None
job = None
while not ended or job:
    try:
        if connection is None:
            connection = psycopg2.connect(url)
            connection.autocommit = True
        with connection.cursor() as c:
            if job is None:
                c.execute(TAKE, {"name": NAME})
                row = c.fetchone()
                if row is None:
                    time.sleep(0.1)
                    continue
                job = row[0]
                time.sleep(float(seconds))
                out.write(f"{job}\n")
            c.execute("update river_job set state = 'completed', finalized_at = now() where id = %s", (job,))
            job = None
    except psycopg2.Error:
        connection = None
        time.sleep(0.1)
