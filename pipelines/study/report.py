"""The report of a study: one HTML file that needs nothing but a browser, from `metrics.json` alone.

It loads nothing: styles and figures are inside, there is no script, and a strict content security
policy says so to the browser. All text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clinical.wording import RESEARCH_USE, words
from pipelines.crossvalidate import OURS
from pipelines.study import diagram
from pipelines.study.figures import curves
from pipelines.study.figures.forest import forest
from pipelines.study.flow import from_json
from pipelines.study.usefulness import RECALIBRATED

HERE = Path(__file__).parent
TEMPLATE, STYLES = "report.html.jinja", "report.css"
SPLITS = {
    "patient": "patient-grouped folds",
    "site": "each site left out in turn",
    "given": "the cohort's own split",
}


@dataclass(frozen=True)
class LabelPage:
    """One label of the report.

    Attributes:
        name: as in the study.
        found: its figures.
        pictures: SVG documents, ready to stand in the page.
        groups: of patients.
        gaps: between them.
        patterns: availability patterns.
        delong: whether any method has DeLong's interval.
    """

    name: str
    found: Mapping[str, Any]
    pictures: tuple[Markup, ...]
    groups: Sequence[Mapping[str, Any]]
    gaps: Sequence[Mapping[str, Any]]
    patterns: Sequence[Mapping[str, Any]]
    delong: bool


def files(metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """The report and its figures: name to content.

    Args:
        metrics: `metrics.json` (`pipelines.study.judging`).
    """
    drawn = {name: pictures(metrics, name) for name in metrics["labels"]}
    found = {"report.html": page(metrics, drawn).encode()}
    for number, (name, own) in enumerate(drawn.items()):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        for kind, svg in own.items():
            found[f"figures/{number + 1}-{slug}-{kind}.svg"] = svg.encode()
    return found


def pictures(metrics: Mapping[str, Any], name: str) -> dict[str, str]:
    """Kind of figure to SVG document, for one label."""
    label, found = words(name), metrics["labels"][name]
    compared = [method for method in found["use"] if method != RECALIBRATED]
    areas = {method: found["methods"][method]["auroc"] for method in compared}
    roc = {method: found["methods"][method]["roc"] for method in compared}
    use = found["use"]
    return {
        "roc": curves.roc(label, roc, [interval(areas[method]) for method in compared]),
        "calibration": curves.reliability(
            label, {method: use[method]["reliability"] for method in (OURS, RECALIBRATED)}
        ),
        "decision-curve": curves.decision(
            label, {method: use[method]["decision_curve"] for method in compared}
        ),
        "groups": forest(label, areas[OURS], _of(metrics["subgroups"]["groups"], name)),
    }


def page(metrics: Mapping[str, Any], drawn: Mapping[str, Mapping[str, str]]) -> str:
    """The report as HTML.

    Args:
        metrics: `metrics.json`.
        drawn: label to its figures (`pictures`).
    """
    styles = (HERE / STYLES).read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"interval": interval, "signed": signed, "words": words, "p": p_value}
    return environment.get_template(TEMPLATE).render(
        m=metrics,
        how=SPLITS[metrics["study"]["split"]],
        fired=[one for one in metrics["guards"] if one.get("fires")],
        silent=[one for one in metrics["guards"] if one.get("fires") is False],
        skipped=[one for one in metrics["guards"] if one["skipped"]],
        flow=_inline(diagram.svg(from_json(metrics["flow"]))),
        pages=[_label(metrics, name, own) for name, own in drawn.items()],
        ours=OURS,
        research_use=RESEARCH_USE,
        policy=policy(styles),
        styles=Markup(styles),  # noqa: S704  (our own file, and the policy holds its digest)
    )


def _label(metrics: Mapping[str, Any], name: str, own: Mapping[str, str]) -> LabelPage:
    every = [row for row in metrics["subgroups"]["groups"] if row["label"] == name]
    methods = metrics["labels"][name]["methods"].values()
    return LabelPage(
        name,
        metrics["labels"][name],
        tuple(_inline(svg) for svg in own.values()),
        _of(every, name),
        [gap for gap in metrics["subgroups"]["gaps"] if gap["label"] == name],
        [row for row in every if row["column"] == "inputs"],
        any(method["delong"]["value"] is not None for method in methods),
    )


def _of(groups: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Groups of patients of one label, without the availability patterns."""
    return [row for row in groups if row["label"] == name and row["column"] != "inputs"]


def _inline(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  (drawn here, and every text in it is escaped)


def interval(found: Mapping[str, Any], digits: int = 3) -> str:
    """An estimate with its 95% interval, or that it is not defined."""
    if found["value"] is None:
        return "not defined"
    value, low, high = (f"{found[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def signed(found: Mapping[str, Any]) -> str:
    """A difference with its 95% interval, or that it is not defined."""
    if found["value"] is None:
        return "not defined"
    value, low, high = (f"{found[name]:+.3f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def p_value(value: float | None) -> str:
    """A p-value in words."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def policy(styles: str) -> str:
    """A content security policy that lets a page load nothing and use only these styles."""
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
