"""The status of a receiver as figures for Prometheus, in a file that node_exporter takes in.

Written beside `status.json`, for the textfile collector; counts, seconds and bytes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

NAME = "receive.prom"


def figures(status: Mapping[str, Any]) -> str:
    """The text format of Prometheus (exposition format 0.0.4) of what `status.json` says."""
    registry = CollectorRegistry()
    for name, words, key in (
        ("received", "Objects since the inbox was made.", "received"),
        ("removed", "Objects that were purged.", "removed"),
        ("waiting", "Objects that nobody has dealt with yet.", "waiting"),
        ("oldest_waiting_seconds", "Since when the first of them waits.", "oldest_waiting_seconds"),
        ("free_bytes", "On the disk of the inbox.", "disk_free_bytes"),
    ):
        Gauge(f"triptych_receive_{name}", words, registry=registry).set(status[key])
    for name, words, key in (
        ("set_aside", "Objects that became nothing, by reason.", "set_aside"),
        ("refused", "Objects that were not kept since the start.", "refused_since_start"),
    ):
        gauge = Gauge(f"triptych_receive_{name}", words, ["reason"], registry=registry)
        for reason, number in status[key].items():
            gauge.labels(reason).set(number)
    return generate_latest(registry).decode()
