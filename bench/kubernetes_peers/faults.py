#!/usr/bin/env python3
"""What docktor and KEDA do while something is broken: each fault on a control plane of its own, with real worker processes as pods.

    faults.py BUILD RESULTS [--only NAME]      as root, as peers.py; goes on where it was stopped; prints a table
"""
import argparse
import asyncio
import json
import os
import pathlib
import signal
import subprocess
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
import nats  # noqa: E402
from systems import Docktor, Keda, Watch, inside, stage  # noqa: E402


def on_queue(what):
    async def run():
        c = await nats.connect(load.URL)
        await what(c, c.jetstream())
        await c.flush()
        await c.close()
    asyncio.run(run())


def put(count):
    async def run(c, _):
        for n in range(count):
            await c.publish("work", json.dumps({"n": n, "at": time.time()}).encode())
    on_queue(run)


def said(k, peer):
    """What the autoscaler tells of it."""
    if isinstance(peer, Docktor):
        places = {f"DOCKTOR_{w}_DIR": str(k.folder / w.lower()) for w in ("STATE", "LOG", "RUNTIME")}
        out = subprocess.run([build / "src/app/docktor", "daemon", "status", "--json", "--config", k.folder / "docktor.yaml"],
                             env={**os.environ, **places}, capture_output=True, text=True).stdout
        (service,) = json.loads(out)["services"]
        return "; ".join(c["words"] for c in service.get("conditions", [])) or "nothing"
    status = json.loads(k.kubectl("get", "scaledobject", "worker", "-o", "json"))["status"]
    return ", ".join(f"{c['type']}={c['status']}" for c in status["conditions"] if c["type"] in ("Ready", "Active"))


def first_wanted(watch, since, seconds):
    end = time.time() + seconds
    while time.time() < end:
        if later := [at for at, n in watch.wanted if at > since and n > 0]:
            return f"{later[0] - since:.1f} s until the first replica is wanted"
        time.sleep(0.1)
    return f"none wanted in {seconds} s"


def missing_consumer(k, _own, peer, watch):
    async def run(_, js):
        await js.delete_consumer("S", "c")
        for n in range(500):
            await js.publish("work", b"{}")
        await js.purge_stream("S")
    on_queue(run)
    time.sleep(60)
    return f"{max(n for _, n in watch.wanted)} wanted at most in 60 s; told: {said(k, peer)}"


def deleted_stream(k, _own, peer, watch):
    put(2000)
    cluster.wait_for("four replicas", lambda: watch.wanted[-1][1] >= 4, 120)
    then = watch.wanted[-1][1]

    async def run(_, js):
        await js.delete_stream("S")
    on_queue(run)
    time.sleep(90)
    return f"{then} wanted then, {watch.wanted[-1][1]} after 90 s; told: {said(k, peer)}"


def no_monitoring_port(k, _own, peer, watch):
    server = k.processes.all[0]
    k.processes.stop(server)
    k.processes.start("nats", ["nats-server", "-js", "-sd", k.folder / "js", "-a", "127.0.0.1", "-p", 4222])
    time.sleep(5)
    began = time.time()
    put(200)
    return f"{first_wanted(watch, began, 60)}; told: {said(k, peer)}"


def killed(k, own, peer, watch):
    words = pathlib.Path(f"/proc/{own[0].pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    env = dict(v.split("=", 1) for v in pathlib.Path(f"/proc/{own[0].pid}/environ").read_bytes().decode().split("\0")[:-1])
    os.kill(own[0].pid, signal.SIGKILL)
    own[0].wait()
    began = time.time()
    put(200)
    time.sleep(1)
    k.processes.start("again", words, env)
    return f"{first_wanted(watch, began, 60)}; told: {said(k, peer)}"


FAULTS = {"the consumer is not there, the stream is empty": missing_consumer,
          "the stream is deleted while messages wait": deleted_stream,
          "the server's monitoring port is closed, 200 messages come": no_monitoring_port,
          "it is killed and started again after 1 s, 200 messages come meanwhile": killed}


def main():
    inside()
    results = json.loads(args.results.read_text()) if args.results.exists() else []
    for what, fault in FAULTS.items():
        for peer in (Docktor(build), Keda(build, 10, 5)):
            if any(r["fault"] == what and r["name"] == peer.name for r in results) or (args.only and args.only not in peer.name):
                continue
            with stage(build, peer) as (k, own):
                time.sleep(20)
                watch = Watch(k)
                time.sleep(1)
                results.append({"fault": what, "name": peer.name, "seen": fault(k, own, peer, watch)})
            args.results.write_text(json.dumps(results, indent=1))
            print(f"{what}: {peer.name}: {results[-1]['seen']}", file=sys.stderr, flush=True)
    print("| fault | docktor | KEDA |\n| --- | --- | --- |")
    for what in FAULTS:
        print(f"| {what} | " + " | ".join(r["seen"] for r in results if r["fault"] == what) + " |")


main()
