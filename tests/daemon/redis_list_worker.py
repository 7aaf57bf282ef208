#!/usr/bin/python3
"""A worker of a plain Redis list as people write it: URL JOBS_FILE SECONDS_PER_JOB."""
import signal
import sys
import time

import redis

url, jobs_file, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
server = redis.Redis.from_url(url)
with open(jobs_file, "a", buffering=1) as done:
    while running:
        job = server.brpoplpush("jobs", "busy", timeout=1)
        if job is None:
            continue
        time.sleep(seconds)
        done.write(job.decode() + "\n")
        server.lrem("busy", 1, job)
