#!/usr/bin/python3
"""What a daemon of many services costs: many-services.py DOCKTOR [SERVICES [SECONDS [rules|objective]]].

Each service has a durable consumer of its own on one nats-server, is sampled each second and has nothing to do. Told are the time until
the daemon is ready, its memory and its CPU. Needs nats-server. Everything is private and gone at the end.
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

docktor = os.path.abspath(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
policy = {"objective": "objective: {max_wait: 10s}, check_interval: 2s",
          "rules": 'rules: {scale_up_when: [{metric: queue.backlog, op: ">", value: 5}]}'}[
              sys.argv[4] if len(sys.argv) > 4 else "rules"]


def request(link, subject, body):
    data = json.dumps(body).encode()
    link.sendall(b"PUB %s answers %d\r\n%s\r\n" % (subject.encode(), len(data), data))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def consumers(port):
    """Makes the stream and a durable consumer for each service."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        answers = link.makefile("rb")
        link.sendall(b'CONNECT {"verbose":false}\r\nSUB answers 1\r\n')
        request(link, "$JS.API.STREAM.CREATE.WORK", {"name": "WORK", "subjects": ["work.>"], "retention": "workqueue"})
        for i in range(count):
            request(link, f"$JS.API.CONSUMER.DURABLE.CREATE.WORK.w{i}", {"stream_name": "WORK", "config": {
                "durable_name": f"w{i}", "ack_policy": "explicit", "filter_subject": f"work.{i}"}})
        got = 0
        while got < count + 1:
            line = answers.readline()
            if line.startswith(b"MSG answers"):
                answer = json.loads(answers.read(int(line.split()[-1])))
                if "error" in answer:
                    sys.exit(f"the server refused: {answer['error']}")
                got += 1
            elif line.startswith(b"PING"):
                link.sendall(b"PONG\r\n")


def memory(pid):
    text = open(f"/proc/{pid}/smaps_rollup").read()
    figure = {name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1)) / 1024 for name in ("Rss", "Private_Dirty")}
    return f"{figure['Rss']:.0f} MB resident, {figure['Private_Dirty']:.0f} private"


def cpu(pid):
    ticks = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


with tempfile.TemporaryDirectory() as folder:
    port = free_port()
    with open(f"{folder}/server.conf", "w") as out:
        out.write(f'listen: 127.0.0.1:{port}\nhttp: 127.0.0.1:{free_port()}\njetstream {{store_dir: "{folder}/js"}}\n')
    server = subprocess.Popen(["nats-server", "-c", f"{folder}/server.conf", "-l", f"{folder}/server.log"])
    time.sleep(1)
    consumers(port)
    with open(f"{folder}/docktor.yaml", "w") as out:
        out.write("services:\n")
        for i in range(count):
            out.write(f"  - {{name: s{i}, min_replicas: 0, max_replicas: 5, {policy}, "
                      f"queue: {{kind: nats, url: 'nats://127.0.0.1:{port}', stream: WORK, consumer: w{i}}}, "
                      "target: {kind: process, command: [/bin/true]}}\n")
    names = {f"DOCKTOR_{n}_DIR": f"{folder}/{n.lower()}" for n in ("RUNTIME", "STATE", "LOG")}
    begun = time.monotonic()
    daemon = subprocess.Popen([docktor, "daemon", "start", "--foreground", "--config", f"{folder}/docktor.yaml"],
                              env={**os.environ, **names}, stdout=open(f"{folder}/out", "w"), stderr=subprocess.STDOUT)
    while subprocess.run([docktor, "daemon", "status", "--json", "--config", f"{folder}/docktor.yaml"], env={**os.environ, **names},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        if daemon.poll() is not None:
            sys.exit(open(f"{folder}/out").read()[:2000])
        time.sleep(0.2)
    print(f"status answers after {time.monotonic() - begun:.1f} s, {memory(daemon.pid)}", flush=True)
    for _ in range(3):
        before = cpu(daemon.pid)
        time.sleep(seconds)
        print(f"{100 * (cpu(daemon.pid) - before) / seconds:.1f} % of a core, {memory(daemon.pid)}", flush=True)
    daemon.terminate()
    daemon.wait()
    server.terminate()
    server.wait()
