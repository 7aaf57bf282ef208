"""A worker of a Redis stream as people write it: python3 redis_worker.py URL STREAM GROUP RECORD JOB_SECONDS.

URL may be sentinel://HOST:PORT/MASTER."""
import os
import signal
import sys
import time

import redis
import redis.sentinel

url, stream, group, record, seconds = sys.argv[1:]
if url.startswith("sentinel://"):
    host, port, master = url[len("sentinel://"):].replace("/", ":").split(":")
    server = redis.sentinel.Sentinel([(host, int(port))]).master_for(master)
else:
    server = redis.Redis.from_url(url)
name = f"worker-{os.getpid()}"
ended = False


def end(*_):
    global ended
    ended = True


signal.signal(signal.SIGTERM, end)
out = open(record, "a", buffering=1)
claimed = 0.0
while not ended:
    try:
        if time.time() - claimed > 0.5:
            claimed = time.time()
            try:
                server.xgroup_create(stream, group, "0", mkstream=True)
            except redis.ResponseError:
                pass  # it is there
            old = [(stream, server.xautoclaim(stream, group, name, 2000, count=10)[1])]
        else:
            old = []
        for _, entries in old + server.xreadgroup(group, name, {stream: ">"}, count=1, block=200):
            for entry, fields in entries:
                time.sleep(float(seconds))
                out.write(fields[b"n"].decode() + "\n")
                server.xack(stream, group, entry)
    except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError):
        time.sleep(0.1)
