"""What the tests do with Procrastinate and pgmq: puts jobs in and works on them, as their users do.

jobs.py procrastinate|pgmq VERB [N [FIRST]]      DATABASE_URL; GATE: a file, jobs run until it exists; JOB_MS: how long one
                                                 takes; DONE: a line for each job done
"""
import asyncio
import logging
import os
import signal
import sys
import time


def finish(fails, n=0):
    if fails:
        raise ValueError("it was to fail")
    with open(os.environ["DONE"], "a") as out:
        out.write(f"{n}\n")


FIRST = int(sys.argv[4]) if len(sys.argv) > 4 else 0


def gate_is_shut():
    return not os.path.exists(os.environ["GATE"])


async def procrastinate_jobs(verb, n):
    import procrastinate

    logging.disable(logging.WARNING)  # "App is instantiated in the main Python module"
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))

    async def mail(fails=False, n=0):
        while gate_is_shut():
            await asyncio.sleep(0.01)
        await asyncio.sleep(int(os.environ.get("JOB_MS", 0)) / 1000)
        finish(fails, n)

    once = app.task(queue="mail", name="mail")(mail)
    again = app.task(queue="mail", name="again", retry=procrastinate.RetryStrategy(max_attempts=3, wait=3600))(mail)
    async with app.open_async():
        if verb == "make":
            await app.schema_manager.apply_schema_async()
        for i in range(n):
            if verb == "put":
                await once.defer_async(n=FIRST + i)
            elif verb == "put-later":
                await once.configure(schedule_in={"hours": 1}).defer_async()
            elif verb == "put-failing":
                await once.defer_async(fails=True)
            elif verb == "put-retrying":
                await again.defer_async(fails=True)
        if verb == "size":
            print(sum(q["todo"] + q["doing"] for q in await app.job_manager.list_queues_async(queue="mail")))
        if verb == "purge":
            for job in await app.job_manager.list_jobs_async(queue="mail", status="todo"):
                await app.job_manager.cancel_job_by_id_async(job.id)
        if verb == "work":
            await app.run_worker_async(concurrency=1, fetch_job_polling_interval=0.5)


def pgmq_jobs(verb, n):
    import psycopg
    from pgmq import PGMQueue
    from pgmq.install import get_embedded_install_sql

    url = os.environ["DATABASE_URL"]
    if verb == "make":
        with psycopg.connect(url) as connection:
            connection.execute(get_embedded_install_sql())
    queue = PGMQueue(conn_string=url, init_extension=False)
    if verb == "make":
        queue.create_queue("mail")
        queue.enable_notify("mail", throttle_interval_ms=0)
    for i in range(n):
        if verb == "put":
            queue.send("mail", {"fails": False, "n": FIRST + i})
        elif verb == "put-later":
            queue.send("mail", {"fails": False}, delay=3600)
        elif verb == "put-failing":
            queue.send("mail", {"fails": True})
    if verb == "size":
        print(queue.metrics("mail").queue_length)
    if verb == "purge":
        queue.purge("mail")
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while verb == "work" and not ended:
        message = queue.read("mail", vt=3600)
        if message is None:
            time.sleep(0.2)
            continue
        while gate_is_shut():
            time.sleep(0.01)
        time.sleep(int(os.environ.get("JOB_MS", 0)) / 1000)
        try:
            finish(message.message["fails"], message.message.get("n", 0))
            queue.delete("mail", message.msg_id)
        except ValueError:
            queue.archive("mail", message.msg_id)
    queue.close()


if __name__ == "__main__":
    verb, n = sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if sys.argv[1] == "pgmq":
        pgmq_jobs(verb, n)
    else:
        asyncio.run(procrastinate_jobs(verb, n))
