#!/usr/bin/python3
"""How much CPU a daemon takes that samples 1,000 queues of one Redis each second: redis-thousand.py DOCKTOR [SECONDS [WHAT]],
WHAT being stream (without) or a framework.

Needs redis-server and python3-redis. Everything is private and gone at the end.
"""
import os
import subprocess
import sys
import tempfile
import time

import redis

docktor, seconds = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 20
what = sys.argv[3] if len(sys.argv) > 3 else "stream"
keys, command = {
    "stream": ("stream: s{0}, group: g", "xinfo|groups"), "celery": ("framework: celery, queue: s{0}, acks_late: true", "zrangebyscore"),
    "rq": ("framework: rq, queue: s{0}", "scard"), "sidekiq": ("framework: sidekiq, queue: s{0}", "smembers"),
    "bullmq": ("framework: bullmq, queue: s{0}", "hget"), "laravel": ("framework: laravel, queue: s{0}", "llen")}[what]
SERVICE = """  - name: s{0}
    min_replicas: 0
    max_replicas: 1
    check_interval: 60s
    rules: {{scale_up_when: [{{metric: queue.backlog, op: ">", value: 5}}]}}
    queue: {{kind: redis, url: "unix://{1}/redis.sock", WHAT}}
    target: {{kind: process, command: [/bin/true]}}
""".replace("WHAT", keys)
with tempfile.TemporaryDirectory() as folder:
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", folder, "--save", ""],
                              stdout=subprocess.DEVNULL)
    while not os.path.exists(f"{folder}/redis.sock"):
        time.sleep(0.05)
    client = redis.Redis(unix_socket_path=f"{folder}/redis.sock")
    with open(f"{folder}/docktor.yaml", "w") as out:
        out.write("services:\n")
        for i in range(1000):
            client.xgroup_create(f"s{i}", "g", "0", mkstream=True)
            out.write(SERVICE.format(i, folder))
    names = {f"DOCKTOR_{n}_DIR": f"{folder}/{n.lower()}" for n in ("RUNTIME", "STATE", "LOG")}
    daemon = subprocess.Popen([docktor, "daemon", "start", "--foreground", "--config", f"{folder}/docktor.yaml"],
                              env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(10)

    def look():
        ticks = open(f"/proc/{daemon.pid}/stat").read().rsplit(")", 1)[1].split()
        calls = client.info("commandstats")[f"cmdstat_{command}"]["calls"]
        return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"), calls

    cpu, calls = look()
    time.sleep(seconds)
    cpu, calls = look()[0] - cpu, look()[1] - calls
    print(f"{calls / seconds:.0f} readings a second, {100 * cpu / seconds:.1f} % of a core")
    daemon.terminate()
    daemon.wait()
    server.terminate()
    server.wait()
