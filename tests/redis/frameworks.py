"""What the tests of frameworks do with Celery and RQ: puts jobs in and works on them, as their users do.

frameworks.py FRAMEWORK VERB [N [FIRST]]     REDIS_URL names the server, GATE a file: jobs run until it exists; JOB_MS: how
                                             long one takes; RECORD_FILE: a line for each job done; QUEUE: of RQ
`count` prints what the framework counts itself; Celery tells by its workers what they have in hand: `count` asks as many as N.
"""
import datetime
import os
import sys
import time

URL = os.environ["REDIS_URL"]
GATE = os.environ.get("GATE", "/dev/null")
FIRST = int(sys.argv[4]) if len(sys.argv) > 4 and sys.argv[0].endswith("frameworks.py") else 0


def job(n):
    while not os.path.exists(GATE):
        time.sleep(0.01)
    if n < 0:
        raise ValueError("it was to fail")
    time.sleep(int(os.environ.get("JOB_MS", 0)) / 1000)
    if "RECORD_FILE" in os.environ:
        with open(os.environ["RECORD_FILE"], "a") as out:
            out.write(f"{n}\n")
    return n


def celery(verb, n):
    from celery import Celery

    app = Celery("frameworks", broker=URL)
    transport = {"visibility_timeout": int(os.environ.get("VISIBILITY_TIMEOUT", 2))}
    if "SEP" in os.environ:
        transport |= {"sep": os.environ["SEP"], "priority_steps": list(range(10))}
    app.conf.update(
        task_acks_late=True, worker_prefetch_multiplier=1, broker_transport_options=transport,
        worker_cancel_long_running_tasks_on_connection_loss=False, broker_connection_retry_on_startup=True)
    task = app.task(name="job")(job)

    @app.task(name="again", bind=True, max_retries=3)
    def again(self, n):
        try:
            job(n)
        except ValueError as failure:
            raise self.retry(exc=failure, countdown=3600)

    if verb == "put":
        for i in range(n):
            task.apply_async((i,))
    elif verb == "put-low":
        for i in range(n):
            task.apply_async((i,), priority=9)
    elif verb == "put-each":  # one of each priority
        for i in range(10):
            task.apply_async((i,), priority=i)
    elif verb == "put-mail":
        for i in range(n):
            task.apply_async((i,), queue="mail")
    elif verb == "put-later":
        for i in range(n):
            task.apply_async((i,), countdown=3600)
    elif verb == "put-due":
        for i in range(n):
            task.apply_async((i,), eta=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1))
    elif verb == "put-failing":
        for i in range(n):
            task.apply_async((-1,))
    elif verb == "put-retrying":
        for i in range(n):
            again.apply_async((-1,))
    elif verb == "count":  # waiting; at work or taken for it; held until its time comes
        with app.connection_for_read() as connection:
            waiting = connection.default_channel.queue_declare("celery").message_count
        asked = app.control.inspect(timeout=10, limit=n) if n > 0 else None
        told = [sum(len(tasks) for tasks in (ask() or {}).values()) for ask in (asked.active, asked.reserved, asked.scheduled)] if asked else [0, 0, 0]
        print(waiting, told[0] + told[1], told[2])
    elif verb == "purge":
        app.control.purge()
    elif verb == "work":
        app.worker_main(["worker", "--concurrency=1", f"--pool={os.environ.get('POOL', 'solo')}", "--loglevel=error", "--without-gossip",
                         "--without-mingle"])


def rq(verb, n):
    import frameworks  # RQ names a job's function by its module
    from redis import Redis
    from rq import Queue, Retry, SimpleWorker
    from rq.suspension import resume, suspend

    connection = Redis.from_url(URL)
    queue = Queue(os.environ.get("QUEUE", "default"), connection=connection)
    now = datetime.datetime.now(datetime.timezone.utc)
    if verb == "put":
        for i in range(n):
            queue.enqueue(frameworks.job, FIRST + i)
    elif verb == "put-failing":
        for i in range(n):
            queue.enqueue(frameworks.job, -1)
    elif verb == "put-later":
        for i in range(n):
            queue.enqueue_at(now + datetime.timedelta(hours=1), frameworks.job, i)
    elif verb == "put-due":
        for i in range(n):
            queue.enqueue_at(now - datetime.timedelta(seconds=1), frameworks.job, i)
    elif verb == "put-retrying":
        for i in range(n):
            queue.enqueue(frameworks.job, -1, retry=Retry(max=3, interval=3600))
    elif verb == "count":
        print(queue.count, queue.started_job_registry.count, queue.scheduled_job_registry.count, queue.failed_job_registry.count)
    elif verb == "purge":
        queue.empty()
    elif verb == "pause":
        suspend(connection)
    elif verb == "resume":
        resume(connection)
    elif verb == "work":
        SimpleWorker([queue], connection=connection).work(burst=True, with_scheduler=n > 0)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    {"celery": celery, "rq": rq}[sys.argv[1]](sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
