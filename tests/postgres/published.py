"""Workers of Oban and Solid Queue for the tests, since their own run on Elixir and Rails: on the tables of their published migrations,
by the statements with which they put jobs in, take and finish them (Oban 2.23, lib/oban/engines/basic.ex; Solid Queue 1.5,
app/models/solid_queue).

published.py oban|solid-queue put N [FIRST] | work     DATABASE_URL; JOB_MS: how long a job takes; DONE: a line for each job done
"""
import os
import signal
import sys
import time

import psycopg2

NOW = "timezone('UTC', now())"


class Oban:
    def put(self, c, n):
        c.execute("insert into oban_jobs (queue, args) values ('mail', jsonb_build_object('n', %s::int))", (n,))
        c.execute("""select pg_notify('public.oban_insert', '{"queue":"mail"}')""")

    def stage(self, c):
        c.execute(f"""update oban_jobs set state = 'available' where id in (select id from oban_jobs
          where state in ('scheduled', 'retryable') and scheduled_at <= {NOW} limit 5000)""")

    def take(self, c):
        c.execute(f"""with subset as materialized (select id from oban_jobs where state = 'available' and queue = 'mail'
            and attempt < max_attempts order by priority, scheduled_at, id limit 1 for update skip locked)
          update oban_jobs j set state = 'executing', attempt = attempt + 1, attempted_at = {NOW}, attempted_by = array['node']
          from subset where j.id = subset.id returning j.id, j.args ->> 'n'""")
        return c.fetchone()

    def finish(self, c, job):
        c.execute(f"update oban_jobs set state = 'completed', completed_at = {NOW} where id = %s and state = 'executing'", (job,))


class SolidQueue:
    def put(self, c, n):
        c.execute("insert into solid_queue_jobs (queue_name, class_name) values ('mail', %s) returning id", (n,))
        c.execute("insert into solid_queue_ready_executions (job_id, queue_name) values (%s, 'mail')", c.fetchone())

    def stage(self, c):  # its dispatcher
        c.execute(f"""select job_id, queue_name from solid_queue_scheduled_executions where scheduled_at <= {NOW}
          order by scheduled_at, priority, job_id limit 500 for update skip locked""")
        for job in c.fetchall():
            c.execute("insert into solid_queue_ready_executions (job_id, queue_name) values (%s, %s)", job)
            c.execute("delete from solid_queue_scheduled_executions where job_id = %s", job[:1])

    def take(self, c):
        c.execute("""select id, job_id from solid_queue_ready_executions where queue_name = 'mail' order by priority, job_id limit 1
          for update skip locked""")
        found = c.fetchone()
        if found is None:
            return None
        c.execute("insert into solid_queue_claimed_executions (job_id, process_id) values (%s, %s)", (found[1], os.getpid()))
        c.execute("delete from solid_queue_ready_executions where id = %s", found[:1])
        c.execute("select id, class_name from solid_queue_jobs where id = %s", found[1:])
        return c.fetchone()

    def finish(self, c, job):
        c.execute(f"update solid_queue_jobs set finished_at = {NOW} where id = %s", (job,))
        c.execute("delete from solid_queue_claimed_executions where job_id = %s", (job,))


def work(framework, connection):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended:
        with connection, connection.cursor() as c:
            framework.stage(c)
            job = framework.take(c)
        if job is None:
            time.sleep(0.1)
            continue
        time.sleep(int(os.environ.get("JOB_MS", 0)) / 1000)
        with open(os.environ["DONE"], "a") as out:
            out.write(f"{job[1]}\n")
        with connection, connection.cursor() as c:
            framework.finish(c, job[0])


framework = {"oban": Oban, "solid-queue": SolidQueue}[sys.argv[1]]()
connection = psycopg2.connect(os.environ["DATABASE_URL"])
if sys.argv[2] == "work":
    work(framework, connection)
else:
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    with connection, connection.cursor() as c:
        for i in range(int(sys.argv[3])):
            framework.put(c, first + i)
