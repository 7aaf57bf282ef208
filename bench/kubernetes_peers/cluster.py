"""A control plane, a node whose pods are real processes, and what the peers need, for one run of peers.py."""
import base64
import ctypes
import http.client
import json
import os
import pathlib
import signal
import ssl
import subprocess
import time

ADDRESS = "10.99.0.1"  # an endpoint must not be a loopback address; this one lies on lo in a network namespace of the run's own
TOKEN = "admin-token-of-this-benchmark"
_libc = ctypes.CDLL(None)


def wait_for(what, check, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if check():
                return
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what} did not come up in {seconds} s")


class Processes:
    """Programs that end with this one."""

    def __init__(self, folder):
        self.folder, self.all = folder, []

    def start(self, name, words, env=None):
        log = open(self.folder / f"{name}.log", "ab")
        p = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                             env={**os.environ, **(env or {})}, preexec_fn=lambda: _libc.prctl(1, signal.SIGKILL))
        self.all.append(p)
        return p

    def stop(self, *which):
        for p in which or reversed(self.all):
            if p.poll() is None:
                p.terminate()
                try:
                    p.wait(20)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()


def cpu_and_memory(process):
    """Seconds of CPU so far, and MiB resident."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), resident / 1024


class Cluster:
    def __init__(self, folder, programs, kubelet, processes):
        self.folder, self.programs, self.processes = folder, programs, processes
        self._certificates()
        (folder / "tokens.csv").write_text(f'{TOKEN},admin,1,"system:masters"\n')
        p = processes
        p.start("etcd", [programs / "etcd", "--name=t", f"--data-dir={folder}/etcd", "--listen-client-urls=http://127.0.0.1:2379",
                         "--advertise-client-urls=http://127.0.0.1:2379", "--listen-peer-urls=http://127.0.0.1:2380",
                         "--initial-advertise-peer-urls=http://127.0.0.1:2380", "--initial-cluster=t=http://127.0.0.1:2380",
                         "--unsafe-no-fsync", "--log-level=warn"])
        p.start("api", [programs / "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", f"--bind-address={ADDRESS}",
                        "--secure-port=6440", f"--advertise-address={ADDRESS}", "--endpoint-reconciler-type=none",
                        f"--tls-cert-file={folder}/tls.crt", f"--tls-private-key-file={folder}/tls.key",
                        f"--client-ca-file={folder}/ca.crt", f"--token-auth-file={folder}/tokens.csv",
                        f"--service-account-key-file={folder}/tls.crt", f"--service-account-signing-key-file={folder}/tls.key",
                        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                        "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
                        "--disable-admission-plugins=ServiceAccount", "--enable-aggregator-routing=true",
                        f"--proxy-client-cert-file={folder}/front.crt", f"--proxy-client-key-file={folder}/front.key",
                        f"--requestheader-client-ca-file={folder}/frontca.crt",
                        "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User",
                        "--requestheader-group-headers=X-Remote-Group",
                        "--requestheader-extra-headers-prefix=X-Remote-Extra-"])
        self.tls = ssl.create_default_context(cafile=folder / "ca.crt")
        wait_for("the API server", lambda: self.call("GET", "/readyz")[0] == 200)
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": f"https://{ADDRESS}:6440",
                                                   "certificate-authority": str(folder / "ca.crt")}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}]}))
        p.start("controllers", [programs / "kube-controller-manager", f"--kubeconfig={self.kubeconfig}",
                                "--bind-address=127.0.0.1", "--secure-port=6441", "--leader-elect=false",
                                f"--root-ca-file={folder}/ca.crt", f"--cert-dir={folder}/controllers", "--controllers="
                                "deployment,replicaset,namespace,garbagecollector,horizontal-pod-autoscaler-controller"])
        p.start("scheduler", [programs / "kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--bind-address=127.0.0.1",
                              "--secure-port=6442", "--leader-elect=false", f"--cert-dir={folder}/scheduler"])
        p.start("kubelet", ["python3", kubelet, "--server", f"https://{ADDRESS}:6440", "--token", TOKEN, "--ca",
                            folder / "ca.crt", "--node", "n1"])
        wait_for("the node", lambda: "taints" not in self.call("GET", "/api/v1/nodes/n1")[1].get("spec", {"taints": 1}))

    def _certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, cwd=self.folder, capture_output=True)
        for ca in ("ca", "frontca"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={ca}", "-keyout", f"{ca}.key",
                    "-out", f"{ca}.crt")
        (self.folder / "names").write_text(
            f"subjectAltName=IP:127.0.0.1,IP:{ADDRESS},DNS:localhost,DNS:metrics.keda.svc\n"
            "extendedKeyUsage=serverAuth,clientAuth\n")
        (self.folder / "client").write_text("extendedKeyUsage=clientAuth\n")
        for name, ca, cn, more in (("tls", "ca", "benchmark", "names"), ("front", "frontca", "front-proxy-client", "client")):
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={cn}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days",
                    "2", "-extfile", more, "-out", f"{name}.crt")

    def connect(self, timeout=30):
        return http.client.HTTPSConnection(ADDRESS, 6440, context=self.tls, timeout=timeout)

    def call(self, method, path, body=None, kind="application/json"):
        c = self.connect()
        try:
            c.request(method, path, None if body is None else json.dumps(body),
                      {"Authorization": "Bearer " + TOKEN, "Content-Type": kind, "Accept": "application/json"})
            r = c.getresponse()
            text = r.read()
            return r.status, json.loads(text) if text[:1] in (b"{", b"[") else {}
        finally:
            c.close()

    def kubectl(self, *words, given=None):
        r = subprocess.run([self.programs / "kubectl", f"--kubeconfig={self.kubeconfig}", *map(str, words)], text=True,
                           input=given, capture_output=True)
        if r.returncode:
            raise SystemExit(f"kubectl {' '.join(map(str, words))}: {r.stderr or r.stdout}")
        return r.stdout

    def external_metrics_at(self, port):
        """Who answers external.metrics.k8s.io: whatever listens on this port."""
        parts = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": "keda"},
                  "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]}},
                 {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                  "metadata": {"name": "metrics", "namespace": "keda", "labels": {"kubernetes.io/service-name": "metrics"}},
                  "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
                  "ports": [{"name": "https", "port": port, "protocol": "TCP"}]},
                 {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                  "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
                  "spec": {"group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100,
                           "versionPriority": 100, "service": {"name": "metrics", "namespace": "keda"},
                           "caBundle": base64.b64encode((self.folder / "ca.crt").read_bytes()).decode()}}]
        self.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": parts}))
