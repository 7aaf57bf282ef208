"""A worker with THREADS threads in one process; see worker.py for its messages, its records and the other variables."""
import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

time.sleep(float(os.environ.get("START_SECONDS", "0")))

import nats
from nats.errors import TimeoutError

THREADS = int(os.environ.get("THREADS", "4"))
BURN = os.environ.get("JOB") == "burn"
records = os.open(os.environ["RECORD_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def work(data):
    number, intended, job_us = data.decode().split()
    os.write(records, f"{number} {intended} {time.time_ns()} {os.getpid()}\n".encode())
    if BURN:
        end = time.thread_time() + int(job_us) / 1e6
        while time.thread_time() < end:
            pass
    else:
        time.sleep(int(job_us) / 1e6)


async def main():
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    connection = await nats.connect(os.environ["NATS_URL"], max_reconnect_attempts=-1)
    queue = await connection.jetstream().pull_subscribe_bind(stream="EVENTS", consumer="WORKERS")
    free = asyncio.Semaphore(THREADS)
    pool = ThreadPoolExecutor(THREADS)

    async def handle(message):
        await loop.run_in_executor(pool, work, message.data)
        await message.ack()
        free.release()

    tasks = set()
    while not stopping.is_set():
        await free.acquire()
        try:
            [message] = await queue.fetch(1, timeout=1)
        except TimeoutError:
            free.release()
            continue
        task = asyncio.create_task(handle(message))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    await connection.drain()


asyncio.run(main())
