"""A finished study read from its files, and how its facts are put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clinical.wording import words
from pipelines.study.design import CHECKPOINT, EXTERNAL

MOST = 8
"""Parts of one sentence; what is beyond stands in metrics.json."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finished:
    """What a finished study wrote.

    Attributes:
        metrics: `metrics.json` (`pipelines.study.metrics_json`).
        manifest: `manifest.json` (`pipelines.study.manifest`); its times are not read, so that a
            rerun says the same.
    """

    metrics: Row
    manifest: Row

    @property
    def study(self) -> Row:
        """What was studied, and how it was split."""
        found: Row = self.metrics["study"]
        return found

    @property
    def trains(self) -> bool:
        """Whether a model was trained, rather than one tested that already existed."""
        return str(self.study["split"]) != CHECKPOINT

    @property
    def external(self) -> bool:
        """Whether another cohort was tested than the one that was used for training."""
        return str(self.study["split"]) == EXTERNAL

    @property
    def done(self) -> str:
        """What was done to the model."""
        return "developed and tested" if self.trains else "tested"

    @property
    def labels(self) -> Mapping[str, Row]:
        """Label to its figures."""
        found: Mapping[str, Row] = self.metrics["labels"]
        return found

    @property
    def groups(self) -> list[Row]:
        """Groups of patients of all labels, large enough to be told."""
        return list(self.metrics["subgroups"]["groups"])

    @property
    def columns(self) -> list[str]:
        """What patients were grouped by."""
        return list(self.metrics["subgroups"]["unstated"])

    def digest(self, name: str) -> str:
        """SHA-256 of a file that the study wrote; empty if it wrote none of that name."""
        return str(self.manifest["files"].get(name, {}).get("sha256", ""))


def named(names: Sequence[str]) -> str:
    """Names as words: "COPD, heart failure and pneumonia"."""
    spoken = [words(name) for name in names]
    return " and ".join(
        part for part in (", ".join(spoken[:-1]), spoken[-1] if spoken else "") if part
    )


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence, and how many more there are."""
    shown = "; ".join(parts[:MOST])
    more = len(parts) - MOST
    return f"{shown}; {more} more in metrics.json" if more > 0 else shown


def span(counts: Sequence[int]) -> str:
    """The lowest and the highest of some counts, or the one that all are."""
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def each_label(study: Finished, say: Mapping[str, str]) -> str:
    """A sentence with one part for each label; the label's name only where there are several."""
    parts = [text for text in say.values() if text]
    if len(study.labels) > 1:
        parts = [f"{words(name)}: {text}" for name, text in say.items() if text]
    return listed(parts)


def setting(value: Any) -> str:
    """A value of a study file as it is read by people."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return ", ".join(f"{key} by {item}" for key, item in value.items()) or "by their shape"
        case _:
            return str(value)


def settings(found: Row) -> str:
    """All settings of one part of a study file."""
    return ", ".join(f"{words(name)} {setting(value)}" for name, value in found.items())
