#!/usr/bin/env python3
"""docktor, the HPA and KEDA beside each other: one control plane, one queue, one load, real worker processes as pods.

    peers.py BUILD RESULTS [--only NAME]      as root; BUILD has src/app/docktor, kubernetes/bin, keda/bin and worker-clients

Each is told what its users know: docktor a goal, a message waits at most 5 s; the HPA and KEDA how many messages a replica
may have, at several numbers, since they know no goal. Goes on where it was stopped: a run that is in RESULTS (a JSON file) is not
made again. Prints the table of docs/kubernetes.md.
"""
import argparse
import asyncio
import json
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
args = argparse.ArgumentParser()
args.add_argument("build", type=pathlib.Path)
args.add_argument("results", type=pathlib.Path)
args.add_argument("--only")
args = args.parse_args()
build = args.build.resolve()
sys.path[:0] = [str(build / "worker-clients/python"), str(HERE)]

import cluster  # noqa: E402
import load  # noqa: E402
from systems import MAX_WAIT, Docktor, Hpa, Keda, Watch, inside, stage  # noqa: E402


def figures(folder, sent, first, watch):
    done = {}
    for file in folder.glob("done-*.txt"):
        for line in file.read_text().splitlines():
            number, wait = line.split()
            done.setdefault(int(number), float(wait))
    waits = sorted(done.values())
    to_one = []
    for instant in first:
        before = [n for at, n in watch.wanted if at <= instant]
        later = [at - instant for at, n in watch.wanted if at > instant and n > 0]
        if before and before[-1] == 0 and later:
            to_one.append(later[0])
    return {"messages": sent, "lost": sent - len(done), "p99": waits[int(0.99 * (len(waits) - 1))], "max": waits[-1],
            "late": sum(w > MAX_WAIT for w in waits) / len(waits), "from_zero": to_one}


def one(peer):
    with stage(build, peer) as (k, own):
        time.sleep(20)  # each has looked at least once; KEDA's first poll comes at once
        watch = Watch(k)
        time.sleep(1)
        used = [cluster.cpu_and_memory(p)[0] for p in own]
        sent = asyncio.run(load.publish(k.folder / "first"))
        cluster.wait_for("the last message", lambda: len({line.split()[0] for f in k.folder.glob("done-*.txt")
                                                          for line in f.read_text().splitlines()}) >= sent, 120)
        cost = watch.replica_seconds()
        now = [cluster.cpu_and_memory(p) for p in own]
        result = figures(k.folder, sent, [float(x) for x in (k.folder / "first").read_text().split()], watch)
        return {"name": peer.name, **result, "replica_seconds": cost, "cost": cost / (sent * load.JOB),
                "cpu": sum(c for c, _ in now) - sum(used), "memory": sum(m for _, m in now)}


def table(results):
    print("| | late | p99 s | longest s | replica-seconds, times the work | from zero to the first replica wanted, s | MiB | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for r in results:
        zero = f"{statistics.median(r['from_zero']):.2f}, at most {max(r['from_zero']):.2f}" if r["from_zero"] else "never at zero"
        own = f"{r['memory']:.0f} | {r['cpu']:.1f}" if r["memory"] else "– | –"
        print(f"| {r['name']} | {100 * r['late']:.2f} % | {r['p99']:.1f} | {r['max']:.1f} | {r['cost']:.2f} | {zero} | {own} |")


def main():
    inside()
    results = json.loads(args.results.read_text()) if args.results.exists() else []
    peers = [Docktor(build), Keda(build, 10, 30), Keda(build, 10, 5), Keda(build, 30, 5), Hpa(10), Hpa(30)]
    for peer in peers:
        if any(r["name"] == peer.name for r in results) or (args.only and args.only not in peer.name):
            continue
        print(f"{peer.name}: {load.length() // 60 + 2} minutes", file=sys.stderr, flush=True)
        results.append(one(peer))
        args.results.write_text(json.dumps(results, indent=1))
    table(results)


main()
