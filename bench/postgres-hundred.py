#!/usr/bin/python3
"""What a daemon and its database take for 100 queues in one PostgreSQL, sampled each second: postgres-hundred.py DOCKTOR [SECONDS].

River's table with 1,000,000 finished jobs and 1,000 waiting. Needs PostgreSQL's server programs and python3-psycopg2, and to be
root or any other user. Everything is private and gone at the end.
"""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psycopg2

docktor, seconds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
QUEUES = 100
SERVICE = """  - name: s{0}
    min_replicas: 0
    max_replicas: 1
    check_interval: 60s
    rules: {{scale_up_when: [{{metric: queue.backlog, op: ">", value: 5000}}]}}
    queue: {{kind: postgres, url: "postgres://postgres@127.0.0.1:{1}/postgres", framework: river, queue: q{0}}}
    target: {{kind: process, command: [/bin/true]}}
"""
# The tables that the tests have, which are those of River's migrations.
here = os.path.dirname(os.path.abspath(__file__))
tables = re.findall(r'kRiver(?:Tables|Indexes) = R"\(\n(.*?)\)"', open(f"{here}/../tests/postgres/tables.h").read(), re.S)
programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]


def cpu_of(pid):
    ticks = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


folder = tempfile.mkdtemp()
server = daemon = None
try:
    os.chmod(folder, 0o755)
    os.mkdir(f"{folder}/data")
    if as_user:
        shutil.chown(f"{folder}/data", "postgres", "postgres")
    subprocess.run([*as_user, f"{programs}/initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "--no-sync"],
                   check=True, stdout=subprocess.DEVNULL, cwd="/")
    server = subprocess.Popen([*as_user, f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(port), "-k", f"{folder}/data",
                               "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], stderr=subprocess.DEVNULL, cwd="/")
    while True:
        try:
            db = psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
            break
        except psycopg2.OperationalError:
            time.sleep(0.1)
    db.autocommit = True
    ask = db.cursor()
    ask.execute(tables[0])
    ask.execute("insert into river_job (state, finalized_at, queue) select 'completed', now(), 'q' || n %% %s from "
                "generate_series(1, 1000000) n", (QUEUES,))
    ask.execute("insert into river_job (queue) select 'q' || n %% %s from generate_series(1, 1000) n", (QUEUES,))
    ask.execute(tables[1])
    ask.execute("vacuum analyze")
    with open(f"{folder}/docktor.yaml", "w") as out:
        out.write("services:\n" + "".join(SERVICE.format(i, port) for i in range(QUEUES)))
    names = {f"DOCKTOR_{n}_DIR": f"{folder}/{n.lower()}" for n in ("RUNTIME", "STATE", "LOG")}
    daemon = subprocess.Popen([docktor, "daemon", "start", "--foreground", "--dry-run", "--config", f"{folder}/docktor.yaml"],
                              env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(10)

    def look():
        ask.execute("select pid from pg_stat_activity where application_name = 'docktor'")
        connections = [row[0] for row in ask.fetchall()]
        ask.execute("select xact_commit + xact_rollback from pg_stat_database where datname = 'postgres'")
        return cpu_of(daemon.pid), sum(cpu_of(pid) for pid in connections), ask.fetchone()[0], len(connections)

    before = look()
    time.sleep(seconds)
    after = look()
    mine, its, transactions = ((b - a) / seconds for a, b in zip(before[:3], after[:3]))
    print(f"{QUEUES} queues, {after[3]} connection, {transactions:.1f} transactions a second (each is a reading of all queues that are due at that moment); "
          f"docktor {100 * mine:.1f} % of a core, its connection's backend {100 * its:.1f} %")
finally:
    for program in (daemon, server):
        if program:
            program.send_signal(signal.SIGINT)
            program.wait()
    shutil.rmtree(folder)
