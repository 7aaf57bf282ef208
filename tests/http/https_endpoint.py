"""An endpoint by TLS for the tests of kind http: https_endpoint.py PORT CERT KEY TOKEN_FILE LOG [CLIENTS_CA]

Answers a bearer of the token with figures and everybody else with 401. A line of LOG for each request, with what it showed as its
authorization. With CLIENTS_CA nobody is spoken with who has no certificate of that authority.
"""
import http.server
import ssl
import sys

port, cert, key, token_file, log = sys.argv[1:6]


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        shown = self.headers.get("Authorization", "nothing")
        with open(log, "a") as out:
            out.write(shown + "\n")
        with open(token_file) as token:
            known = shown == "Bearer " + token.read().strip()
        body = b'{"waiting": 3}'
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
if len(sys.argv) > 6:
    context.load_verify_locations(sys.argv[6])
    context.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Endpoint)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
