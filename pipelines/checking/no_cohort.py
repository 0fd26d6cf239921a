"""A check of files that are no cohort yet: tables under other names, images, FHIR resources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clinical.dicom import sniff
from clinical.errors import ImageError
from pipelines.checking import codes, fhir, images, measurements, people, proposal, tracings
from pipelines.checking.columns import columns_of
from pipelines.checking.dictionary import Dictionary, dictionaries
from pipelines.checking.findings import Finding, ranked
from pipelines.checking.folder_cohort import Options, notes_of
from pipelines.checking.found import NO_COHORT, CheckFound, NotesFound
from pipelines.checking.images import Film, ImagesFound
from pipelines.checking.many_files import sampled
from pipelines.checking.measurements import MeasurementsFound, Value
from pipelines.checking.people import Listed, PeopleFound
from pipelines.checking.raw_table import RawTable, Unopened, is_table, opened
from pipelines.checking.tables_found import TableFound, findings, recognised, values
from pipelines.checking.tracings import Tracing, TracingsFound


@dataclass(frozen=True)
class _Files:
    """Files below a folder, by what they are."""

    tables: list[Path]
    json: list[Path]
    images: list[Path]
    tracings: list[Path]
    others: list[Path]


def check(root: Path, options: Options, told: Sequence[Finding] = ()) -> CheckFound:
    """Look at whatever lies below a folder.

    Args:
        root: the folder, or one file.
        options: how thoroughly.
        told: what kept it from being read as a cohort.
    """
    files = _sorted(root)
    base = root if root.is_dir() else root.parent
    raw: list[tuple[RawTable, TableFound]] = []
    lost: list[Unopened] = []
    for number, path in enumerate(files.tables, start=1):
        one = opened(base, path)
        if isinstance(one, Unopened):
            lost.append(one)
        else:
            raw.append((one, recognised(one, columns_of(one))))
        options.progress("tables", number, len(files.tables))
    known = dictionaries([one for one, _ in raw])
    raw = [(one, known.applied(one, found)) for one, found in raw]
    told_of, observed = fhir.read(files.json)
    measured = measurements.measured(_values(raw, observed, known), known.codes, known.labels)
    pictures = _images(files.images, options)
    samples = [base / one.file for one, _ in raw if tracings.are_samples(one.names)]
    recordings = _tracings([*files.tracings, *samples], options)
    history = tuple(_codes(raw, known))
    found = CheckFound(
        base.resolve().name if root.is_dir() else root.stem,
        NO_COHORT,
        tables=tuple(found for _, found in raw),
        measurements=measured,
        people=_people(raw),
        codes=history,
        notes=tuple(_notes(raw)),
        images=pictures,
        tracings=recordings,
        resources=told_of,
        other_files=ranked(Counter(path.suffix.lower() or "no ending" for path in files.others)),
        proposal=proposal.for_tables([found for _, found in raw], measured, known),
    )
    told = [*(told or [_no_cases(root)]), *_findings(raw, lost, measured, pictures, found.people)]
    told += tracings.findings(recordings)
    told += [one for found_codes in history for one in codes.findings(found_codes)]
    return replace(found, findings=tuple(sorted(told, key=lambda one: one.level)))


def _no_cases(root: Path) -> Finding:
    inside = [path.parent for path in root.glob("*/cases.*") if is_table(path)]
    remedy = "write cases.csv, with one row for each decision (docs/cohort-format.md)"
    if len(inside) == 1:
        remedy = f"or is the folder {inside[0].name} meant, which has a cases.csv?"
    return Finding(
        "decide",
        "cases.csv",
        "It is not a cohort yet: nothing says what one case is, and when its decision was needed.",
        remedy,
    )


def _sorted(root: Path) -> _Files:
    found = _Files([], [], [], [], [])
    paths = [root] if root.is_file() else sorted(root.rglob("*"))
    for path in paths:
        if not path.is_file() or path.name.startswith("."):
            continue
        if is_table(path):
            found.tables.append(path)
        elif path.suffix.lower() == ".json":
            found.json.append(path)
        elif path.suffix.lower() == tracings.ENDING or _is_waveform(path):
            found.tracings.append(path)
        elif path.suffix.lower() in images.ENDINGS or _is_image(path):
            found.images.append(path)
        else:
            found.others.append(path)
    return found


def _is_image(path: Path) -> bool:
    try:
        sniff.kind_of(_head(path))
    except ImageError:
        return False
    return True


def _is_waveform(path: Path) -> bool:
    return sniff.is_waveform(_head(path))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(sniff.HEAD)
    except OSError:
        return b""


def _values(
    raw: Sequence[tuple[RawTable, TableFound]], observed: Sequence[Value], known: Dictionary
) -> Iterator[Value]:
    for one, found in raw:
        if found.role == "measurements" and one.file not in known.files:
            yield from values(one, found)
    yield from observed


def _images(paths: Sequence[Path], options: Options) -> ImagesFound:
    if not paths:
        return ImagesFound()
    films = sampled([Film(path, text=options.text) for path in paths], options.images)

    def done(number: int) -> None:
        options.progress("images", number, len(films))

    return images.looked_at(films, options.jobs, done)


def _tracings(paths: Sequence[Path], options: Options) -> TracingsFound:
    files = sampled([Tracing(path) for path in paths], options.images)

    def done(number: int) -> None:
        options.progress("electrocardiograms", number, len(files))

    return tracings.looked_at(files, options.jobs, done)


def _codes(
    raw: Sequence[tuple[RawTable, TableFound]], known: Dictionary
) -> Iterator[codes.CodesFound]:
    for one, found in raw:
        if found.role == "history" and one.file not in known.files:
            column = found.mapping["code"]
            # "icd9_code" and "icd10" say the system themselves.
            stated = re.search(r"icd\W?(9|10|11)", column, re.IGNORECASE)
            system = [f"ICD-{stated[1]}"] * one.rows if stated else []
            yield codes.of(one.file, one.column(column), system)


def _notes(raw: Sequence[tuple[RawTable, TableFound]]) -> Iterator[NotesFound]:
    for one, found in raw:
        if found.role == "notes":
            yield notes_of(one, found.mapping.get("section", ""), found.mapping["text"])


def _people(raw: Sequence[tuple[RawTable, TableFound]]) -> PeopleFound:
    """The people of the table that seems to list them: of several, the one with the most."""
    listed = [
        (one, found)
        for one, found in raw
        if found.mapping.keys() & {"sex", "age_years"}
        and found.mapping.keys() & {"case_id", "patient_id"}
    ]
    if not listed:
        return PeopleFound()
    one, found = max(listed, key=lambda pair: (len(pair[1].mapping), pair[0].rows))
    ours = ("case_id", "patient_id", "site", "split", "sex", "age_years")
    columns = {name: one.column(found.mapping.get(name, name)) for name in ours}
    if not any(columns["case_id"]):
        columns["case_id"] = columns["patient_id"]
    return people.people(Listed(*columns.values()))


def _findings(
    raw: Sequence[tuple[RawTable, TableFound]],
    lost: Sequence[Unopened],
    measured: MeasurementsFound,
    pictures: ImagesFound,
    whom: PeopleFound,
) -> Iterator[Finding]:
    for table in lost:
        yield Finding(
            "decide", table.file, f"The table cannot be opened: {table.reason}.", table.remedy
        )
    for one, found in raw:
        yield from findings(one, found)
    yield from _offsets([found for _, found in raw])
    yield from people.findings(whom)
    yield from measurements.findings(measured)
    yield from images.findings(pictures)


def _offsets(tables: Sequence[TableFound]) -> Iterator[Finding]:
    """Times as distances from a moment that no table names."""
    told = [
        f"{found.file} ({', '.join(names)})"
        for found in tables
        if found.role in ("measurements", "history", "notes") and "time" not in found.mapping
        if (names := [c.name for c in found.columns if "offset" in c.name.lower()])
    ]
    if told:
        yield Finding(
            "decide",
            "times",
            "They are distances from some moment, in a unit that is not stated:"
            f" {', '.join(told)}.",
            "make offset_days of them: days from the decision, negative before it",
        )
