#!/usr/bin/env python3
"""What the HTTP side costs: /metrics of many services, the memory of a daemon of one service that somebody watches, the
page in five browsers at once, with nothing to do and busy, and a day, a week and what it cost out of a full journal.

    http_bench.py PATH_OF_DOCKTOR [SERVICES]

Starts a nats-server and daemons of its own in a folder of its own; services are a dry run but where they are busy. Prints a
line for each figure. Where others use the machine, what an evaluation takes (CPU time) says more than shares of a core.
"""
import gzip
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_consumer(port):
    """A stream and a consumer, in NATS's own words."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b'CONNECT {"verbose":false}\r\nSUB _reply 1\r\n')
        for subject, body in (
            ("STREAM.CREATE.EVENTS", {"name": "EVENTS", "subjects": ["events.>"]}),
            ("CONSUMER.DURABLE.CREATE.EVENTS.WORKERS", {"stream_name": "EVENTS", "config": {"durable_name": "WORKERS", "ack_policy": "explicit"}}),
        ):
            text = json.dumps(body).encode()
            s.sendall(f"PUB $JS.API.{subject} _reply {len(text)}\r\n".encode() + text + b"\r\n")
            told = b""
            while b"MSG _reply" not in told or told.count(b"\r\n") < 2:
                told += s.recv(65536)


class Load:
    """Some hundred messages a second that come, are taken and acknowledged, so that each sample has news."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(.5)
        self.told = b""
        self.socket.sendall(b'CONNECT {"verbose":false}\r\nSUB _pulled 1\r\n')
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        for n in range(1_000_000):
            if self.over.wait(.05):
                return
            self.socket.sendall(b"PUB events.x 2\r\nhi\r\n" * 50)
            self.take(45 if n % 4 else 70)

    def line(self):
        """The next one, its payload taken away; nothing where none comes."""
        while True:
            head, end, rest = self.told.partition(b"\r\n")
            size = int(head.split()[-1]) + 2 if head.startswith(b"MSG") else 0
            if end and len(rest) >= size:
                self.told = rest[size:]
                return head
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                more = b""
            if not more:
                return b""
            self.told += more

    def take(self, most):
        body = json.dumps({"batch": most, "expires": 100_000_000}).encode()
        self.socket.sendall(f"PUB $JS.API.CONSUMER.MSG.NEXT.EVENTS.WORKERS _pulled {len(body)}\r\n".encode() + body + b"\r\n")
        acks = []
        while len(acks) < most:
            line = self.line()
            if line == b"PING":
                self.socket.sendall(b"PONG\r\n")
            words = line.split()
            if not line or words[1:2] == [b"_pulled"]:
                break  # there are no more
            if words[0] == b"MSG":
                acks.append(b"PUB " + words[3] + b" 0\r\n\r\n")
        self.socket.sendall(b"".join(acks))

    def stop(self):
        self.over.set()
        self.thread.join()
        self.socket.close()


def config(nats, port, services, more="", least=1):
    text = f"http: {{listen: 127.0.0.1:{port}}}\nservices:\n"
    for i in range(services):
        text += (
            f"  - name: service-{i:04}\n    min_replicas: {least}\n    max_replicas: 10\n{more}    objective: {{max_wait: 5s}}\n"
            f'    queue: {{kind: nats, url: "nats://127.0.0.1:{nats}", stream: EVENTS, consumer: WORKERS}}\n'
            f"    target: {{kind: process, command: [sleep, inf]}}\n"
        )
    return text


