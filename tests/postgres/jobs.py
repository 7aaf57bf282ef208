"""What the tests do with Procrastinate and pgmq: puts jobs in and works on them, as their users do.

jobs.py procrastinate|pgmq VERB [N [FIRST]]      DATABASE_URL; GATE: a file, jobs run until it exists; JOB_MS: how long one
                                                 takes; DONE: a line for each job done
jobs.py procrastinate|pgmq serve                 does what the file ASK says, "put 3", and answers by renaming ASK.done, until it
                                                 is ended
"""
import asyncio
import datetime
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


def asked():
    """What is to be done, and whom to answer: once, or whatever a file asks for."""
    if sys.argv[2] != "serve":
        yield sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0, print
        return
    ask = os.environ["ASK"]

    def answer(text):
        with open(ask + ".new", "w") as out:
            out.write(text or "")
        os.rename(ask + ".new", ask + ".done")

    while True:
        if not os.path.exists(ask):
            time.sleep(0.005)
            continue
        with open(ask) as what:
            verb, n = (what.read() + " 0").split()[:2]
        os.unlink(ask)
        yield verb, int(n), answer


def gate_is_shut():
    return not os.path.exists(os.environ["GATE"])


async def procrastinate_jobs():
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
        for verb, n, answer in asked():
            if verb == "make":
                await app.schema_manager.apply_schema_async()
            elif verb == "work":
                await app.run_worker_async(concurrency=1, fetch_job_polling_interval=0.5)
            for i in range(n):
                if verb == "put":
                    await once.defer_async(n=FIRST + i)
                elif verb == "put-later":
                    await once.configure(schedule_in={"hours": 1}).defer_async()
                elif verb == "put-due":
                    await once.configure(schedule_at=now() - datetime.timedelta(seconds=1)).defer_async()
                elif verb == "put-serial":
                    await once.configure(lock="one at a time").defer_async()
                elif verb == "put-failing":
                    await once.defer_async(fails=True)
                elif verb == "put-retrying":
                    await again.defer_async(fails=True)
            answer(await procrastinate_manages(app.job_manager, verb))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


async def procrastinate_manages(jobs, verb):
    if verb == "count":
        queues = list(await jobs.list_queues_async(queue="mail"))
        todo = list(await jobs.list_jobs_async(queue="mail", status="todo"))
        later = sum(job.scheduled_at is not None and job.scheduled_at > now() for job in todo)
        return f"waiting={sum(q['todo'] for q in queues) - later} later={later} in_hand={sum(q['doing'] for q in queues)}"
    if verb == "rescue":
        for job in await jobs.get_stalled_jobs(nb_seconds=0):
            await jobs.retry_job(job)
    if verb == "purge":
        for job in await jobs.list_jobs_async(queue="mail", status="todo"):
            await jobs.cancel_job_by_id_async(job.id)


def pgmq_jobs():
    import psycopg
    from pgmq import PGMQueue
    from pgmq.install import get_embedded_install_sql

    url = os.environ["DATABASE_URL"]
    if sys.argv[2] == "make":
        with psycopg.connect(url) as connection:
            connection.execute(get_embedded_install_sql())
    queue = PGMQueue(conn_string=url, init_extension=False)
    for verb, n, answer in asked():
        if verb == "make":
            queue.create_queue("mail")
            queue.enable_notify("mail", throttle_interval_ms=0)
        for i in range(n):
            if verb == "put":
                queue.send("mail", {"fails": False, "n": FIRST + i})
            elif verb == "put-later":
                queue.send("mail", {"fails": False}, delay=3600)
            elif verb == "put-due":
                queue.send("mail", {"fails": False}, delay=1)
            elif verb == "put-failing":
                queue.send("mail", {"fails": True})
        if verb == "purge":
            queue.purge("mail")
        elif verb == "work":
            pgmq_works(queue)
        told = queue.metrics("mail") if verb == "count" else None
        answer(f"waiting={told.queue_visible_length} all={told.queue_length}" if told else None)
    queue.close()


def pgmq_works(queue):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended:
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


if __name__ == "__main__":
    if sys.argv[1] == "pgmq":
        pgmq_jobs()
    else:
        asyncio.run(procrastinate_jobs())
