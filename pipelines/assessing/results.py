"""The files of a batch run: assessments, what was skipped, what was set aside, the manifest."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.case.assessment import SCHEMA_VERSION
from clinical.cohorts.cohort import CaseEntry, CohortDescription
from clinical.errors import ConfigError
from clinical.model.model import Model
from clinical.wording import RESEARCH_USE

MANIFEST = "manifest.json"
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
    """

    cases: int
    assessed: int
    skipped: int
    flagged: int
    problems: int
    by_modality: Mapping[str, int]


def write(
    out: Path,
    journal: Path,
    entries: Sequence[CaseEntry],
    cohort: CohortDescription,
    model: Model,
    source: str,
    run: str,
) -> Counts:
    """Turn a finished journal into the result files, each by rename, the manifest last.

    `run` is the digest of all that decides the results, for `finished`.
    """
    records = _records(journal)
    place = {entry.case_id: number for number, entry in enumerate(entries)}
    assessed = sorted(
        (r for r in records if "assessed" in r), key=lambda r: place[r["assessed"]["case_id"]]
    )
    skipped = sorted(
        (r["skipped"] for r in records if "skipped" in r), key=lambda r: place[r["case_id"]]
    )
    problems = [r["problem"] for r in records if "problem" in r]
    problems += [problem for r in assessed for problem in r["problems"]]
    problems.sort(key=lambda p: place.get(p["case_id"], -1))
    files = {
        "assessments.jsonl": "".join(
            json.dumps(r["assessed"], ensure_ascii=False) + "\n" for r in assessed
        ),
        "skipped.csv": _table(
            SKIPPED, [{**r["problem"], "case_id": r["case_id"]} for r in skipped]
        ),
        "problems.csv": _table(PROBLEMS, problems),
    }
    counts = _counts(len(entries), assessed, skipped, problems)
    for name, text in files.items():
        _replace(out / name, text)
    manifest = _manifest(counts, cohort, model, source, files) | {"run": run}
    _replace(out / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return counts


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
            remedy=f"choose another --out, or delete its {MANIFEST} to have it written over",
        )
    for name, kept in manifest["files"].items():
        written = out / name
        if not written.exists() or canonical.sha256(written.read_bytes()) != kept["sha256"]:
            return None
    return Counts(**manifest["counts"])


def _records(journal: Path) -> list[dict[str, Any]]:
    with journal.open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    # A resumed run meets the problems of whole files, and of a case cut off half way, again.
    unique = {json.dumps(record, sort_keys=True): record for record in found}
    return list(unique.values())


def _counts(
    cases: int,
    assessed: Sequence[Mapping[str, Any]],
    skipped: Sequence[Mapping[str, Any]],
    problems: Sequence[Mapping[str, Any]],
) -> Counts:
    flagged = sum(r["assessed"]["out_of_distribution"]["flagged"] for r in assessed)
    used = Counter(name for r in assessed for name in r["assessed"]["modalities"]["used"])
    if cases != len(assessed) + len(skipped):
        raise AssertionError(f"{cases} cases, {len(assessed)} assessed, {len(skipped)} skipped")
    return Counts(
        cases, len(assessed), len(skipped), flagged, len(problems), dict(sorted(used.items()))
    )


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_table(file: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, by rename."""
    _replace(file, _table(columns, rows))


def _manifest(
    counts: Counts,
    cohort: CohortDescription,
    model: Model,
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
        "model": asdict(model.identity),
        "counts": asdict(counts),
        "files": {
            name: {"sha256": canonical.sha256(text.encode())} for name, text in files.items()
        },
        "environment": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            **{package: version(package) for package in _PACKAGES},
        },
    }


def _replace(file: Path, text: str) -> None:
    unfinished = file.with_name(file.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)
