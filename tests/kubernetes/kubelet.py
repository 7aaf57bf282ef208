#!/usr/bin/env python3
"""A small kubelet for tests: one node, whose pods are real processes of this machine.

    kubelet.py --server URL --token TOKEN --ca FILE --node NAME [--pods N] [--cpu N]

Runs each pod's first container: `command` and `args` as they stand, `env` where it is plain text. A pod is ready as soon as
its process runs, or what the pod's annotations say:

    test/start-delay: SECONDS   until the process is started     test/ready: never    it runs and never gets ready
    test/ready-file: PATH       ready while that file exists

The image `missing` cannot be pulled. A process that ends is started anew with a growing pause (CrashLoopBackOff). A pod that is
deleted gets SIGTERM, its grace period, SIGKILL, and its end is told. An API server that is gone is waited for; the processes
go on.
"""
import argparse
import ctypes
import http.client
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

args = argparse.ArgumentParser()
for name in ("server", "token", "ca", "node"):
    args.add_argument("--" + name, required=True)
args.add_argument("--pods", default="100")
args.add_argument("--cpu", default="16")
args = args.parse_args()
where = urllib.parse.urlparse(args.server)
tls = ssl.create_default_context(cafile=args.ca)
libc = ctypes.CDLL(None)


def connection(timeout):
    return http.client.HTTPSConnection(where.hostname, where.port, context=tls, timeout=timeout)


def call(method, path, body=None, kind="application/json"):
    """Status and answer; a server that is gone is waited for."""
    headers = {"Authorization": "Bearer " + args.token, "Content-Type": kind, "Accept": "application/json"}
    while True:
        c = connection(10)
        try:
            c.request(method, path, None if body is None else json.dumps(body), headers)
            r = c.getresponse()
            text = r.read()
            if r.status < 500 and r.status != 429:
                return r.status, json.loads(text or "null")
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            c.close()
        time.sleep(0.1)


def watch(path):
    c = connection(120)
    try:
        c.request("GET", path, None, {"Authorization": "Bearer " + args.token, "Accept": "application/json"})
        r = c.getresponse()
        while r.status == 200:
            line = r.readline()
            if not line:
                return
            yield json.loads(line)
    except (OSError, http.client.HTTPException, ValueError):
        return
    finally:
        c.close()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Pod(threading.Thread):
    """The thread lives as long as the pod: its processes die with it (PR_SET_PDEATHSIG)."""

    def __init__(self, pod):
        super().__init__(daemon=True)
        self.path = "/api/v1/namespaces/%s/pods/%s" % (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.uid = pod["metadata"]["uid"]
        self.notes = pod["metadata"].get("annotations", {})
        self.container = pod["spec"]["containers"][0]
        self.wake = threading.Condition()
        self.ending = None  # the grace period, once it is deleted
        self.restarts = 0
        self.began = None  # its process
        self.shown = None
        self.last_end = None

    def end(self, grace):
        with self.wake:
            if self.ending is None:
                self.ending = grace
            self.wake.notify_all()

    def pause(self, seconds):
        with self.wake:
            self.wake.wait_for(lambda: self.ending is not None, seconds)
        return self.ending is None

    def show(self, phase, ready, state):
        what = (phase, ready, self.restarts, json.dumps(state))
        if what == self.shown:
            return
        condition = {"status": "True" if ready else "False", "lastTransitionTime": now()}
        container = {"name": self.container["name"], "image": self.container["image"], "imageID": "", "ready": ready,
                     "started": "running" in state, "restartCount": self.restarts, "state": state}
        if self.last_end is not None:
            container["lastState"] = {"terminated": self.last_end}
        status, _ = call("PATCH", self.path + "/status", {"metadata": {"uid": self.uid}, "status": {
            "phase": phase, "containerStatuses": [container],
            "conditions": [dict(condition, type=t) for t in ("Ready", "ContainersReady")]}},
            "application/strategic-merge-patch+json")
        if status < 300:
            self.shown = what

    def end_of(self, process):
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": self.began, "finishedAt": now()}

    def start_process(self):
        env = {e["name"]: e.get("value", "") for e in self.container.get("env", [])}
        # No image is there to say what runs where the pod does not.
        words = self.container["command"] + self.container.get("args", []) if "command" in self.container else ["sleep", "infinity"]
        self.began = now()
        return subprocess.Popen(words, env={**os.environ, **env},
                                start_new_session=True, stdin=subprocess.DEVNULL,
                                preexec_fn=lambda: libc.prctl(1, signal.SIGKILL))

    def ready(self):
        file = self.notes.get("test/ready-file")
        return self.notes.get("test/ready") != "never" and (file is None or os.path.exists(file))

    def live(self):
        """Until the pod is deleted; returns the process that runs then."""
        if self.container["image"] == "missing":
            self.show("Pending", False, {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"missing\""}})
            while self.pause(60):
                pass
            return None
        if not self.pause(float(self.notes.get("test/start-delay", 0))):
            return None
        while True:
            process = self.start_process()
            while process.poll() is None:
                self.show("Running", self.ready(), {"running": {"startedAt": now()}} if self.shown is None else {"running": {}})
                if not self.pause(0.1):
                    return process
            self.last_end = self.end_of(process)
            self.restarts += 1
            self.show("Running", False, {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}})
            if not self.pause(min(5, 0.2 * 2 ** self.restarts)):
                return None

    def run(self):
        process = self.live()
        if process is not None:
            for number, patience in ((signal.SIGTERM, self.ending), (signal.SIGKILL, None)):
                try:
                    os.killpg(process.pid, number)
                    process.wait(patience)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    process.wait()
                    break
            end = self.end_of(process)
            self.show("Failed" if end["exitCode"] else "Succeeded", False, {"terminated": end})
        call("DELETE", self.path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                                   "preconditions": {"uid": self.uid}})


def register():
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": args.node, "labels": {"kubernetes.io/hostname": args.node}}}
    call("POST", "/api/v1/nodes", node)
    size = {"cpu": args.cpu, "memory": "64Gi", "pods": args.pods}
    call("PATCH", "/api/v1/nodes/%s/status" % args.node,
         {"status": {"capacity": size, "allocatable": size,
                     "conditions": [{"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": now(),
                                     "lastTransitionTime": now()}]}}, "application/strategic-merge-patch+json")
    # A new node waits for the node lifecycle controller, which is not run here.
    call("PATCH", "/api/v1/nodes/" + args.node, {"spec": {"taints": None}}, "application/merge-patch+json")


def main():
    register()
    pods = {}
    mine = "fieldSelector=spec.nodeName%3D" + args.node

    def take(pod):
        uid = pod["metadata"]["uid"]
        if uid not in pods:
            pods[uid] = Pod(pod)
            pods[uid].start()
        if pod["metadata"].get("deletionTimestamp"):
            pods[uid].end(pod["metadata"].get("deletionGracePeriodSeconds", 30))

    while True:
        _, answer = call("GET", "/api/v1/pods?" + mine)
        here = {p["metadata"]["uid"] for p in answer["items"]}
        for uid in set(pods) - here:
            pods.pop(uid).end(0)
        for pod in answer["items"]:
            take(pod)
        for event in watch("/api/v1/pods?watch=1&%s&resourceVersion=%s" % (mine, answer["metadata"]["resourceVersion"])):
            if event["type"] == "ERROR":
                break
            if event["type"] == "DELETED":
                pod = pods.pop(event["object"]["metadata"]["uid"], None)
                if pod:
                    pod.end(0)
            elif event["type"] != "BOOKMARK":
                take(event["object"])
        time.sleep(0.1)


main()
