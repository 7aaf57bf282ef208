#!/usr/bin/env python3
"""Draws a real run of `docktor demo` as an SVG, from the journal that it kept.

    scripts/demo-picture.py [FOLDER]        writes docs/demo.svg

FOLDER is what DOCKTOR_DEMO_KEEP named in an earlier run; without it the demo is run now (./docktor, about a minute).
"""
import html
import json
import os
import pathlib
import subprocess
import sys
import tempfile

WIDTH, LEFT, RIGHT = 960, 70, 24
PANELS = [("backlog", "messages that wait", 120), ("rates", "messages a second", 90), ("replicas", "worker processes", 120)]
GAP, TOP, ROW = 34, 84, 17
COLOURS = {"backlog": "#c2410c", "in": "#2563eb", "out": "#0d9488", "replicas": "#15803d", "grid": "#e5e7eb", "text": "#374151",
           "dim": "#6b7280", "up": "#15803d", "down": "#a21caf"}


def read(folder):
    """Samples and decisions, with time in seconds since the first sample."""
    samples, decisions = [], []
    for line in (folder / "decisions.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if "decision" not in record:
            continue
        decisions.append(record)
        for i in record["inputs"]:
            if "queue" in i:
                samples.append((i["t"], i["queue"]["num_pending"], i["replicas"]["current"], i["queue"]))
    start = decisions[0]["t"]
    waits, published = [], 0
    processed = {}
    for line in (folder / "processed").read_text().splitlines():
        run, seq, due, begun = line.split()[:4]
        processed.setdefault((run, seq), (int(begun) - int(due)) / 1e9)
    for line in (folder / "published").read_text().splitlines():
        published += 1
        assert tuple(line.split()[:2]) in processed, "a message was lost: this run must not be shown"
    waits = sorted(processed.values())
    return ([(t - start, *rest) for t, *rest in samples], [(d["t"] - start, d) for d in decisions], published, waits)


def rates(samples):
    """Messages in and out per second between successive samples, over about one second."""
    out = []
    for i, (t, pending, _, queue) in enumerate(samples):
        j = next((k for k in range(i - 1, -1, -1) if t - samples[k][0] >= 0.95), None)
        if j is None:
            continue
        t0, p0, _, q0 = samples[j]
        delivered = queue["delivered_consumer_seq"] - q0["delivered_consumer_seq"]
        settled = delivered - (queue["num_ack_pending"] - q0["num_ack_pending"])
        out.append((t, max(0, (delivered + pending - p0) / (t - t0)), max(0, settled / (t - t0))))
    return out


def nice(most):
    for step in (5, 10, 100, 200, 500, 1000, 1500, 2000, 2500, 5000, 10000):
        if most <= step:
            return step
    return most


def draw(samples, decisions, published, waits):
    total = max(samples[-1][0], decisions[-1][0])
    x = lambda t: LEFT + max(0, t) / total * (WIDTH - LEFT - RIGHT)
    svg, y0 = [], TOP
    flow = rates(samples)
    replicas = []  # (time, count): what each decision left
    for t, d in decisions:
        replicas += [(t, d["current_replicas"]), (t, d["target_replicas"])]
    replicas.append((total, replicas[-1][1]))
    tops = {"backlog": nice(max(s[1] for s in samples)), "rates": nice(max(max(f[1], f[2]) for f in flow)), "replicas": 10}

    def text(px, py, s, colour="text", size=12, anchor="start", weight="normal"):
        svg.append(f'<text x="{px:.1f}" y="{py:.1f}" fill="{COLOURS[colour]}" font-size="{size}" text-anchor="{anchor}" '
                   f'font-weight="{weight}">{html.escape(s)}</text>')

    def line(points, colour, width=1.8, fill=None):
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        if fill is not None:
            svg.append(f'<polygon points="{points[0][0]:.1f},{fill:.1f} {path} {points[-1][0]:.1f},{fill:.1f}" '
                       f'fill="{COLOURS[colour]}" fill-opacity="0.15"/>')
        svg.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[colour]}" stroke-width="{width}" stroke-linejoin="round"/>')

    text(LEFT, 26, "docktor demo: real messages, real worker processes", size=17, weight="600")
    quantile = lambda q: waits[min(len(waits) - 1, int(q * len(waits)))]
    text(LEFT, 46, f"{published:,} messages published, {published:,} processed, 0 lost; waits p50 {quantile(.5) * 1000:.0f} ms, "
                   f"p99 {quantile(.99):.1f} s; a worker carries 125 messages a second", "dim")
    for name, unit, height in PANELS:
        base = y0 + height
        y = lambda v: base - min(v, tops[name]) / tops[name] * height
        for v in (0, tops[name] / 2, tops[name]):
            svg.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="{COLOURS["grid"]}"/>')
            text(LEFT - 8, y(v) + 4, f"{v:,.0f}", "dim", 11, "end")
        if name == "backlog":
            text(LEFT, y0 - 8, f"queue.backlog, {unit}", "backlog", weight="600")
            line([(x(t), y(p)) for t, p, _, _ in samples], "backlog", fill=base)
        elif name == "rates":
            text(LEFT, y0 - 8, "queue.rate_in", "in", weight="600")
            text(LEFT + 100, y0 - 8, "and", "text")
            text(LEFT + 128, y0 - 8, f"queue.rate_out, {unit}", "out", weight="600")
            line([(x(t), y(i)) for t, i, _ in flow], "in")
            line([(x(t), y(o)) for t, _, o in flow], "out")
        else:
            text(LEFT, y0 - 8, f"replicas, {unit}; each step is a decision", "replicas", weight="600")
            line([(x(t), y(n)) for t, n in replicas], "replicas", 2.2, base)
            for t, d in decisions:
                if d["decision"] == "hold":
                    continue
                up = d["decision"] == "scale_up"
                svg.append(f'<circle cx="{x(t):.1f}" cy="{y(d["target_replicas"]):.1f}" r="3.2" fill="{COLOURS["up" if up else "down"]}">'
                           f'<title>{html.escape(d["reason"])}</title></circle>')
        y0 = base + GAP
    for t in range(0, int(total) + 1, 10):
        svg.append(f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="{TOP}" y2="{y0 - GAP + 5:.1f}" stroke="{COLOURS["grid"]}" stroke-dasharray="2 4"/>')
        text(x(t), y0 - GAP + 20, f"{t} s", "dim", 11, "middle")
    changes = [(t, d) for t, d in decisions if d["decision"] != "hold"]
    rows = (len(changes) + 1) // 2
    y0 += 24
    text(LEFT, y0, "Every change, with its reason", weight="600")
    for n, (t, d) in enumerate(changes):
        px, py = LEFT + (n // rows) * (WIDTH - LEFT) / 2, y0 + (n % rows + 1) * ROW
        up = d["decision"] == "scale_up"
        text(px, py, f"{t:.0f} s", "dim", 11)
        text(px + 34, py, f'{d["current_replicas"]} → {d["target_replicas"]}', "up" if up else "down", 11, weight="600")
        text(px + 74, py, d["reason"], "text", 11)
    height = y0 + rows * ROW + 18
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" '
            f'font-family="system-ui, sans-serif" role="img" aria-label="Backlog, rates and replicas of a run of docktor demo">\n'
            f'<rect width="100%" height="100%" rx="10" fill="#ffffff"/>\n' + "\n".join(svg) + "\n</svg>\n")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as fresh:
        if len(sys.argv) > 1:
            folder = pathlib.Path(sys.argv[1])
        else:
            folder = pathlib.Path(fresh)
            subprocess.run([root / "docktor", "demo"], env={**os.environ, "DOCKTOR_DEMO_KEEP": fresh}, check=True)
        (root / "docs" / "demo.svg").write_text(draw(*read(folder)), encoding="utf-8")
    print("wrote docs/demo.svg")


if __name__ == "__main__":
    main()
