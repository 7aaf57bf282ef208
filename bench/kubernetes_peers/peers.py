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
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
args = argparse.ArgumentParser()
args.add_argument("build", type=pathlib.Path)
args.add_argument("results", type=pathlib.Path)
args.add_argument("--only")
args = args.parse_args()
build = args.build.resolve()
sys.path[:0] = [str(build / "worker-clients/python"), str(HERE)]

import cluster  # noqa: E402
import load  # noqa: E402

MAX_WAIT = 5
MOST = 12
START = 3  # seconds until the process of a pod is started: an image that is there, and a container's start


def deployment(folder):
    python = build / "worker-clients/bin/python"
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "worker"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "worker"}}, "template": {
            "metadata": {"labels": {"app": "worker"}, "annotations": {"test/start-delay": str(START)}},
            "spec": {"terminationGracePeriodSeconds": 10, "containers": [{
                "name": "main", "image": "worker", "command": [str(python), str(HERE / "load.py"), str(folder)],
                "env": [{"name": "PYTHONPATH", "value": str(build / "worker-clients/python")}]}]}}}}


class Docktor:
    name = "docktor, max_wait 5 s"

    def start(self, k):
        (k.folder / "docktor.yaml").write_text(f"""services:
  - name: worker
    min_replicas: 0
    max_replicas: {MOST}
    objective: {{max_wait: {MAX_WAIT}s}}
    queue: {{url: "{load.URL}", stream: S, consumer: c}}
    target: {{kind: kubernetes, kubeconfig: {k.kubeconfig}}}
""")
        places = {f"DOCKTOR_{w}_DIR": str(k.folder / w.lower()) for w in ("STATE", "LOG", "RUNTIME")}
        return [k.processes.start("docktor", [build / "src/app/docktor", "daemon", "start", "--foreground", "--config",
                                              k.folder / "docktor.yaml"], places)]


def hpa(metric, target):
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "worker"}, "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}, "minReplicas": 1,
        "maxReplicas": MOST, "metrics": [{"type": "External", "external": {
            "metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": str(target)}}}]}}


class Hpa:
    def __init__(self, target):
        self.target, self.name = target, f"HPA, {target} messages a replica"

    def start(self, k):
        k.processes.start("metric", ["python3", HERE / "metric_server.py", k.folder / "tls.crt", k.folder / "tls.key", 8222, 6444])
        k.external_metrics_at(6444)
        path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/waiting"
        cluster.wait_for("the metric", lambda: k.call("GET", path)[0] == 200)
        k.kubectl("scale", "deployment/worker", "--replicas=1")  # at 0 an HPA is off
        k.kubectl("create", "-f", "-", given=json.dumps(hpa("waiting", self.target)))
        return []  # a part of the controller manager


class Keda:
    def __init__(self, target, polling):
        self.target, self.polling = target, polling
        self.name = f"KEDA, {target} messages a replica, asked each {polling} s"

    def start(self, k):
        source = build / "keda/source/config"
        k.kubectl("create", "-f", source / "crd/bases")
        certificates = k.folder / "keda"
        certificates.mkdir()
        for name in ("ca.crt", "tls.crt", "tls.key"):
            shutil.copy(k.folder / name, certificates)
        namespace = {"POD_NAMESPACE": "keda", "KEDA_CLUSTER_OBJECT_NAMESPACE": "keda", "WATCH_NAMESPACE": ""}
        c, at = certificates, f"--kubeconfig={k.kubeconfig}"
        operator = k.processes.start("operator", [
            build / "keda/bin/operator", at, "--leader-elect", f"--cert-dir={c}", "--metrics-bind-address=127.0.0.1:38080",
            "--health-probe-bind-address=127.0.0.1:38081", "--metrics-service-bind-address=127.0.0.1:39666"], namespace)
        adapter = k.processes.start("adapter", [
            build / "keda/bin/adapter", at, f"--lister-kubeconfig={k.kubeconfig}", f"--authentication-kubeconfig={k.kubeconfig}",
            f"--authorization-kubeconfig={k.kubeconfig}", f"--bind-address={cluster.ADDRESS}", "--secure-port=6443",
            "--port=38082", f"--client-ca-file={c}/ca.crt", f"--tls-cert-file={c}/tls.crt", f"--tls-private-key-file={c}/tls.key",
            f"--cert-dir={c}", "--metrics-service-address=localhost:39666"], namespace)
        k.external_metrics_at(6443)
        cluster.wait_for("KEDA's metrics", lambda: k.call("GET", "/apis/external.metrics.k8s.io/v1beta1")[0] == 200)
        k.kubectl("create", "-f", "-", given=json.dumps({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "worker"}, "spec": {
                "scaleTargetRef": {"name": "worker"}, "pollingInterval": self.polling, "cooldownPeriod": 30,
                "minReplicaCount": 0, "maxReplicaCount": MOST, "triggers": [{"type": "nats-jetstream", "metadata": {
                    "natsServerMonitoringEndpoint": "127.0.0.1:8222", "account": "$G", "stream": "S", "consumer": "c",
                    "lagThreshold": str(self.target)}}]}}))
        return [operator, adapter]


