"""The JSON Schema takes what the loader takes, and refuses what no file may have. Arguments: docktor, the tree's root."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

docktor, root = sys.argv[1], pathlib.Path(sys.argv[2])
schema = json.loads(subprocess.run([docktor, "config", "schema"], check=True, capture_output=True, text=True).stdout)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)

SERVICE = """services:
  - name: a
    min_replicas: 1
    max_replicas: 3
    rules: {scale_up_when: [{metric: queue.backlog, op: ">", value: 5}]}
    queue: {url: nats://h:4222, stream: S, consumer: C}
    target: {kind: process, command: ./worker}
"""
# Of each what is put in the place of something: a file that both take.
TAKEN = [
    ("", ""),
    ("max_replicas: 3", "max_replicas: ${MOST:-3}"),
    ("max_replicas: 3", "max_replicas: 3\n    check_interval: 1m30s"),
    ("max_replicas: 3", "max_replicas: 3\n    check_interval: 5"),
    ("max_replicas: 3", 'max_replicas: "3"\n    check_interval: "5"'),
    ("queue: {url: nats://h:4222, stream: S, consumer: C}",
     'queue: {kind: redis, url: redis://h, framework: celery, acks_late: "yes"}'),
    ("services:", "version: 1\nservices:"),
    ("services:", "x-shared: {a: [b]}\nservices:"),
    ("command: ./worker", "command: [./worker, 5, true], environment: {A: 1, B: x}"),
    ("command: ./worker", "command: ./worker, environment: [A=1]"),
    ("rules: {scale_up_when: [{metric: queue.backlog, op: \">\", value: 5}]}", "objective: {max_wait: 5s, quantile: 0.9}"),
    ("queue: {url: nats://h:4222, stream: S, consumer: C}", "queue: {kind: redis, url: redis://h, list: jobs}"),
    ("queue: {url: nats://h:4222, stream: S, consumer: C}",
     "queues: [{name: x, kind: redis, url: redis://h, list: x}, {name: y, kind: redis, url: redis://h, list: y}]"),
    ("services:", "notifications: [{name: n, url: 'ntfys://h/t'}]\nservices:"),
]
REFUSED = [
    ("max_replicas: 3", "max_replica: 3"),
    ("max_replicas: 3", "max_replicas: many"),
    ("max_replicas: 3", "max_replicas: 0"),
    ("max_replicas: 3", "max_replicas: 3\n    rules_mode: roof"),
    ("name: a", "nam: a"),
    ("services:", "version: 2\nservices:"),
    ("services:", "servces: []\nservices:"),
    ("kind: process", "kind: proces"),
    ("kind: process", "kind: process, image: x"),
    ("command: ./worker", "command: []"),
    ("stream: S", "steam: S"),
    ("stream: S", "kind: redis, stream: S"),
    ("op: \">\"", "op: \"=>\""),
    ("metric: queue.backlog, ", ""),
    ("services:", "http: {listen: '127.0.0.1:1', tokens: [{name: a, fil: x}]}\nservices:"),
    ("services:", "notifications: [{nam: n}]\nservices:"),
]


def loader_takes(text):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "docktor.yaml")
        pathlib.Path(path).write_text(text)
        done = subprocess.run([docktor, "config", "validate", "--offline", "--config", path], capture_output=True, text=True)
        return done.returncode == 0, done.stdout + done.stderr


def mistakes(text):
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(yaml.safe_load(text))]


failed = 0


def check(right, *what):
    global failed
    if not right:
        failed += 1
        print("FAILED", *what)


for taken, cases in ((True, TAKEN), (False, REFUSED)):
    for old, new in cases:
        text = SERVICE.replace(old, new, 1) if old else SERVICE
        check(text != SERVICE or not old, "nothing was replaced:", old)
        loader, told = loader_takes(text)
        check(loader == taken, "the loader:", new, told)
        found = mistakes(text)
        check((not found) == taken, "the schema:", new, found)

# Every file that is shown: of the examples, and in the pages of documentation where it is a whole one.
shown = {str(p): p.read_text() for p in root.glob("examples/**/docktor*.y*ml")}
for page in [root / "README.md", *root.glob("docs/*.md")]:
    for n, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M)):
        if re.search(r"^services:", block, re.M) and "..." not in block:
            shown[f"{page}, block {n}"] = block
check(len(shown) > 20, "only", len(shown), "files are shown")
for name, text in shown.items():
    found = mistakes(text)
    check(not found, name, found)
print(f"{len(TAKEN)} taken, {len(REFUSED)} refused, {len(shown)} shown; {failed} failed")
sys.exit(1 if failed else 0)
