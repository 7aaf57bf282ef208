#!/usr/bin/env python3
"""Opens an address in Debian's Chromium, over its debugging pipe, and tells as JSON what came of it.

    browse.py PROFILE URL [--size 1400x900] [--dark] [--until EXPRESSION] [--script FILE] [--run EXPRESSION]...
             [--picture FILE.png]

`--until` waits (a minute at most) until the expression is true in the page; each `--run` is then evaluated, promises awaited;
`--script` before them, past the policy of the page.
Answer: {"met": bool, "values": [...], "console": [errors and reports of the policy], "requests": [addresses]}.
"""
import argparse
import base64
import json
import os
import select
import subprocess
import sys
import time


class Browser:
    def __init__(self, profile, size):
        here, there = os.pipe(), os.pipe()  # we write to here, the browser to there
        os.set_inheritable(here[0], True)
        os.set_inheritable(there[1], True)
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
                   f"--window-size={size[0]},{size[1]}", "--remote-debugging-pipe", "about:blank"]
        # The browser reads its descriptor 3 and writes its 4.
        line = 'exec 3<&%d 4>&%d; exec "$@"' % (here[0], there[1])
        self.process = subprocess.Popen(["bash", "-c", line, "browser", *command], close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(here[0])
        os.close(there[1])
        self.out, self.back = here[1], there[0]
        self.rest, self.number, self.session, self.events = b"", 0, None, []

    def message(self, until):
        while b"\0" not in self.rest:
            if not select.select([self.back], [], [], max(0, until - time.monotonic()))[0]:
                return None
            more = os.read(self.back, 1 << 16)
            if not more:
                raise SystemExit("the browser has ended")
            self.rest += more
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        ask = {"id": self.number, "method": method, "params": params}
        if self.session:
            ask["sessionId"] = self.session
        os.write(self.out, json.dumps(ask).encode() + b"\0")
        until = time.monotonic() + 60
        while True:
            told = self.message(until)
            if told is None:
                raise SystemExit(f"the browser does not answer {method}")
            if told.get("id") == self.number:
                if "error" in told:
                    raise SystemExit(f"{method}: {told['error']}")
                return told["result"]
            self.events.append(told)

    def value(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return r["exceptionDetails"]["text"] if "exceptionDetails" in r else r["result"].get("value")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("profile")
    p.add_argument("url")
    p.add_argument("--size", default="1400x900")
    p.add_argument("--dark", action="store_true")
    p.add_argument("--until", default="document.readyState === 'complete'")
    p.add_argument("--script")
    p.add_argument("--run", action="append", default=[])
    p.add_argument("--wait", type=float, default=0)
    p.add_argument("--picture")
    a = p.parse_args()
    size = tuple(int(n) for n in a.size.split("x"))
    b = Browser(a.profile, size)
    try:
        target = b.call("Target.createTarget", url="about:blank")["targetId"]
        b.session = b.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            b.call(domain + ".enable")
        b.call("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=size[0] < 500)
        b.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if a.dark else "light"}])
        b.call("Page.navigate", url=a.url)
        until = time.monotonic() + 60
        met = False
        while not met and time.monotonic() < until:
            met = b.value(f"!!({a.until})") is True
            if not met:
                time.sleep(.1)
        time.sleep(a.wait)
        if a.script:
            with open(a.script) as f:
                b.value(f.read() + ";0")
        values = [b.value(e) for e in a.run]
        if a.picture:
            shot = b.call("Page.captureScreenshot", format="png")["data"]
            with open(a.picture, "wb") as f:
                f.write(base64.b64decode(shot))
        b.value("0")  # what the browser still has to tell comes before this answer
        console, requests = [], []
        for e in b.events:
            if e["method"] == "Runtime.exceptionThrown":
                d = e["params"]["exceptionDetails"]
                console.append(d.get("exception", {}).get("description", d["text"]))
            if e["method"] == "Runtime.consoleAPICalled":
                console.append(str(e["params"]["args"]))
            if e["method"] == "Log.entryAdded":
                console.append(e["params"]["entry"]["text"])
            if e["method"] == "Network.requestWillBeSent":
                requests.append(e["params"]["request"]["url"])
        print(json.dumps({"met": met, "values": values, "console": console, "requests": requests}))
    finally:
        b.process.kill()
        b.process.wait()


sys.exit(main())
