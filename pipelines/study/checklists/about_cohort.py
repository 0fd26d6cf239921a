"""What a finished study knows about its cohort, its cases and their split.

Every function gives sentences, or nothing where the study's files do not know.
"""

from __future__ import annotations

from collections.abc import Sequence

from clinical.evaluation import SITE
from clinical.wording import words
from pipelines.reports.formatting import counted
from pipelines.study.checklists.finished import Finished, listed, named, span
from pipelines.study.flow import Part, from_json, heading, removed_words
from pipelines.study.sections.whole import SPLITS

DIAGRAM = "Diagram: flow.svg."
DIAGRAMS = "Diagrams: flow.svg for the tested cohort, figures/flow-learnt-from.svg for the other."
FEW = 3
"""Parts of a split that are counted one by one."""


def cohort_source(study: Finished) -> str:
    """Name, origin and licence of the cohort."""
    cohort = study.manifest["cohort"]
    origin = f", {cohort['source']}" if cohort["source"] else ""
    licence = cohort["licence"] or "not stated"
    return f"Cohort: {cohort['name']}{origin}; licence: {licence}; read as “{cohort['reader']}”."


def data(study: Finished) -> str:
    """Digests of the data."""
    cohort = study.manifest["cohort"]
    return (
        f"SHA-256 of the data: as read {cohort['read_sha256']},"
        f" as studied {cohort['selected_sha256']}."
    )


def retrospective(study: Finished) -> str:
    """Data were there before the model."""
    counts = study.manifest["counts"]
    cases = counted(counts["read"], "case")
    did = "trained and tested" if study.trains else "tested"
    both = "two cohorts that were" if study.external else "a cohort that was"
    return f"Retrospective: {did} on {cases} of {both} there before."


def eligibility(study: Finished) -> str:
    """Rules of the study, in order."""
    steps = from_json(study.metrics["flow"]).steps
    if not steps:
        return "The study has no rule of its own: every case that could be read was eligible."
    rules = [
        f"{number}. {step.kind} {step.name}: {step.condition}"
        for number, step in enumerate(steps, 1)
    ]
    return f"Rules, in order: {listed(rules)}."


def reading(study: Finished) -> str:
    """What could not be read."""
    flow = from_json(study.metrics["flow"])
    because = [f"{reason} ({counted(count, 'case')})" for reason, count in flow.skipped.items()]
    skipped = flow.listed - flow.read.cases
    why = f" ({listed(because)})" if because else ""
    aside = study.manifest["counts"]["set aside"]
    return (
        f"{counted(flow.listed, 'case')} listed, {counted(skipped, 'case')} not readable{why},"
        f" rows and files set aside while reading: {aside}. skipped.csv and problems.csv name them."
    )


def flow(study: Finished) -> str:
    """The way of all cases."""
    way = from_json(study.metrics["flow"])
    steps = [f"{heading(step)}: {'; '.join(removed_words(step))}" for step in way.steps]
    unused = [f"{reason}: {counted(count, 'case')}" for reason, count in way.left_out.items()]
    between = listed([*steps, *unused])
    return (
        f"{counted(way.listed, 'case')} listed, {way.read} read, {way.chosen} eligible."
        f"{f' {between}.' if between else ''} {DIAGRAMS if study.external else DIAGRAM}"
    )


def split(study: Finished) -> str:
    """How learnt and tested cases were told apart."""
    found = study.study
    nested = f", {found['inner']} nested folds in each" if found.get("inner") else ""
    return (
        f"Split: {SPLITS[found['split']]}, {counted(found['folds'], 'fold')}{nested},"
        f" {counted(found['repeats'], 'repeat')}. {_checked(study)}"
    )


def _checked(study: Finished) -> str:
    """The study's own last sentence on its patients."""
    return str(study.metrics["checks"]["patients"][-1])


def disjoint(study: Finished) -> str:
    """What was checked of patients on both sides."""
    return f"Checked by patient: {_checked(study)}"


def parts(study: Finished) -> str:
    """Training and tested cases, with positives."""
    folds = study.metrics["folds"]
    learnt = span([fold["learnt"] for fold in folds])
    tested = span([fold["tested"] for fold in folds])
    each = "each fold" if len(folds) > 1 else "the fold"
    parts = from_json(study.metrics["flow"]).parts
    shares = [f"{words(name)} {_positives(parts, name)}" for name in study.labels]
    learning = any(part.name == "training" for part in parts)
    kinds = "training and tested" if learning else "tested"
    return (
        f"Cases in {each}: {learnt} for training, {tested} tested."
        f" Positive of known outcomes, {kinds}: {listed(shares)}."
    )


def _positives(parts: Sequence[Part], label: str) -> str:
    if len(parts) <= FEW:
        return ", ".join(str(part.labels[label]) for part in parts)
    positive = span([part.labels[label].positive for part in parts])
    return f"{positive} of {span([part.labels[label].known for part in parts])}"


