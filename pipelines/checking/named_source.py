"""A check of a published set in its own layout, through the reader that this project has for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Array
from clinical.cohorts.cohort import CaseEntry
from clinical.cohorts.sources import cases_at_once, source
from clinical.modalities.ecg.tracing import AXES as ECG
from clinical.modalities.kit import arrays, read_by
from clinical.tables.clock import Clock
from pipelines.checking import codes, images, measurements, people, tracings
from pipelines.checking.columns import columns_of
from pipelines.checking.findings import shown
from pipelines.checking.folder_cohort import Options
from pipelines.checking.found import CheckFound, NotesFound, left_out
from pipelines.checking.images import Film, FilmFound
from pipelines.checking.measurements import Value
from pipelines.checking.people import NOT_LOOKED_AT, Listed
from pipelines.checking.raw_table import RawTable, is_table, opened
from pipelines.checking.tables_found import TableFound, table_found
from pipelines.checking.tracings import TracingFound
from pipelines.jobs.workers import in_order

IMAGE = ("row", "column")


class _Task(NamedTuple):
    """Cases to read."""

    name: str
    root: Path
    case_ids: frozenset[str]
    text: bool


@dataclass(frozen=True)
class _Read:
    """What came of a few cases."""

    read: int
    skipped: int
    problems: tuple[Problem, ...]
    values: tuple[Value, ...]
    films: tuple[FilmFound, ...]
    tracings: tuple[TracingFound, ...]
    codes: tuple[tuple[str, bool], ...]
    """Each with whether the patient is said not to have it."""
    notes: tuple[tuple[str, int], ...]
    persons: tuple[tuple[str, str, str], ...]


def check(name: str, root: Path, options: Options) -> CheckFound:
    """Read a set, or as many of its cases as images are asked for, evenly spaced.

    Raises:
        CohortError: if it cannot be read at all.
    """
    reader = source(name)
    entries = reader.index(root)
    chosen = _evenly(entries, options.images)
    parts = list(_parts(name, root, chosen, options))
    if not any(part.films for part in parts):
        others = [entry for entry in entries if entry not in chosen]
        parts += _parts(name, root, others, options)
    problems = [one for one in reader.read(root, frozenset()) if isinstance(one, Problem)]
    problems += [one for part in parts for one in part.problems]
    measured = measurements.measured(value for part in parts for value in part.values)
    pictures = images.summed([film for part in parts for film in part.films])
    recordings = tracings.summed([one for part in parts for one in part.tracings])
    told = {who: (sex, age) for part in parts for who, sex, age in part.persons}
    whom = people.people(_listed(entries, told), reader.outcomes(root))
    history = tuple(_history(parts))
    findings = [
        *people.findings(whom),
        *measurements.findings(measured),
        *images.findings(pictures),
        *tracings.findings(recordings),
        *(one for found in history for one in codes.findings(found)),
    ]
    return CheckFound(
        root.resolve().name,
        name,
        len(entries),
        sum(part.read for part in parts),
        sum(part.skipped for part in parts),
        tuple(_tables(root)),
        measured,
        whom,
        history,
        tuple(_notes(parts)),
        images=pictures,
        tracings=recordings,
        left_out=left_out(problems),
        findings=tuple(sorted(findings, key=lambda one: one.level)),
    )


def _evenly(entries: Sequence[CaseEntry], most: int) -> list[CaseEntry]:
    if len(entries) <= most:
        return list(entries)
    return [entries[int(n * len(entries) / most)] for n in range(most)]


def _parts(name: str, root: Path, chosen: Sequence[CaseEntry], options: Options) -> Iterator[_Read]:
    size = cases_at_once(name)
    tasks = [
        _Task(
            name,
            root,
            frozenset(entry.case_id for entry in chosen[at : at + size]),
            options.text,
        )
        for at in range(0, len(chosen), size)
    ]
    done = 0
    for task, part in zip(tasks, in_order(_read, tasks, options.jobs), strict=True):
        done += len(task.case_ids)
        options.progress("cases", done, len(chosen))
        yield part


def _read(task: _Task) -> _Read:
    read = skipped = 0
    problems: list[Problem] = []
    values: list[Value] = []
    films: list[FilmFound] = []
    recorded: list[TracingFound] = []
    told: list[tuple[str, bool]] = []
    notes: list[tuple[str, int]] = []
    persons: list[tuple[str, str, str]] = []
    for one in source(task.name).read(task.root, task.case_ids):
        if isinstance(one, SkippedCase):
            skipped += 1
            problems.append(one.problem)
        elif isinstance(one, Case):
            read += 1
            problems += one.problems
            for _, array in arrays(one):
                if array.axes == IMAGE:
                    films.append(_film(one, array, text=task.text))
                elif array.axes == ECG:
                    found = TracingFound(one.patient_id)
                    recorded.append(tracings.read_whole(found, array))
            for kit, _, value in read_by(one):
                values += [
                    Value(
                        one.case_id,
                        item.name,
                        item.raw_value,
                        item.raw_unit,
                        str(item.time or ""),
                        table="measurements",
                    )
                    for item in kit.measured(value)
                ]
                told += [(event.code, not event.present) for event in kit.coded(value)]
                notes += [(text.section, len(text.text)) for text in kit.written(value)]
                who = kit.person(value)
                if who.sex or who.age_years is not None:
                    age = "" if who.age_years is None else f"{who.age_years:g}"
                    persons.append((one.case_id, who.sex or "", age))
    return _Read(
        read,
        skipped,
        tuple(problems),
        tuple(values),
        tuple(films),
        tuple(recorded),
        tuple(told),
        tuple(notes),
        tuple(persons),
    )


def _film(case: Case, image: Array, *, text: bool) -> FilmFound:
    keys = {
        "TransferSyntaxUID": "Transfer Syntax UID",
        "format": "Format",
        "PhotometricInterpretation": "Photometric Interpretation",
        "Modality": "Modality",
    }
    header = {name: image.source[key] for key, name in keys.items() if key in image.source}
    film = Film(Path(), case.patient_id, clock=Clock(UTC, case.decision_time), text=text)
    return images.read_whole(FilmFound(case.patient_id, "", header=header), image, film)


def _listed(entries: Sequence[CaseEntry], told: dict[str, tuple[str, str]]) -> Listed:
    persons = [told.get(entry.case_id, (NOT_LOOKED_AT, "")) for entry in entries]
    return Listed(
        [entry.case_id for entry in entries],
        [entry.patient_id for entry in entries],
        [entry.site for entry in entries],
        [entry.split for entry in entries],
        [sex for sex, _ in persons],
        [age for _, age in persons],
    )


def _history(parts: Sequence[_Read]) -> Iterator[codes.CodesFound]:
    told = [code for part in parts for code in part.codes]
    if told:
        written, denials = zip(*told, strict=True)
        yield codes.of("history", written, denials=denials)


def _notes(parts: Sequence[_Read]) -> Iterator[NotesFound]:
    told = [note for part in parts for note in part.notes]
    if told:
        lengths = Counter(size for _, size in told)
        sections = shown(Counter(section for section, _ in told), lambda _: False)
        spread = measurements.quantiles([(float(size), n) for size, n in lengths.items()])
        yield NotesFound("notes", len(told), sections, spread)


def _tables(root: Path) -> Iterator[TableFound]:
    for path in sorted(root.glob("*")):
        if is_table(path):
            raw = opened(root, path)
            if isinstance(raw, RawTable):
                yield table_found(raw, columns_of(raw))
