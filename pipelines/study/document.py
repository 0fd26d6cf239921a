"""The report of a study, from `metrics.json` alone: blocks in order, and the files they make."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from typing import Any

from pipelines.reports import html, pdf
from pipelines.reports.blocks import Block, Document
from pipelines.study.all_figures import FLOW, pictures
from pipelines.study.sections import checks, comparison, participants, robustness, whole
from pipelines.study.sections.label import label

FIGURES = "figures.json"
FIGURES_FORMAT = "triptych.study-figures/1"


def document(metrics: Mapping[str, Any]) -> Document:
    """The whole report; a part that the metrics have nothing for is left out.

    Args:
        metrics: `metrics.json` (`pipelines.study.metrics_json`).
    """
    drawn = pictures(metrics)
    title = f"Study {metrics['study']['name']}"
    return Document(title, whole.lead(metrics), tuple(_blocks(metrics, drawn)), drawn)


def report_files(metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """The report for a screen and for print, its figures, and what is to be known of each without
    reading its SVG: name to content.
    """
    written = document(metrics)
    figures = {_file(name): figure for name, figure in written.pictures.items()}
    known = {
        file: {"words": figure.words, "width": figure.width, "height": figure.height}
        for file, figure in figures.items()
    }
    listed = {"format": FIGURES_FORMAT, "figures": known}
    return {
        html.REPORT: html.page(written).encode(),
        pdf.REPORT: pdf.printed(written),
        FIGURES: (json.dumps(listed, indent=1) + "\n").encode(),
        **{file: figure.svg.encode() for file, figure in figures.items()},
    }


def _file(name: str) -> str:
    # The flow stands beside the report, because papers want it as a figure of its own.
    return f"{name}.svg" if name == FLOW else f"figures/{name}.svg"


def _blocks(metrics: Mapping[str, Any], drawn: Container[str]) -> Iterator[Block]:
    yield from whole.verdict(metrics)
    yield from whole.fired(metrics)
    yield from participants.flow(metrics, drawn)
    yield from whole.together(metrics)
    yield from comparison.beside_others(metrics)
    for name in metrics["labels"]:
        yield from label(metrics, name)
    yield from robustness.missingness(metrics, drawn)
    yield from robustness.more_patients(metrics, drawn)
    yield from robustness.examples(metrics, drawn)
    yield from checks.splits(metrics)
    yield from checks.sets(metrics)
    yield from checks.guards(metrics)
    yield from checks.limits(metrics)
