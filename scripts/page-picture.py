#!/usr/bin/env python3
"""Takes pictures of the page of a daemon at work: docs/page-light.png, docs/page-dark.png, docs/page-phone.png.

    scripts/page-picture.py [MINUTES]       ten by default; needs ./docktor, build/examples, nats-server and chromium

Three services scale real worker processes on streams of a private nats-server, each under a load of its own.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "build" / "examples" / "nats-multi"
# A message takes so many ms; so many come each second, and so many in a burst of so many seconds, each so often.
SERVICES = {"mail": (40, 60, 240, 25, 90), "thumbnails": (120, 20, 60, 40, 150), "reports": (400, 2, 8, 30, 200)}
PICTURES = {"page-light.png": ("1400x900",), "page-dark.png": ("1400x900", "--dark"), "page-phone.png": ("360x800",)}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def config(nats, port):
    text = f"http: {{listen: 127.0.0.1:{port}}}\nservices:\n"
    for name, (ms, *_) in SERVICES.items():
        text += f"""  - name: {name}
    min_replicas: 1
    max_replicas: 20
    objective: {{max_wait: {"30s" if ms > 200 else "5s"}}}
    queue: {{kind: nats, url: "nats://127.0.0.1:{nats}", stream: {name.upper()}, consumer: WORKERS}}
    target:
      kind: process
      command: [{EXAMPLES}/consumer]
      environment: {{NATS_URL: "nats://127.0.0.1:{nats}", STREAM: {name.upper()}, CONSUMER: WORKERS, SUBJECT: events.{name},
                     PROCESS_TIME_MS: "{ms}", BATCH_SIZE: "1"}}
"""
    return text


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    nats, port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "docktor.yaml")
        file.write_text(config(nats, port))
        env = {**os.environ, "HOME": folder, **{f"DOCKTOR_{k}_DIR": f"{folder}/{k.lower()}" for k in ("STATE", "RUNTIME", "LOG")}}
        children = []

        def start(*command, **more):
            children.append(subprocess.Popen(command, env={**env, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        try:
            start("nats-server", "-js", "-a", "127.0.0.1", "-p", str(nats), "-sd", f"{folder}/nats")
            for name, (_, rate, burst, seconds, each) in SERVICES.items():
                start(f"{EXAMPLES}/producer", NATS_URL=f"nats://127.0.0.1:{nats}", STREAM=name.upper(), SUBJECT=f"events.{name}",
                      RATE=str(rate), BURST_RATE=str(burst), BURST_INTERVAL=str(each), BURST_DURATION=str(seconds))
            start(f"{ROOT}/docktor", "daemon", "start", "--foreground", "--config", str(file))
            until = time.monotonic() + 60 * minutes
            while (left := until - time.monotonic()) > 0:
                print(f"\rthe pictures are taken in {left:.0f} s ", end="", flush=True)
                time.sleep(min(5, left))
            print()
            for name, (size, *more) in PICTURES.items():
                seen = subprocess.run([sys.executable, f"{ROOT}/tests/web/browse.py", f"{folder}/{name}-profile", f"http://127.0.0.1:{port}/",
                                       "--size", size, *more, "--until", "document.querySelectorAll('svg').length > 2", "--wait", "3",
                                       "--picture", f"{ROOT}/docs/{name}"], capture_output=True, text=True)
                if seen.returncode or not json.loads(seen.stdout)["met"]:
                    sys.exit(f"page-picture.py: the page did not show the services: {seen.stdout}{seen.stderr}")
                print(f"docs/{name}")
        finally:
            for c in reversed(children):
                c.terminate()
                c.wait()


if __name__ == "__main__":
    main()
