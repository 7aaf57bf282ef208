"""The load: who puts messages in, the worker that takes them out, and what became of them."""
import asyncio
import json
import pathlib
import signal
import sys
import time

import nats
from nats.js.api import AckPolicy, ConsumerConfig

# Seconds, messages a second. A replica carries ten: from nothing to eight and back, twice.
PHASES = [(20, 0), (60, 30), (45, 80), (75, 10), (60, 0), (45, 60), (45, 20), (60, 0)]
JOB = 0.1
URL = "nats://127.0.0.1:4222"


def length():
    return sum(seconds for seconds, _ in PHASES)


async def prepare():
    c = await nats.connect(URL)
    js = c.jetstream()
    await js.add_stream(name="S", subjects=["work"])
    await js.add_consumer("S", ConsumerConfig(durable_name="c", ack_policy=AckPolicy.EXPLICIT, ack_wait=60))
    await c.close()


async def publish(told):
    """Writes the instant of each first message after a pause to the file `told`."""
    c = await nats.connect(URL)
    begin, sent, was_idle = time.time(), 0, True
    at = 0.0
    for seconds, rate in PHASES:
        if rate == 0:
            was_idle = True
        for i in range(int(seconds * rate)):
            due = begin + at + i / rate
            await asyncio.sleep(max(0, due - time.time()))
            await c.publish("work", json.dumps({"n": sent, "at": time.time()}).encode())
            if was_idle:
                was_idle = False
                with open(told, "a", encoding="utf-8") as f:
                    f.write(f"{time.time()}\n")
            sent += 1
        await c.flush()
        at += seconds
        await asyncio.sleep(max(0, begin + at - time.time()))
    await c.close()
    return sent


async def work(folder):
    """A worker as people write them: one message at a time, and SIGTERM ends it after the one in hand."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    c = await nats.connect(URL)
    sub = await c.jetstream().pull_subscribe_bind(consumer="c", stream="S")
    out = open(pathlib.Path(folder) / f"done-{time.time_ns()}.txt", "a", encoding="utf-8")
    while not stop.is_set():
        try:
            (m,) = await sub.fetch(1, timeout=1)
        except nats.errors.TimeoutError:
            continue
        said = json.loads(m.data)
        out.write(f"{said['n']} {time.time() - said['at']:.3f}\n")
        out.flush()
        await asyncio.sleep(JOB)
        await m.ack()
    await c.close()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
