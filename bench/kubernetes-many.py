#!/usr/bin/python3
"""What a daemon takes that watches many Deployments of one namespace: kubernetes-many.py DOCKTOR CONTROL_PLANE [DEPLOYMENTS [PODS]].

CONTROL_PLANE: the folder that scripts/fetch-kubernetes.sh prints. The pods of each Deployment (4) have a node and a status, and no
process. Queues are streams of a private Redis, sampled each second. Needs redis-server and openssl. Everything is
private and gone at the end. Minutes: the cluster's controllers have to make the pods.
"""
import concurrent.futures
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

docktor, programs = os.path.abspath(sys.argv[1]), sys.argv[2]
deployments, pods = (int(n) for n in (sys.argv[3:5] + ["500", "4"][len(sys.argv) - 3:])[:2])
WATCHED = 30
SERVICE = """  - name: s{0}
    min_replicas: 0
    max_replicas: 10
    rules: {{scale_up_when: [{{metric: queue.backlog, op: ">", value: 5000}}]}}
    queue: {{kind: redis, url: "unix://{1}/redis.sock", stream: s{0}, group: g}}
    target: {{kind: kubernetes, kubeconfig: "{1}/kubeconfig"}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def quiet(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


folder = tempfile.mkdtemp()
etcd, etcd_peer, api, controllers = (free_port() for _ in range(4))
children = []


def start(name, *arguments, program=None):
    log = open(f"{folder}/{name}.log", "w")
    children.append(subprocess.Popen([program or f"{programs}/{name}", *arguments], stdout=log, stderr=log))
    return children[-1]


def certificates():
    quiet("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-days", "2", "-keyout", f"{folder}/ca.key",
          "-out", f"{folder}/ca.crt")
    quiet("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", f"{folder}/s.key", "-out", f"{folder}/s.csr")
    open(f"{folder}/s.ext", "w").write("subjectAltName=IP:127.0.0.1,DNS:localhost")
    quiet("openssl", "x509", "-req", "-in", f"{folder}/s.csr", "-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key", "-CAcreateserial",
          "-days", "2", "-extfile", f"{folder}/s.ext", "-out", f"{folder}/s.crt")


local = threading.local()


def call(method, path, body=None, kind="application/json"):
    for attempt in range(200):
        try:
            if not hasattr(local, "c"):
                local.c = http.client.HTTPSConnection("127.0.0.1", api, timeout=30, context=ssl.create_default_context(cafile=f"{folder}/ca.crt"))
            local.c.request(method, path, None if body is None else json.dumps(body), {"Authorization": "Bearer admin", "Content-Type": kind})
            r = local.c.getresponse()
            text = r.read()
            if r.status < 500 and r.status != 429:
                return json.loads(text) if text.startswith(b"{") else text.decode()
        except (OSError, http.client.HTTPException):
            local.__dict__.clear()
        time.sleep(0.1)
    raise RuntimeError(path)


def make_ready(pod):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    true = [{"type": t, "status": "True", "lastTransitionTime": now} for t in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
    call("PATCH", f"/api/v1/namespaces/default/pods/{pod}/status", {"status": {"phase": "Running", "conditions": true, "containerStatuses": [
        {"name": "main", "image": "worker", "imageID": "worker@sha256:" + "0" * 64, "ready": True, "started": True, "restartCount": 0,
         "state": {"running": {"startedAt": now}}}]}}, "application/strategic-merge-patch+json")


def cluster():
    certificates()
    open(f"{folder}/tokens.csv", "w").write('admin,admin,1,"system:masters"\n')
    at, peer = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{etcd_peer}"
    start("etcd", "--name=t", f"--data-dir={folder}/etcd", f"--listen-client-urls={at}", f"--advertise-client-urls={at}",
          f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=t={peer}", "--unsafe-no-fsync")
    start("kube-apiserver", f"--etcd-servers={at}", "--bind-address=127.0.0.1", f"--secure-port={api}", "--advertise-address=127.0.0.1",
          "--endpoint-reconciler-type=none", f"--tls-cert-file={folder}/s.crt", f"--tls-private-key-file={folder}/s.key",
          f"--client-ca-file={folder}/ca.crt", f"--token-auth-file={folder}/tokens.csv", f"--service-account-key-file={folder}/s.crt",
          f"--service-account-signing-key-file={folder}/s.key", "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
          "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount")
    open(f"{folder}/kubeconfig", "w").write(
        'apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: "https://127.0.0.1:%d", certificate-authority: "%s/ca.crt"}}]\n'
        'contexts: [{name: c, context: {cluster: c, user: u, namespace: default}}]\nusers: [{name: u, user: {token: admin}}]\n' % (api, folder))
    while call("GET", "/readyz") != "ok":
        time.sleep(0.2)
    start("kube-controller-manager", f"--kubeconfig={folder}/kubeconfig", "--bind-address=127.0.0.1", f"--secure-port={controllers}",
          "--leader-elect=false", f"--cert-dir={folder}/controllers", "--kube-api-qps=500", "--kube-api-burst=500", "--controllers=deployment,replicaset")


def workloads():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: call("POST", "/apis/apps/v1/namespaces/default/deployments", {
            "metadata": {"name": f"s{i}", "labels": {"app": f"s{i}"}}, "spec": {
                "replicas": pods, "selector": {"matchLabels": {"app": f"s{i}"}}, "template": {
                    "metadata": {"labels": {"app": f"s{i}", "team": "shop"}}, "spec": {"nodeName": "n1", "containers": [
                        {"name": "main", "image": "worker", "env": [{"name": "QUEUE", "value": f"s{i}"}],
                         "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}}]}}}}),
            range(deployments)))
        ready = set()
        while len(ready) < deployments * pods:
            names = [p["metadata"]["name"] for p in call("GET", "/api/v1/namespaces/default/pods")["items"]]
            new = [n for n in names if n not in ready]
            list(pool.map(make_ready, new))
            ready.update(new)
            time.sleep(0.5)
    # The Deployments' own status follows.
    while any(d["status"].get("readyReplicas") != pods for d in call("GET", "/apis/apps/v1/namespaces/default/deployments")["items"]):
        time.sleep(1)


def figures(pid):
    ticks = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    rollup = dict(line.split(":")[0:2] for line in open(f"/proc/{pid}/smaps_rollup") if ":" in line)
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if ":" in line)
    mb = lambda text: int(text.split()[0]) / 1024
    return ((int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"), mb(rollup["Rss"]), mb(rollup["Private_Dirty"]), mb(status["VmHWM"]))


daemon = None
try:
    began = time.time()
    cluster()
    workloads()
    print(f"{deployments} Deployments with {pods} pods each after {time.time() - began:.0f} s", flush=True)
    start("redis-server", "--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", folder, "--save", "", program="redis-server")
    while not os.path.exists(f"{folder}/redis.sock"):
        time.sleep(0.05)
    queues = socket.socket(socket.AF_UNIX)
    queues.connect(f"{folder}/redis.sock")
    queues.sendall(b"".join(b"XGROUP CREATE s%d g 0 MKSTREAM\r\n" % i for i in range(deployments)))
    answers = b""
    while answers.count(b"\r\n") < deployments:
        answers += queues.recv(65536)
    with open(f"{folder}/docktor.yaml", "w") as out:
        out.write("services:\n")
        for i in range(deployments):
            out.write(SERVICE.format(i, folder))
    names = {f"DOCKTOR_{n}_DIR": f"{folder}/{n.lower()}" for n in ("RUNTIME", "STATE", "LOG")}
    daemon = subprocess.Popen([docktor, "daemon", "start", "--foreground", "--config", f"{folder}/docktor.yaml"],
                              env={**os.environ, **names}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen = 0
    while seen < deployments * pods:
        time.sleep(2)
        shown = subprocess.run([docktor, "daemon", "status", "--json", "--config", f"{folder}/docktor.yaml"], env={**os.environ, **names},
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        seen = sum(len(s["replicas"]) for s in json.loads(shown)["services"]) if shown.startswith(b"{") else 0
    time.sleep(20)
    pid = daemon.pid
    cpu, _, _, _ = figures(pid)
    time.sleep(WATCHED)
    after, resident, dirty, peak = figures(pid)
    print(f"{deployments} services, {seen} replicas: {100 * (after - cpu) / WATCHED:.1f} % of a core over {WATCHED} s, "
          f"{resident:.0f} MB resident ({dirty:.0f} MB private and dirty), at most {peak:.0f} MB", flush=True)
finally:
    if daemon:
        daemon.terminate()
        daemon.wait()
    for child in reversed(children):
        child.kill()
        child.wait()
    subprocess.run(["rm", "-rf", folder])
