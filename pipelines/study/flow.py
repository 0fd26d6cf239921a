"""From the cohort to the parts of a split: every case is accounted for.

What STARD 2015 (Bossuyt, BMJ 2015, item 19) and CONSORT (Schulz, BMJ 2010, item 13) ask to show as
a diagram of participants. `pipelines.study.diagram` draws it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.folds.splits import Indices
from pipelines.study.selection import Counts, Selection, Step, selected
from pipelines.training.dataset import Dataset

MOST_REASONS = 6
NOT_USED = "in no part of the split"
LEARNT_FROM, TESTED_HERE = "learnt from", "tested"
"""Parts of a study of two cohorts."""


@dataclass(frozen=True)
class Share:
    """Positive cases among those whose outcome is known."""

    positive: int
    known: int

    def __str__(self) -> str:
        return f"{self.positive} of {self.known}" if self.known else "none known"

    @property
    def percent(self) -> str:
        """The share in percent, in brackets; empty if no outcome is known."""
        return f"({100 * self.positive / self.known:.1f}%)" if self.known else ""


@dataclass(frozen=True)
class Part:
    """One part of a split.

    Attributes:
        name: "training", "validation", "test", or a fold's.
        counts: cases and patients.
        labels: diagnosis to its positive cases.
    """

    name: str
    counts: Counts
    labels: Mapping[str, Share]


@dataclass(frozen=True)
class Flow:
    """The way of all cases of a cohort.

    Attributes:
        listed: cases of the cohort, read or not.
        skipped: reason to number of cases that could not be read, the most frequent first.
        read: cases that could be read, and their patients.
        steps: what the rules did, in order.
        chosen: what the rules have left.
        left_out: reason to number of chosen cases that are in no part of the split.
        parts: of the split.
    """

    listed: int
    skipped: Mapping[str, int]
    read: Counts
    steps: tuple[Step, ...]
    chosen: Counts
    left_out: Mapping[str, int]
    parts: tuple[Part, ...]


def flow(
    dataset: Dataset,
    selection: Selection,
    parts: Mapping[str, Indices],
    left_out: Mapping[str, int] | None = None,
) -> Flow:
    """Count the cases of a cohort on their way into a split.

    Args:
        dataset: as read, before the selection.
        selection: of its cases.
        parts: name to indices into the selected cases (`pipelines.study.selection.selected`).
        left_out: reason to number of selected cases that the split leaves out, as far as known;
            any others are counted as `NOT_USED`.

    Raises:
        ValueError: if more cases are said to be left out than were.
    """
    chosen = selected(dataset, selection)
    used = np.unique(np.concatenate([*parts.values(), np.array([], dtype=np.intp)]))
    reasons = {reason: count for reason, count in (left_out or {}).items() if count}
    rest = len(chosen.cases) - len(used) - sum(reasons.values()) if parts else 0
    if rest < 0:
        raise ValueError(f"{-rest} more cases are said to be left out than were")
    if rest:
        reasons[NOT_USED] = rest
    return Flow(
        len(dataset.cases) + len(dataset.skipped),
        _reasons(dataset),
        _counts(dataset, np.arange(len(dataset.cases))),
        selection.steps,
        _counts(chosen, np.arange(len(chosen.cases))),
        reasons,
        tuple(_part(name, chosen, rows) for name, rows in parts.items()),
    )


def _reasons(dataset: Dataset) -> dict[str, int]:
    """Why cases were skipped; rare reasons beyond the most frequent are counted together."""
    counts = Counter(skipped.problem.reason.rstrip(".") for skipped in dataset.skipped)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ordered if len(ordered) <= MOST_REASONS else ordered[: MOST_REASONS - 1]
    found = dict(shown)
    if len(ordered) > len(shown):
        rest = ordered[len(shown) :]
        found[f"{len(rest)} other reasons"] = sum(count for _, count in rest)
    return found


def _counts(dataset: Dataset, rows: Indices) -> Counts:
    patients = dataset.patients
    return Counts(len(rows), len({patients[i] for i in rows}))


def _part(name: str, dataset: Dataset, rows: Indices) -> Part:
    labels = {}
    for column, diagnosis in enumerate(dataset.diagnoses):
        known = dataset.labels[rows, column]
        known = known[~np.isnan(known)]
        labels[diagnosis] = Share(int(known.sum()), len(known))
    return Part(name, _counts(dataset, rows), labels)


def from_json(data: Mapping[str, Any]) -> Flow:
    """A flow from its JSON form (`dataclasses.asdict`)."""

    def step(row: Mapping[str, Any]) -> Step:
        counted = {name: Counts(**row[name]) for name in ("before", "removed", "left")}
        return Step(**{**row, **counted})

    def part(row: Mapping[str, Any]) -> Part:
        labels = {name: Share(**share) for name, share in row["labels"].items()}
        return Part(row["name"], Counts(**row["counts"]), labels)

    return Flow(
        data["listed"],
        data["skipped"],
        Counts(**data["read"]),
        tuple(step(row) for row in data["steps"]),
        Counts(**data["chosen"]),
        data["left_out"],
        tuple(part(row) for row in data["parts"]),
    )


def removed_words(step: Step) -> tuple[str, ...]:
    """What a rule removed and what it could not judge, in short sentences."""
    words = [_removed(step)]
    if step.unjudged:
        missing = f"{step.unjudged} of these" if step.kind == "include" else f"{step.unjudged} kept"
        words.append(f"{missing}: not judged, the value is missing")
    return tuple(words)


def heading(step: Step) -> str:
    """What removed the cases: an inclusion that was not met, or an exclusion that was."""
    return f"Not included: {step.name}" if step.kind == "include" else f"Excluded: {step.name}"


def _removed(step: Step) -> str:
    if not step.removed.cases:
        return "no case removed"
    patients = step.removed.patients
    whose = f"{patients} patient{' has' if patients == 1 else 's have'} no case left"
    return f"{_cases(step.removed.cases)} removed; {whose}"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def both_in_markdown(ways: Mapping[str, Flow]) -> str:
    """The flows of two cohorts, one after the other, by what is done with them."""
    return "\n".join(f"## {name.capitalize()}\n\n{markdown(way)}" for name, way in ways.items())


def markdown(found: Flow) -> str:
    """The flow as Markdown tables: the way in, and the parts of the split."""
    lines = ["| step | condition | removed | left | not judged |", "|---|---|---|---|---|"]
    lines.append(f"| Cases of the cohort | | | {_cases(found.listed)} | |")
    lines += [
        f"| Could not be read | {_cell(reason)} | {_cases(count)} removed | | |"
        for reason, count in found.skipped.items()
    ]
    lines.append(f"| Read | | | {found.read} | |")
    lines += [_row(step) for step in found.steps]
    lines.append(f"| Eligible | | | {found.chosen} | |")
    lines += [
        f"| Not used | {_cell(reason)} | {_cases(count)} removed | | |"
        for reason, count in found.left_out.items()
    ]
    return "\n".join([*lines, "", *_parts(found)]).rstrip() + "\n"


def _row(step: Step) -> str:
    fate = "removed" if step.kind == "include" else "kept"
    unjudged = f"{step.unjudged}, {fate}" if step.unjudged else "0"
    name = _cell(heading(step))
    return f"| {name} | {_cell(step.condition)} | {_removed(step)} | {step.left} | {unjudged} |"


def _parts(found: Flow) -> Iterator[str]:
    if not found.parts:
        return
    labels = list(found.parts[0].labels)
    names = " | ".join(f"{_cell(name)}, positive" for name in labels)
    yield f"| part | cases | patients | {names} |"
    yield "|---" * (3 + len(labels)) + "|"
    for part in found.parts:
        shares = [f"{part.labels[name]} {part.labels[name].percent}".strip() for name in labels]
        counts = f"{part.counts.cases} | {part.counts.patients}"
        yield f"| {_cell(part.name)} | {counts} | " + " | ".join(shares) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
