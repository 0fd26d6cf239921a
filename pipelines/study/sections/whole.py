"""First sections of a report: verdict, guards that fired, who is in it, all labels together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clinical.wording import words
from pipelines.reports.blocks import (
    Block,
    Box,
    Heading,
    Item,
    Paragraph,
)
from pipelines.reports.formatting import counted, interval
from pipelines.study.sections.method_table import method_table

Metrics = Mapping[str, Any]

SPLITS = {
    "patient": "patient-grouped folds",
    "site": "each site left out in turn",
    "given": "the cohort's own split",
    "time": "trained on earlier decisions, tested on later ones",
    "external": "trained on one cohort, tested on another",
    "checkpoint": "an existing model, nothing trained",
}


def lead(m: Metrics) -> str:
    """One line on what was done."""
    study = m["study"]
    how = SPLITS[study["split"]]
    if study.get("inner"):
        how += f", {study['inner']} nested folds in each"
    learnt = study.get("learnt") or []
    before = (
        f"learnt from {counted(learnt[0], 'case')} · " if len(learnt) == 1 and any(learnt) else ""
    )
    return (
        f"{before}"
        f"{counted(study['cases'], 'case')} of {counted(study['patients'], 'patient')} tested · "
        f"{how} ({study['folds']}) · {counted(study['repeats'], 'repeat')} · "
        f"brackets: 95% interval of {study['bootstrap']:,} patient-bootstrap samples"
    )


def verdict(m: Metrics) -> Iterator[Block]:
    """The verdict, and what it rests on."""
    found = m["verdict"]
    note = (
        "Macro AUROC of the model minus that of the other, paired by patient, on the cases that "
        f"both can judge. Margin of non-inferiority {m['study']['margin']}."
    )
    if m["best_single"]:
        note += f" The best single modality was chosen on validation patients: {m['best_single']}."
    reasons = tuple(Item(line) for line in found["reasons"])
    yield Box(found["sentence"], reasons, "good" if found["worth_it"] else "care", note)


def fired(m: Metrics) -> Iterator[Block]:
    """Guards that fired, or that none did."""
    if not m["study"]["guards"]:
        yield Paragraph("Guards against shortcuts and leaks were switched off.")
        return
    loud = [one for one in m["guards"] if one.get("fires")]
    if loud:
        title = f"{counted(len(loud), 'guard')} against shortcuts and leaks fired"
        yield Box(title, tuple(_alarm(one) for one in loud), "bad")
        return
    skipped = sum(one["skipped"] for one in m["guards"])
    yield Paragraph(
        "No guard against shortcuts and leaks fired "
        f"({len(m['guards']) - skipped} ran, {skipped} could not). "
        "That does not prove that there are none."
    )


def _alarm(one: Metrics) -> Item:
    note = f"{one['measure']} {interval(one['estimate'])}"
    if one["threshold"] is not None:
        note += f", limit {one['threshold']}"
    return Item(one["sentence"], f"{words(one['guard'])}, {one['subject']}:", note)


def together(m: Metrics) -> Iterator[Block]:
    """Macro figures of every method."""
    yield Heading("All labels together", 1)
    figures = {
        method: (interval(row["auroc"]), interval(row["average_precision"]))
        for method, row in m["macro"].items()
    }
    yield method_table(("Macro AUROC", "Macro average precision"), figures)
    target = m["study"]["target_sensitivity"]
    which = "come with the checkpoint"
    if target is not None:
        which = f"aim at a sensitivity of {target} on validation patients"
    means = [f"{name} {interval(row)}" for name, row in m["macro_operating_point"].items()]
    yield Paragraph(
        f"At thresholds that {which}, mean over labels: {'; '.join(means) or 'not defined'}.",
        soft=True,
    )
