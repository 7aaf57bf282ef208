#!/usr/bin/env python3
"""Writes share/grafana/docktor.json: the dashboard as a table of panels is easier to keep than the JSON that Grafana wants."""
import json
import pathlib

OUT = pathlib.Path(__file__).resolve().parent.parent / "share/grafana/docktor.json"
S = '{service=~"$service"}'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def panel(title, kind, queries, x, y, w, h, unit="short", **more):
    targets = [
        {"datasource": SOURCE, "expr": expr, "legendFormat": legend, "refId": chr(65 + i), "instant": kind == "stat"}
        for i, (expr, legend) in enumerate(queries)
    ]
    custom = more.pop("custom", {})
    return {
        "title": title, "type": kind, "datasource": SOURCE, "targets": targets,
        "gridPos": {"x": x, "y": y, "w": w, "h": h},
        "fieldConfig": {"defaults": {"unit": unit, "custom": custom, **more.pop("defaults", {})}, "overrides": []},
        "options": more.pop("options", {}),
    }


STEP = {"lineInterpolation": "stepAfter", "fillOpacity": 0}
LINE = {"fillOpacity": 8}
RED = {"thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 1}]}}
TROUBLE = '{service=~"$service",condition=~"queue_unreachable|stale|problem|failing|at_max|bottleneck"}'

PANELS = [
    # now
    panel("Services in trouble", "stat", [(f"count(max by (service) (docktor_condition{TROUBLE}) == 1) or vector(0)", "")], 0, 0, 4, 4, defaults=RED),
    panel("Oldest wait", "stat", [(f"max(docktor_queue_oldest_wait_seconds{S})", "")], 4, 0, 5, 4, "s"),
    panel("Backlog", "stat", [(f"sum(docktor_queue_backlog{S})", "")], 9, 0, 5, 4),
    panel("Replicas", "stat", [(f"sum(docktor_current_replicas{S})", "now"), (f"sum(docktor_max_replicas{S})", "allowed")], 14, 0, 5, 4),
    panel("Late in the last hour", "stat", [(f"sum(increase(docktor_queue_late_total{S}[1h])) / sum(increase(docktor_queue_arrivals_total{S}[1h]))", "")], 19, 0, 5, 4, "percentunit"),
    # last hours
    panel("Replicas", "timeseries", [(f"docktor_current_replicas{S}", "{{service}}"), (f"docktor_target_replicas{S}", "{{service}} target"), (f"docktor_min_replicas{S}", "{{service}} min"), (f"docktor_max_replicas{S}", "{{service}} max")], 0, 4, 12, 8, custom=STEP),
    panel("Wait", "timeseries", [(f"histogram_quantile(0.5, sum by (service, le) (rate(docktor_queue_wait_seconds_bucket{S}[5m])))", "{{service}} p50"), (f"histogram_quantile(0.99, sum by (service, le) (rate(docktor_queue_wait_seconds_bucket{S}[5m])))", "{{service}} p99"), (f"docktor_objective_max_wait_seconds{S}", "{{service}} max_wait")], 12, 4, 12, 8, "s", custom=LINE),
    panel("Backlog and in hand", "timeseries", [(f"docktor_queue_backlog{S}", "{{service}} waiting"), (f"docktor_queue_num_ack_pending{S}", "{{service}} in hand")], 0, 12, 8, 8, custom=LINE),
    panel("Messages per second", "timeseries", [(f"docktor_queue_rate_in{S}", "{{service}} in"), (f"docktor_queue_rate_out{S}", "{{service}} out")], 8, 12, 8, 8, custom=LINE),
    panel("CPU of the replicas", "timeseries", [(f"docktor_cpu_avg_ratio{S}", "{{service}} mean"), (f"docktor_cpu_max_ratio{S}", "{{service}} busiest")], 16, 12, 8, 8, "percentunit", custom=LINE),
    # why
    panel("Limits that changed a decision", "timeseries", [(f"sum by (limit) (increase(docktor_limits_total{S}[5m])) > 0", "{{limit}}")], 0, 20, 8, 8, custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal"}}),
    panel("Conditions", "state-timeline", [(f"docktor_condition{S} == 1", "{{service}} {{condition}}")], 8, 20, 8, 8),
    panel("Orders by outcome", "timeseries", [(f"sum by (outcome) (increase(docktor_orders_total{S}[5m]))", "{{outcome}}")], 16, 20, 8, 8, custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal"}}),
    # docktor itself
    panel("How late evaluations are", "timeseries", [("histogram_quantile(0.99, sum by (le) (rate(docktor_evaluation_delay_seconds_bucket[5m])))", "p99")], 0, 28, 8, 7, "s", custom=LINE),
    panel("How long orders take", "timeseries", [("histogram_quantile(0.9, sum by (kind, le) (rate(docktor_order_duration_seconds_bucket[15m])))", "{{kind}} p90")], 8, 28, 8, 7, "s", custom=LINE),
    panel("Memory", "timeseries", [('process_resident_memory_bytes{job="docktor"}', "{{instance}}")], 16, 28, 8, 7, "bytes", custom=LINE),
]

DASHBOARD = {
    "title": "docktor", "uid": "docktor", "tags": ["docktor"], "schemaVersion": 38, "version": 1, "editable": True,
    "time": {"from": "now-3h", "to": "now"}, "refresh": "10s", "timezone": "browser",
    "templating": {"list": [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
        {"name": "service", "type": "query", "datasource": SOURCE, "query": "label_values(docktor_current_replicas, service)",
         "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "label": "Service"},
    ]},
    "annotations": {"list": [{
        "name": "Changes", "enable": True, "datasource": SOURCE, "iconColor": "blue",
        "expr": f"changes(docktor_target_replicas{S}[1m]) > 0", "titleFormat": "{{service}}", "textFormat": "the number of replicas changed",
    }]},
    "panels": [{"id": i + 1, **p} for i, p in enumerate(PANELS)],
}

OUT.write_text(json.dumps(DASHBOARD, indent=1) + "\n")