def training_and_test(study: Finished) -> str:
    """What separates tested from training cases."""
    cohort = study.manifest["cohort"]["name"]
    if not study.trains:
        return f"The model existed beforehand; nothing was trained on the cohort {cohort}."
    if study.external:
        reader = study.manifest["external"]["reader"]
        return f"Trained on the cohort {cohort}, tested on another, read as “{reader}”."
    return (
        f"Training and tested cases come from one cohort, {cohort}, under the same rules; they are"
        f" separated as {SPLITS[study.study['split']]}."
    )


def images_across(study: Finished) -> str:
    """Images that are on both sides."""
    images = study.metrics["checks"]["images"]
    if images is None:
        return ""
    exact = counted(images["exact"], "test image")
    return f"{exact} identical, and {images['near']} nearly so, to a training image."


def no_image(study: Finished) -> str:
    """That no case has an image."""
    images = study.metrics["checks"]["images"]
    told = study.trains and images is None
    return "No case of this study has an image." if told else ""


def outcomes(study: Finished) -> str:
    """Positive and known outcomes of every label."""
    told = [f"{words(n)}: {p} positive of {k} known" for n, (p, k) in _totals(study).items()]
    return f"Outcomes: {listed(told)}."


def prevalence(study: Finished) -> str:
    """How frequent each label is."""
    shares = [
        f"{words(name)} {100 * positive / known:.1f}%"
        for name, (positive, known) in _totals(study).items()
        if known
    ]
    return f"In this study: {listed(shares)}." if shares else ""


def unknown_outcomes(study: Finished) -> str:
    """Cases whose outcome is not known."""
    cases = sum(part.counts.cases for part in from_json(study.metrics["flow"]).parts)
    missing = [f"{words(n)} {cases - known}" for n, (_, known) in _totals(study).items()]
    return f"Of {counted(cases, 'case')}, the outcome is unknown in: {listed(missing)}."


def _totals(study: Finished) -> dict[str, tuple[int, int]]:
    """Label to positive and known outcomes over all parts of the split."""
    shares = [part.labels for part in from_json(study.metrics["flow"]).parts]
    return {
        name: (sum(row[name].positive for row in shares), sum(row[name].known for row in shares))
        for name in study.labels
    }


def size(study: Finished) -> str:
    """How many were tested."""
    cases = counted(study.study["cases"], "case")
    patients = counted(study.study["patients"], "patient")
    return f"{cases} of {patients} were tested. {outcomes(study)}"


def inputs(study: Finished) -> str:
    """Modalities that the cases have."""
    found = study.manifest.get("inputs", {})
    return f"Inputs of the model: {named(list(found))}." if found else ""


def missing(study: Finished) -> str:
    """How many cases have each modality."""
    found = study.manifest.get("inputs", {})
    cases = study.manifest["counts"]["selected cases"]
    there = [f"{words(name)} in {count}" for name, count in found.items()]
    return f"Of {counted(cases, 'case')}, an input is there: {listed(there)}." if there else ""


def sites(study: Finished) -> str:
    """Sites that the cases come from."""
    found = _first_label(study, SITE)
    if not found:
        return ""
    small = study.metrics["suppressed"].get(SITE, 0)
    more = f"; groups too small to report: {small}" if small else ""
    return f"Sites: {listed(found)}{more}."


def groups(study: Finished) -> str:
    """Patients by every column."""
    shown = {column: _first_label(study, column) for column in study.columns}
    told = [f"{column}: {', '.join(rows)}" for column, rows in shown.items() if rows]
    unstated = study.metrics["subgroups"]["unstated"]
    silent = [f"{counted(n, 'case')} without {column}" for column, n in unstated.items() if n]
    return f"Tested patients by group, {listed([*told, *silent])}." if told else ""


def _first_label(study: Finished, column: str) -> list[str]:
    """Groups of one column with their patients, as the first label counts them."""
    first = next(iter(study.labels))
    return [
        f"{row['name']} ({row['patients']})"
        for row in study.groups
        if row["label"] == first and row["column"] == column
    ]


def training_rules(study: Finished) -> str:
    """Rules that shaped what was used for training."""
    return eligibility(study) if study.trains else ""


def training_source(study: Finished) -> str:
    """The cohort that was used for training."""
    return cohort_source(study) if study.trains else ""


def training_groups(study: Finished) -> str:
    """Patients learnt from, where they are the tested ones in other folds."""
    apart = any(part.name == "training" for part in from_json(study.metrics["flow"]).parts)
    return groups(study) if study.trains and not apart else ""


def timing(study: Finished) -> str:
    """What the guard on later values says."""
    return _said(study, "afterwards")


def acquisition(study: Finished) -> str:
    """What the guard on the making of images says."""
    return _said(study, "acquisition")


def _said(study: Finished, guard: str) -> str:
    found = [row for row in study.metrics["guards"] if row["guard"] == guard and not row["skipped"]]
    return " ".join(row["sentence"] for row in found)
