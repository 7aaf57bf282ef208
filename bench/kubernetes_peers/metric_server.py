"""An external metric as fresh as one can be: asked, it asks NATS. For the HPA without KEDA.

    metric_server.py CERTIFICATE KEY MONITORING_PORT PORT
"""
import http.server
import json
import ssl
import sys
import time
import urllib.request

certificate, key, monitoring, port = sys.argv[1:]


def waiting():
    with urllib.request.urlopen(f"http://127.0.0.1:{monitoring}/jsz?consumers=true", timeout=2) as r:
        j = json.load(r)
    (consumer,) = [c for a in j["account_details"] for s in a["stream_detail"] for c in s.get("consumer_detail", [])]
    return consumer["num_pending"] + consumer["num_ack_pending"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        group = "external.metrics.k8s.io/v1beta1"
        if "/namespaces/" in self.path:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            body = {"kind": "ExternalMetricValueList", "apiVersion": group, "metadata": {},
                    "items": [{"metricName": "waiting", "metricLabels": {}, "timestamp": now, "value": str(waiting())}]}
        else:
            body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group,
                    "resources": [{"name": "waiting", "singularName": "", "namespaced": True,
                                   "kind": "ExternalMetricValueList", "verbs": ["get"]}]}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = http.server.ThreadingHTTPServer(("10.99.0.1", int(port)), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
