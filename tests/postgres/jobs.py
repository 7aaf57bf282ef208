"""What the tests do with Procrastinate: puts jobs in and works on them, as its users do.

jobs.py procrastinate VERB [N]      DATABASE_URL; GATE: a file, jobs run until it exists; DONE: a line for each job done
"""
import asyncio
import logging
import os
import sys

import procrastinate

logging.disable(logging.WARNING)  # "App is instantiated in the main Python module"
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(queue="mail", name="mail")
async def mail(fails=False):
    while not os.path.exists(os.environ["GATE"]):
        await asyncio.sleep(0.01)
    if fails:
        raise ValueError("it was to fail")
    with open(os.environ["DONE"], "a") as out:
        out.write("done\n")


async def main(verb, n):
    async with app.open_async():
        if verb == "make":
            await app.schema_manager.apply_schema_async()
        for _ in range(n):
            if verb == "put":
                await mail.defer_async()
            elif verb == "put-later":
                await mail.configure(schedule_in={"hours": 1}).defer_async()
            elif verb == "put-failing":
                await mail.defer_async(fails=True)
        if verb == "size":
            print(sum(q["todo"] + q["doing"] for q in await app.job_manager.list_queues_async(queue="mail")))
        if verb == "work":
            await app.run_worker_async(concurrency=1, fetch_job_polling_interval=0.5)


asyncio.run(main(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
