"""The demo's producer in Python: messages at a steady rate with bursts, each on record once the queue has it.

Message n is due at its own instant whether or not the server keeps up, and carries that instant. Variables: QUEUE, QUEUE_URL,
RATE, BURST_RATE, BURST_INTERVAL and BURST_DURATION (seconds; an interval of 0: no bursts), COUNT (0: until SIGTERM),
RECORD_FILE (a line for each message: run, sequence, due and confirmed time in ns), RUN_ID.
"""
import os
import signal
import time

import backends

AT_ONCE = 200  # messages that wait for one confirmation


def number(name):
    return float(os.environ.get(name, "0"))


def rate_at(t):
    interval = number("BURST_INTERVAL")
    return number("BURST_RATE") if interval and t >= interval and t % interval < number("BURST_DURATION") else number("RATE")


def main():
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    run, count = os.environ["RUN_ID"], int(number("COUNT"))
    queue = backends.connect("producer")
    record = open(os.environ["RECORD_FILE"], "a", buffering=1)
    began, due, sequence = time.time(), 0.0, 0
    while not ended and (count == 0 or sequence < count):
        batch = []
        while due <= time.time() - began and len(batch) < AT_ONCE and (count == 0 or sequence < count):
            sequence += 1
            batch.append((sequence, int((began + due) * 1e9)))
            due += 1 / rate_at(due)
        if not batch:
            time.sleep(min(0.005, max(0.0, due - (time.time() - began))))
            continue
        queue.put([f"{run} {n} {at}" for n, at in batch])
        confirmed = time.time_ns()
        record.write("".join(f"{run} {n} {at} {confirmed}\n" for n, at in batch))


main()
