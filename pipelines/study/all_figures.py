"""All figures of a study, drawn from `metrics.json` alone: name to figure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from clinical.wording import words
from pipelines.folds.methods import OURS
from pipelines.reports.figures.figure import Figure
from pipelines.reports.formatting import interval
from pipelines.study import diagram
from pipelines.study.figures import curves
from pipelines.study.figures.example_cases import example_cases
from pipelines.study.figures.forest import forest
from pipelines.study.figures.heat_map import heat_map
from pipelines.study.figures.learning import learning
from pipelines.study.figures.stress import stress
from pipelines.study.flow import LEARNT_FROM, TESTED_HERE, from_json
from pipelines.study.subgroup_columns import INPUTS
from pipelines.study.usefulness import RECALIBRATED

FLOW, FLOW_LEARNT = "flow", "flow-learnt-from"
MISSINGNESS, LEARNING = "missingness", "learning-curve"
ROC, CALIBRATION, DECISION, GROUPS, EXAMPLES = (
    "roc",
    "calibration",
    "decision-curve",
    "groups",
    "examples",
)
"""Kinds of figure that a label has."""


def pictures(metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """Every figure that the metrics allow, by its name, which is a file name without ending.

    Args:
        metrics: `metrics.json`; parts that an older version did not have are left out.
    """
    found = _flows(metrics)
    for label in metrics["labels"]:
        for kind, figure in _of_label(metrics, label).items():
            found[label_figure(metrics, label, kind)] = figure
    labels = list(metrics["labels"])
    patterns = [row for row in metrics["subgroups"]["groups"] if row["column"] == INPUTS]
    if patterns:
        found[MISSINGNESS] = heat_map(labels, patterns)
    for (kind, what), lines in stresses(metrics).items():
        found[stress_figure(kind, what)] = stress(what, kind, lines)
    measured = metrics.get("learning_curve")
    if measured and measured["points"]:
        found[LEARNING] = learning(measured["points"], measured["sizes"], measured["fit"])
    return found


def _flows(metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """The way of the cases; of two cohorts, that of the tested one and that of the other."""
    ways = metrics.get("flows") or {}
    own = ways.get(TESTED_HERE, metrics["flow"])
    found = {FLOW: diagram.flow_diagram(from_json(own))}
    if LEARNT_FROM in ways:
        found[FLOW_LEARNT] = diagram.flow_diagram(from_json(ways[LEARNT_FROM]))
    return found


def label_figure(metrics: Mapping[str, Any], label: str, kind: str) -> str:
    """Name of a figure of one label; the number keeps two that read alike apart."""
    number = list(metrics["labels"]).index(label) + 1
    return f"{number}-{_slug(label)}-{kind}"


def stress_figure(kind: str, what: str) -> str:
    """Name of the figure of one input that goes missing."""
    return f"stress-{_slug(kind)}-{_slug(what)}"


def stresses(
    metrics: Mapping[str, Any],
) -> dict[tuple[str, str], dict[str, Sequence[Mapping[str, Any]]]]:
    """Kind and input to method to points; our own method first."""
    found: dict[tuple[str, str], dict[str, Sequence[Mapping[str, Any]]]] = {}
    rows = metrics.get("stress") or []
    for row in sorted(rows, key=lambda row: row["method"] != OURS):
        found.setdefault((row["kind"], row["what"]), {})[row["method"]] = row["points"]
    return found


def examples_of(metrics: Mapping[str, Any], label: str) -> list[Mapping[str, Any]]:
    """Example cases of one label."""
    return [one for one in metrics.get("examples") or [] if one["label"] == label]


def groups_of(metrics: Mapping[str, Any], label: str) -> list[Mapping[str, Any]]:
    """Groups of patients of one label, without the availability patterns."""
    rows = metrics["subgroups"]["groups"]
    return [row for row in rows if row["label"] == label and row["column"] != INPUTS]


def _of_label(metrics: Mapping[str, Any], name: str) -> dict[str, Figure]:
    label, found = words(name), metrics["labels"][name]
    use = found["use"]
    compared = [method for method in use if method != RECALIBRATED]
    areas = {method: found["methods"][method]["auroc"] for method in compared}
    roc = {method: found["methods"][method]["roc"] for method in compared}
    shown = {method: use[method]["reliability"] for method in (OURS, RECALIBRATED) if method in use}
    drawn = {
        ROC: curves.roc(label, roc, [interval(areas[method]) for method in compared]),
        CALIBRATION: curves.reliability(label, shown),
        DECISION: curves.decision(
            label, {method: use[method]["decision_curve"] for method in compared}
        ),
        GROUPS: forest(label, areas[OURS], groups_of(metrics, name)),
    }
    if examples := examples_of(metrics, name):
        drawn[EXAMPLES] = example_cases(label, examples)
    return drawn


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
