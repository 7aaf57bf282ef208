"""Puts tasks into Celery's queue.

REDIS_URL; RATE: tasks a second; BURST_RATE, BURST_INTERVAL, BURST_DURATION: every so many seconds more of them, for so long;
FIRST, COUNT: their numbers, then it ends (COUNT 0: for ever).
"""
import os
import time

from tasks import mail

rate = float(os.environ.get("RATE", "1000"))
burst_rate = float(os.environ.get("BURST_RATE", "0"))
burst_interval = float(os.environ.get("BURST_INTERVAL", "60"))
burst_duration = float(os.environ.get("BURST_DURATION", "10"))
first = int(os.environ.get("FIRST", "1"))
count = int(os.environ.get("COUNT", "0"))

start = due = time.monotonic()
number = 0
while count == 0 or number < count:
    mail.delay(first + number)
    number += 1
    now = time.monotonic()
    in_burst = burst_rate > 0 and (now - start) % burst_interval > burst_interval - burst_duration
    due = max(due, now - 1) + 1 / (burst_rate if in_burst else rate)
    time.sleep(max(0, due - now))
