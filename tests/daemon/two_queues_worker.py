"""One worker on two Redis streams as people write it: two_queues_worker.py RECORD JOB_SECONDS URL STREAM URL STREAM."""
import os
import signal
import sys
import time

import redis

record, seconds = sys.argv[1:3]
queues = [(redis.Redis.from_url(url), stream) for url, stream in zip(sys.argv[3::2], sys.argv[4::2])]
name = f"worker-{os.getpid()}"
ended = False


def end(*_):
    global ended
    ended = True


signal.signal(signal.SIGTERM, end)
out = open(record, "a", buffering=1)


def work(server, stream):
    try:
        server.xgroup_create(stream, "workers", "0", mkstream=True)
    except redis.ResponseError:
        pass  # it is there
    old = server.xautoclaim(stream, "workers", name, 2000, count=10)[1]
    new = server.xreadgroup("workers", name, {stream: ">"}, count=1, block=50)
    for _, entries in [(stream, old)] + new:
        for entry, fields in entries:
            time.sleep(float(seconds))
            out.write(fields[b"n"].decode() + "\n")
            server.xack(stream, "workers", entry)


while not ended:
    for server, stream in queues:
        try:
            work(server, stream)
        except redis.ConnectionError:
            time.sleep(0.05)
