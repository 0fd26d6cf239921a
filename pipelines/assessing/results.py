"""The files of a batch run: assessments, what was skipped, what was set aside, the manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from clinical import canonical
from clinical.case.assessment import SCHEMA_VERSION
from clinical.case.case import Problem
from clinical.cohorts.cohort import CohortDescription
from clinical.errors import ConfigError
from clinical.model.model import Model
from clinical.tables import spreadsheet
from clinical.wording import RESEARCH_USE
from clinical.workspace import own_file
from pipelines.assessing.runner import died
from pipelines.assessing.shards import Row

ASSESSMENTS, OTHERS, MANIFEST = "assessments.jsonl", "others.jsonl", "manifest.json"
SKIPPED = ("case_id", "file", "reason", "row", "column", "remedy")
PROBLEMS = ("case_id", "file", "row", "column", "reason", "remedy")
_PACKAGES = ("triptych", "torch", "monai", "numpy", "pydicom", "transformers")


@dataclass(frozen=True)
class Counts:
    """What became of every case of the index.

    Attributes:
        cases: in the index; always `assessed` + `skipped`.
        assessed, skipped: as it says.
        flagged: assessed with an out-of-distribution mark.
        problems: rows and files set aside (cases.csv rows, images, measurements, ...).
        by_modality: modality to number of assessed cases that have it.
        ended_worker: of the skipped ones, those that ended the process which assessed them.
        led_by: where several models were asked: each to the number of cases that readers begin with
            its suggestions; "" is no model that had any.
    """

    cases: int
    assessed: int
    skipped: int
    flagged: int
    problems: int
    by_modality: Mapping[str, int]
    ended_worker: int = 0
    led_by: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Told:
    """What the rows of a run say, but for the assessments, which are on disk."""

    skipped: list[Mapping[str, Any]] = field(default_factory=list)
    problems: list[Mapping[str, Any]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    assessed: int = 0
    flagged: int = 0
    ended_worker: int = 0
    led_by: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        self.problems += row["problems"]
        if "assessed" in row:
            self.assessed += 1
            self.flagged += row["assessed"]["out_of_distribution"]["flagged"]
            self.used.update(row["assessed"]["modalities"]["used"])
            if "others" in row:
                self.led_by[_leader(row["assessed"])] += 1
            return
        self.ended_worker += "died" in row
        problem = asdict(died(row)) if "died" in row else row["skipped"]
        self.skipped.append({**problem, "case_id": row["case_id"]})

    @property
    def counts(self) -> Counts:
        return Counts(
            self.assessed + len(self.skipped),
            self.assessed,
            len(self.skipped),
            self.flagged,
            len(self.problems),
            dict(sorted(self.used.items())),
            self.ended_worker,
            dict(sorted(self.led_by.items())),
        )


def write(
    out: Path,
    rows: Iterable[Row],
    problems: Sequence[Problem],
    cohort: CohortDescription,
    models: Sequence[Model],
    source: str,
    run: str,
) -> Counts:
    """Turn the rows of a run into the result files, each by rename, the manifest last.

    Args:
        out: folder for the results.
        rows: of all cases, in the order of the cohort; only one is held at a time.
        problems: that belong to no case.
        cohort, models, source: for the manifest.
        run: digest of all that decides the results, for `finished`.
    """
    told = _Told(problems=[asdict(problem) for problem in problems])
    with ExitStack() as files:
        first = files.enter_context(_lines(out / ASSESSMENTS))
        other = files.enter_context(_lines(out / OTHERS)) if len(models) > 1 else None
        for row in rows:
            told.add(row)
            if "assessed" in row:
                first.write(row["assessed"])
            for made in row.get("others", ()):
                if other is not None:
                    other.write(made)
    tables = {
        "skipped.csv": _table(SKIPPED, told.skipped),
        "problems.csv": _table(PROBLEMS, told.problems),
    }
    for name, text in tables.items():
        own_file.write(out / name, text)
    digests = {name: canonical.sha256(text.encode()) for name, text in tables.items()}
    listed = {file.name: file.digest for file in (first, other) if file is not None}
    manifest = _manifest(told.counts, cohort, models, source, listed | digests) | {"run": run}
    own_file.write(out / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return told.counts


class _Lines:
    """A file of JSON lines, with the SHA-256 of what was written."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        self._stream = stream
        self._sha256 = hashlib.sha256()

    def write(self, value: Mapping[str, Any]) -> None:
        """One line more."""
        line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
        self._sha256.update(line)
        self._stream.write(line)

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        return self._sha256.hexdigest()


@contextmanager
def _lines(file: Path) -> Iterator[_Lines]:
    with own_file.writing(file) as stream:
        yield _Lines(file.name, stream)


def _leader(assessed: Mapping[str, Any]) -> str:
    """Name of the model that an assessment is of, "" where it suggests nothing."""
    speaks = any(made["withheld_because"] is None for made in assessed["suggestions"])
    return str(assessed["model"]["name"]) if speaks else ""


def finished(out: Path, run: str) -> Counts | None:
    """What became of the cases, if `out` holds this run with all its files as they were written.

    Raises:
        ConfigError: if it holds another finished run.
    """
    file = out / MANIFEST
    if not file.exists():
        return None
    manifest = json.loads(file.read_text(encoding="utf-8"))
    if manifest.get("run") != run:
        raise ConfigError(
            f"{out} holds the finished run of another cohort, model or version.",
            remedy=f"choose another --out, or delete its {MANIFEST} to overwrite it",
        )
    for name, kept in manifest["files"].items():
        written = out / name
        if not written.exists() or canonical.sha256(written.read_bytes()) != kept["sha256"]:
            return None
    return Counts(**manifest["counts"])


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [spreadsheet.line(columns, end="\n")]
    lines += [spreadsheet.line([row.get(name) for name in columns], end="\n") for row in rows]
    return "".join(lines)


def write_table(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, by rename."""
    own_file.write(file, _table(columns, rows))


def _manifest(
    counts: Counts,
    cohort: CohortDescription,
    models: Sequence[Model],
    source: str,
    files: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "notice": RESEARCH_USE,
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "cohort": {
            "name": cohort.name,
            "source": cohort.source,
            "licence": cohort.licence,
        },
        **_models(models),
        "counts": asdict(counts),
        "files": {name: {"sha256": digest} for name, digest in files.items()},
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            **{package: version(package) for package in _PACKAGES},
        },
    }


def _models(models: Sequence[Model]) -> dict[str, Any]:
    named = [asdict(model.identity) for model in models]
    return {"model": named[0]} if len(named) == 1 else {"models": named}
