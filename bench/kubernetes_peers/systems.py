"""The autoscalers, the stage that they share, and who watches them."""
import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import cluster
import load

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MAX_WAIT = 5
MOST = 12
START = 3  # seconds until the process of a pod is started: an image that is there, and a container's start


def deployment(build, folder):
    python = build / "worker-clients/bin/python"
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "worker"}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"app": "worker"}}, "template": {
            "metadata": {"labels": {"app": "worker"}, "annotations": {"test/start-delay": str(START)}},
            "spec": {"terminationGracePeriodSeconds": 10, "containers": [{
                "name": "main", "image": "worker", "command": [str(python), str(HERE / "load.py"), str(folder)],
                "env": [{"name": "PYTHONPATH", "value": str(build / "worker-clients/python")}]}]}}}}


class Docktor:
    name = "docktor, max_wait 5 s"

    def __init__(self, build):
        self.build = build

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
        return [k.processes.start("docktor", [self.build / "src/app/docktor", "daemon", "start", "--foreground", "--config",
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
    def __init__(self, build, target, polling):
        self.build, self.target, self.polling = build, target, polling
        self.name = f"KEDA, {target} messages a replica, asked each {polling} s"

    def start(self, k):
        source = self.build / "keda/source/config"
        k.kubectl("create", "-f", source / "crd/bases")
        certificates = k.folder / "keda"
        certificates.mkdir()
        for name in ("ca.crt", "tls.crt", "tls.key"):
            shutil.copy(k.folder / name, certificates)
        namespace = {"POD_NAMESPACE": "keda", "KEDA_CLUSTER_OBJECT_NAMESPACE": "keda", "WATCH_NAMESPACE": ""}
        c, at = certificates, f"--kubeconfig={k.kubeconfig}"
        operator = k.processes.start("operator", [
            self.build / "keda/bin/operator", at, "--leader-elect", f"--cert-dir={c}", "--metrics-bind-address=127.0.0.1:38080",
            "--health-probe-bind-address=127.0.0.1:38081", "--metrics-service-bind-address=127.0.0.1:39666"], namespace)
        adapter = k.processes.start("adapter", [
            self.build / "keda/bin/adapter", at, f"--lister-kubeconfig={k.kubeconfig}", f"--authentication-kubeconfig={k.kubeconfig}",
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
            try:
                self.pods.append((time.time(), len(self.k.call("GET", "/api/v1/namespaces/default/pods")[1]["items"])))
            except OSError:
                return  # the stage is gone

    def replica_seconds(self):
        self.over.set()
        return sum(n * (then - at) for (at, n), (then, _) in zip(self.pods, self.pods[1:]))


@contextlib.contextmanager
def stage(build, peer):
    """A control plane, a queue and the peer, on them."""
    with tempfile.TemporaryDirectory(prefix="peers-") as name:
        folder = pathlib.Path(name)
        processes = cluster.Processes(folder)
        try:
            processes.start("nats", ["nats-server", "-js", "-sd", folder / "js", "-a", "127.0.0.1", "-p", 4222, "-m", 8222])
            time.sleep(1)
            asyncio.run(load.prepare())
            k = cluster.Cluster(folder, build / "kubernetes/bin", ROOT / "tests/kubernetes/kubelet.py", processes)
            k.kubectl("create", "namespace", "keda")
            k.kubectl("create", "-f", "-", given=json.dumps(deployment(build, folder)))
            yield k, peer.start(k)
        except SystemExit:
            for log in sorted(folder.glob("*.log")):
                print(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            raise
        finally:
            processes.stop()


def inside():
    """Starts the program again in a network namespace with nothing but lo: nothing leaves this machine."""
    if os.environ.get("DOCKTOR_INSIDE") != "1":
        os.environ["DOCKTOR_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--", sys.executable, *sys.argv])
    os.system(f"ip link set lo up && ip addr add {cluster.ADDRESS}/32 dev lo")
