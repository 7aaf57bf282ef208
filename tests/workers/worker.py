"""A queue worker as people write one: asyncio, nats-py, no health check, nothing of docktor's.

A message says "NUMBER INTENDED_NS JOB_US". RECORD_FILE gets a line "NUMBER INTENDED_NS BEGUN_NS PID" as its job begins.
"""
import asyncio
import os
import signal
import time

START = float(os.environ.get("START_SECONDS", "0"))
FETCH = int(os.environ.get("FETCH", "1"))
POLL = float(os.environ.get("POLL_SECONDS", "0"))  # 0: wait at the server; else ask, and sleep where there is nothing
BURN = os.environ.get("JOB") == "burn"

time.sleep(START)  # imports, a model, a connection pool

import nats
from nats.errors import TimeoutError

records = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


async def work(message):
    number, intended, job_us = message.data.decode().split()
    os.write(records, f"{number} {intended} {time.time_ns()} {os.getpid()}\n".encode())
    if BURN:
        end = time.process_time() + int(job_us) / 1e6
        while time.process_time() < end:
            pass
    else:
        await asyncio.sleep(int(job_us) / 1e6)
    await message.ack()


async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    connection = await nats.connect(os.environ["NATS_URL"], max_reconnect_attempts=-1)
    queue = await connection.jetstream().pull_subscribe_bind(stream="EVENTS", consumer="WORKERS")
    while not stopping.is_set():
        try:
            messages = await queue.fetch(FETCH, timeout=0.05 if POLL else 1)
        except TimeoutError:
            await asyncio.sleep(POLL)
            continue
        for message in messages:
            await work(message)
    await connection.drain()


asyncio.run(main())