class Watch(threading.Thread):
    """Each half second the pods that are there; and each change of the number that is wanted, as it happens."""

    def __init__(self, k):
        super().__init__(daemon=True)
        self.k, self.pods, self.wanted, self.over = k, [], [], threading.Event()
        threading.Thread(target=self.watch_number, daemon=True).start()
        self.start()

    def watch_number(self):
        c = self.k.connect(timeout=3600)
        c.request("GET", "/apis/apps/v1/namespaces/default/deployments?watch=1&fieldSelector=metadata.name%3Dworker", None,
                  {"Authorization": "Bearer " + cluster.TOKEN, "Accept": "application/json"})
        answer = c.getresponse()
        while line := answer.readline():
            number = json.loads(line)["object"]["spec"].get("replicas", 0)
            if not self.wanted or self.wanted[-1][1] != number:
                self.wanted.append((time.time(), number))

    def run(self):
        while not self.over.wait(0.5):
            self.pods.append((time.time(), len(self.k.call("GET", "/api/v1/namespaces/default/pods")[1]["items"])))

    def replica_seconds(self):
        self.over.set()
        return sum(n * (then - at) for (at, n), (then, _) in zip(self.pods, self.pods[1:]))


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
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        folder = pathlib.Path(name)
        processes = cluster.Processes(folder)
        try:
            processes.start("nats", ["nats-server", "-js", "-sd", folder / "js", "-a", "127.0.0.1", "-p", 4222, "-m", 8222])
            time.sleep(1)
            asyncio.run(load.prepare())
            k = cluster.Cluster(folder, build / "kubernetes/bin", ROOT / "tests/kubernetes/kubelet.py", processes)
            k.kubectl("create", "namespace", "keda")
            k.kubectl("create", "-f", "-", given=json.dumps(deployment(folder)))
            own = peer.start(k)
            time.sleep(20)  # each has looked at least once; KEDA's first poll comes at once
            watch = Watch(k)
            time.sleep(1)
            used = [cluster.cpu_and_memory(p)[0] for p in own]
            sent = asyncio.run(load.publish(folder / "first"))
            cluster.wait_for("the last message", lambda: len({line.split()[0] for f in folder.glob("done-*.txt")
                                                              for line in f.read_text().splitlines()}) >= sent, 120)
            cost = watch.replica_seconds()
            now = [cluster.cpu_and_memory(p) for p in own]
            result = figures(folder, sent, [float(x) for x in (folder / "first").read_text().split()], watch)
            work = sent * load.JOB
            return {"name": peer.name, **result, "replica_seconds": cost, "cost": cost / work,
                    "cpu": sum(c for c, _ in now) - sum(used), "memory": sum(m for _, m in now)}
        except SystemExit:
            for log in sorted(folder.glob("*.log")):
                print(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            raise
        finally:
            processes.stop()


def table(results):
    print("| | late | p99 s | longest s | replica-seconds, times the work | from zero to the first replica wanted, s | MiB | CPU s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for r in results:
        zero = f"{statistics.median(r['from_zero']):.2f}, at most {max(r['from_zero']):.2f}" if r["from_zero"] else "never at zero"
        own = f"{r['memory']:.0f} | {r['cpu']:.1f}" if r["memory"] else "– | –"
        print(f"| {r['name']} | {100 * r['late']:.2f} % | {r['p99']:.1f} | {r['max']:.1f} | {r['cost']:.2f} | {zero} | {own} |")


def main():
    if os.environ.get("DOCKTOR_INSIDE") != "1":
        # Nothing leaves this machine: a network namespace with nothing but lo.
        os.environ["DOCKTOR_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    os.system(f"ip link set lo up && ip addr add {cluster.ADDRESS}/32 dev lo")
    results = json.loads(args.results.read_text()) if args.results.exists() else []
    peers = [Docktor(), Keda(10, 30), Keda(10, 5), Keda(30, 5), Hpa(10), Hpa(30)]
    for peer in peers:
        if any(r["name"] == peer.name for r in results) or (args.only and args.only not in peer.name):
            continue
        print(f"{peer.name}: {load.length() // 60 + 2} minutes", file=sys.stderr, flush=True)
        results.append(one(peer))
        args.results.write_text(json.dumps(results, indent=1))
    table(results)


main()