def status_kb(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def peak_kb(pid):
    return int(next(l for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith("VmHWM")).split()[1])


class Daemon:
    def __init__(self, docktor, folder, nats, services, more="", least=1, dry=True):
        self.docktor, self.port = docktor, free_port()
        self.folder = folder / str(services)
        self.folder.mkdir()
        (self.folder / "docktor.yaml").write_text(config(nats, self.port, services, more, least))
        self.env = {**os.environ, **{f"DOCKTOR_{k}_DIR": str(self.folder / k.lower()) for k in ("STATE", "RUNTIME", "LOG")}}
        self.run("daemon", "start", *(["--dry-run"] if dry else []))
        status = subprocess.run([docktor, "daemon", "status", "--json", "--config", str(self.folder / "docktor.yaml")], env=self.env, capture_output=True, text=True, check=True).stdout
        self.pid = json.loads(status)["pid"]
        while self.get("/readyz")[0] != 200:
            time.sleep(.2)

    def run(self, *words):
        subprocess.run([self.docktor, *words, "--config", str(self.folder / "docktor.yaml")], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def get(self, path, headers={}, unpack=True):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)) as answer:
                body = answer.read()
                return answer.status, gzip.decompress(body) if unpack and answer.headers["Content-Encoding"] == "gzip" else body
        except urllib.error.HTTPError as error:
            return error.code, b""


    def used(self):
        """CPU seconds so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def late(self):
        """How many evaluations began more than 10 ms late, and of how many."""
        of = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[1].decode().splitlines() if line.startswith("docktor_evaluation_delay_seconds")}
        return of["docktor_evaluation_delay_seconds_count"] - of['docktor_evaluation_delay_seconds_bucket{le="0.01"}'], of["docktor_evaluation_delay_seconds_count"]


def browsers(docktor, folder, nats, daemons, busy):
    # With nothing to do at zero, since a dry run would order the first replica of each again and again.
    (folder / f"busy-{busy}").mkdir()
    many = Daemon(docktor, folder / f"busy-{busy}", nats, 100, "    sample_interval: 1s\n    check_interval: 1s\n", least=1 if busy else 0, dry=not busy)
    daemons.append(many)
    load = Load(nats) if busy else None
    time.sleep(15 if busy else 5)
    told = {}
    open_ = []
    try:
        for n in (0, 5):
            for i in range(n):
                open_.append(subprocess.Popen(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/browser-{busy}-{i}",
                                               "--remote-debugging-port=0", f"http://127.0.0.1:{many.port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(10 if n else 0)
            before, cpu, began = many.late(), many.used(), time.monotonic()
            time.sleep(60 if busy else 30)
            cpu, length, after = many.used() - cpu, time.monotonic() - began, many.late()
            streams = next(float(l.split()[1]) for l in many.get("/metrics")[1].decode().splitlines() if l.startswith("docktor_http_streams"))
            told[n] = f"{100 * cpu / length:.1f} % of a core ({1e6 * cpu / (after[1] - before[1]):.0f} us an evaluation), {after[0] - before[0]:.0f} of {after[1] - before[1]:.0f} evaluations began more than 10 ms late"
            assert streams == n, f"{streams} streams of {n}"
    finally:
        for b in open_:
            b.kill()
            b.wait()
        if load:
            load.stop()
    print(f"100 services{', busy,' if busy else ''} sampled each second: {told[0]}; with the page in five browsers: {told[5]}")
    many.run("daemon", "stop", *(["--replicas"] if busy else []))
    daemons.remove(many)


def full_journal(docktor, folder, nats, daemons):
    """As many records as a journal keeps, of the last six days, made of one that the daemon wrote."""
    (folder / "full").mkdir()
    one = Daemon(docktor, folder / "full", nats, 1)
    daemons.append(one)
    journal = next(one.folder.rglob("decisions.jsonl"))
    while not any('"inputs":[{' in line for line in journal.open()):
        time.sleep(1)
    record = [json.loads(line) for line in journal.open() if '"inputs":[{' in line][-1]
    now, name = time.time(), record["service"]
    room = 16 << 20  # bytes of a file; eight are kept
    step = 6 * 86400 / (8 * room // len(json.dumps(record, separators=(",", ":"))))
    t = now - 6 * 86400
    for n in range(8, 0, -1):
        with open(f"{journal}.{n}", "w") as out:
            while out.tell() < room and t < now - 60:
                for _ in range(100):
                    record["t"] = t = t + step
                    for i in record["inputs"]:
                        i["t"] = t
                    out.write(json.dumps(record, separators=(",", ":")) + "\n")
    for what, path in (("the last hour", f"history?from={now - 3600:.0f}"), ("a day", f"history?from={now - 86400:.0f}&points=360"),
                       ("a week", f"history?from={now - 7 * 86400:.0f}&points=360"), ("what it cost", "savings?last=7d"), ("... asked again", "savings?last=7d")):
        began = time.monotonic()
        assert one.get(f"/api/v1/services/{name}/{path}")[0] == 200
        print(f"of a journal of {8 * room >> 20} MB, {what}: {time.monotonic() - began:.2f} s")
    one.run("daemon", "stop")
    daemons.remove(one)


def main():
    docktor, services = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder, nats = pathlib.Path(name), free_port()
        server = subprocess.Popen(["nats-server", "-js", "-a", "127.0.0.1", "-p", str(nats), "-sd", name + "/js"], stderr=subprocess.DEVNULL)
        daemons = []
        try:
            for _ in range(100):
                try:
                    make_consumer(nats)
                    break
                except OSError:
                    time.sleep(.1)
            many = Daemon(docktor, folder, nats, services)
            daemons.append(many)
            time.sleep(5)
            before = peak_kb(many.pid)
            times, cpu = [], many.used()
            for _ in range(30):
                began = time.monotonic()
                status, body = many.get("/metrics", {"Accept-Encoding": "gzip"}, unpack=False)  # that is the scraper's work
                times.append((time.monotonic() - began) * 1000)
                assert status == 200
            cpu = 1000 * (many.used() - cpu) / len(times)
            body = gzip.decompress(body)
            series = sum(1 for line in body.splitlines() if not line.startswith(b"#"))
            print(f"/metrics, {services} services: p50 {statistics.median(times):.0f} ms, max {max(times):.0f} ms, {cpu:.0f} ms of CPU, {series} series, "
                  f"{len(body) / 1e6:.2f} MB; peak memory {(peak_kb(many.pid) - before) / 1000:.1f} MB more")
            many.run("daemon", "stop")
            daemons.remove(many)
            one = Daemon(docktor, folder, nats, 1)
            daemons.append(one)
            for _ in range(60):
                one.get("/metrics")
                time.sleep(.5)
            print(f"a daemon of one service, scraped for 30 s: {status_kb(one.pid, 'Private_Dirty') / 1000:.1f} MB private, "
                  f"{status_kb(one.pid, 'Rss') / 1000:.1f} MB resident")
            one.run("daemon", "stop")
            daemons.remove(one)
            browsers(docktor, folder, nats, daemons, busy=False)
            browsers(docktor, folder, nats, daemons, busy=True)
            full_journal(docktor, folder, nats, daemons)
        finally:
            for d in daemons:
                d.run("daemon", "stop", "--replicas")
            server.kill()
            server.wait()


main()
