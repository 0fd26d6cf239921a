"""A check of a cohort in the folder format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Sex
from clinical.cohorts import folder, folder_layout
from clinical.cohorts.folder_case import decided
from clinical.cohorts.folder_layout import FolderSettings
from clinical.errors import CohortError
from clinical.modalities.history.rows import PRESENT
from clinical.modalities.radiograph.rows import PHOTOMETRIC
from clinical.tables import clock, pixels, sexes
from clinical.tables.clock import Clock
from clinical.tables.form import PLAIN
from clinical.tables.table import Row
from pipelines.checking import codes, images, measurements, people, proposal, times, tracings
from pipelines.checking.findings import Finding, shown
from pipelines.checking.folder_tables import (
    FolderTables,
    decisions,
    folder_tables,
    timed_columns,
)
from pipelines.checking.found import CheckFound, NotesFound, left_out
from pipelines.checking.images import Film, ImagesFound
from pipelines.checking.many_files import sampled
from pipelines.checking.measurements import Value
from pipelines.checking.people import Listed
from pipelines.checking.raw_table import RawTable
from pipelines.checking.reader_words import to_decide
from pipelines.checking.tables_found import findings as table_findings
from pipelines.checking.tracings import Tracing, TracingsFound

Progress = Callable[[str, int, int], None]
"""Told what is done, how far, and out of how many."""


@dataclass(frozen=True)
class Options:
    """How thoroughly to look.

    Attributes:
        images: how many images, and how many electrocardiograms, are read whole; of all other
            images, only the header is.
        text: whether text is looked for in the pixels of images that are read (extra `ocr`).
        jobs: processes.
        progress: is told how far the work is.
    """

    images: int = 200
    text: bool = False
    jobs: int = 1
    progress: Progress = lambda *_: None


def check(root: Path, options: Options) -> CheckFound:
    """Look at a cohort in the folder format.

    Raises:
        CohortError: if it cannot be read at all.
    """
    settings = folder_layout.settings(root)
    tables = folder_tables(root, settings)
    read, skipped, told = _read(root, tables)
    measured = measurements.measured(_values(tables), settings.codes)
    whom = people.people(_listed(tables), _outcomes(root, told))
    timed = tuple(_times(tables, settings))
    history = tuple(_codes(tables))
    pictures = _images(root, tables, settings, options)
    recordings = _tracings(root, tables, settings, options)
    reported = left_out(told)
    findings = [
        *to_decide(reported),
        *_of_tables(tables),
        *people.findings(whom),
        *measurements.findings(measured),
        *(one for found in timed for one in times.findings(found)),
        *(one for found in history for one in codes.findings(found)),
        *images.findings(pictures),
        *tracings.findings(recordings),
    ]
    return CheckFound(
        root.resolve().name,
        folder.NAME,
        whom.cases,
        read,
        skipped,
        tuple(tables.found.values()),
        measured,
        whom,
        history,
        tuple(_notes(tables)),
        timed,
        pictures,
        recordings,
        written=_written(tables, settings),
        left_out=reported,
        findings=tuple(sorted(findings, key=lambda one: one.level)),
        proposal=proposal.for_cohort(tables, measured, findings, _sexes(tables, settings)),
    )


def _written(tables: FolderTables, settings: FolderSettings) -> tuple[str, ...]:
    meant = (f"{tables.file('cases')}: {one}." for one in sexes.said(_sexes(tables, settings)))
    return (*(f"{one.file}: {one.reason}" for one in tables.notes), *meant)


def _read(root: Path, tables: FolderTables) -> tuple[int, int, list[Problem]]:
    """Cases that can be read, cases that cannot, and what the reader says; files stay closed."""
    named = [stem for stem, table in folder_layout.INPUT_TABLES.items() if table.paths]
    with_files = {case for stem in named for case in tables.column(stem, "case_id")}
    read = skipped = 0
    # Tables that stay closed have their problems as well.
    told = [tables.refused[stem] for stem in named if stem in tables.refused]
    for one in folder.read(root, without=named):
        if isinstance(one, Case):
            read += 1
            told += one.problems
        elif isinstance(one, Problem):
            told.append(one)
        elif isinstance(one, SkippedCase) and one.case_id in with_files:
            read += 1
            if not one.problem.reason.startswith("no image"):
                told.append(one.problem)
        else:
            skipped += 1
            told.append(one.problem)
    return read, skipped, told


def _values(tables: FolderTables) -> Iterator[Value]:
    names = ("case_id", "code", "unit", "time", "specimen")
    if "measurements" in tables.read:
        case, code, unit, time, specimen = (tables.column("measurements", name) for name in names)
        days = tables.numbers("measurements", "offset_days")
        cells = (code, tables.numbers("measurements", "value"), unit, time, days, specimen)
        file = tables.file("measurements")
        for who, name, value, unit_, moment, offset, where in zip(case, *cells, strict=True):
            yield Value(who, name, value, unit_, moment or offset, where, file)


def _listed(tables: FolderTables) -> Listed:
    names = ("case_id", "patient_id", "site", "split", "sex", "age_years")
    return Listed(*(tables.column("cases", name) for name in names))


def _outcomes(root: Path, told: list[Problem]) -> list[Outcome]:
    """The outcomes; what cannot be read of them goes to `told`."""
    try:
        found = list(folder.outcomes(root))
    except CohortError as error:
        told.append(
            Problem("outcomes.csv", f"No outcome is read. {error.message}", 1, "", error.remedy)
        )
        return []
    told += [one.problem for one in found if one.problem]
    return found


def _times(tables: FolderTables, settings: FolderSettings) -> Iterator[times.TimesFound]:
    known = decisions(tables)
    orders = tables.forms.get("cases", PLAIN).order("decision_time")
    for stem, name in timed_columns(tables):
        yield times.of(
            (tables.file(stem), name),
            zip(tables.column(stem, "case_id"), tables.column(stem, name), strict=True),
            tables.forms.get(stem, PLAIN).order(name),
            times.Decisions(known, orders, settings.zone),
        )
    for stem, one in tables.read.items():
        if "offset_days" in one.names and stem != "outcomes":
            yield times.offsets(one.file, tables.numbers(stem, "offset_days"))


def _codes(tables: FolderTables) -> Iterator[codes.CodesFound]:
    if "history" in tables.read:
        written, systems, onsets, said = (
            tables.column("history", name) for name in ("code", "code_system", "onset", "present")
        )
        denials = [PRESENT.get(cell.lower()) is False for cell in said]
        yield codes.of(tables.file("history"), written, systems, onsets, denials)


def _notes(tables: FolderTables) -> Iterator[NotesFound]:
    if "notes" in tables.read:
        yield notes_of(tables.read["notes"], "section", "text")


def notes_of(raw: RawTable, section: str, text: str) -> NotesFound:
    """Sections and lengths of free text; no text is kept."""
    lengths = Counter(len(cell) for cell in raw.column(text) if cell)
    sections = shown(Counter(cell for cell in raw.column(section) if cell), lambda _: False)
    told = measurements.quantiles([(float(size), n) for size, n in lengths.items()])
    return NotesFound(raw.file, lengths.total(), sections, told)


def _images(
    root: Path, tables: FolderTables, settings: FolderSettings, options: Options
) -> ImagesFound:
    if "images" not in tables.read:
        return ImagesFound()
    films = sampled(list(_films(root, tables, settings, text=options.text)), options.images)

    def done(number: int) -> None:
        options.progress("images", number, len(films))

    return images.looked_at(films, options.jobs, done)


@dataclass(frozen=True)
class _Person:
    """What the table of cases says of whom an image shows."""

    patient: str
    sex: Sex | None
    age_years: float | None
    clock: Clock


def _persons(tables: FolderTables, settings: FolderSettings) -> Mapping[str, _Person]:
    form, meaning = tables.forms.get("cases", PLAIN), _sexes(tables, settings)
    names = ("case_id", "patient_id", "decision_time", "sex", "age_years")
    columns = {name: at for at, name in enumerate(names)}
    found = {}
    for cells in zip(*(tables.column("cases", name) for name in names), strict=True):
        row = Row(0, cells, columns)
        sex = meaning.get(sexes.cell(row["sex"]))
        found[row["case_id"]] = _Person(
            row["patient_id"],
            "female" if sex == "female" else "male" if sex == "male" else None,
            clock.number(row["age_years"]),
            decided(row, settings.zone, form),
        )
    return found


def _sexes(tables: FolderTables, settings: FolderSettings) -> sexes.Meaning:
    return sexes.meaning(tables.column("cases", "sex"), settings.told["cases"].sexes)


def _films(
    root: Path, tables: FolderTables, settings: FolderSettings, *, text: bool
) -> Iterator[Film]:
    persons = _persons(tables, settings)
    nobody = _Person("", None, None, Clock(settings.zone or UTC, None))
    names = ("case_id", "path", "view", "photometric", "time", "role")
    columns = [tables.column("images", name) for name in names]
    for case, path, view, photometric, time, role in zip(*columns, strict=True):
        who = persons.get(case, nobody)
        yield Film(
            pixels.inside(root, path) or root / "(outside)",
            who.patient,
            view=view,
            photometric=PHOTOMETRIC.get(photometric.upper()),
            sex=who.sex,
            # The patient was younger when an image of an earlier visit was taken.
            age_years=None if role else who.age_years,
            clock=who.clock,
            timed=bool(time),
            expected=who.patient or None,
            text=text,
        )


def _tracings(
    root: Path, tables: FolderTables, settings: FolderSettings, options: Options
) -> TracingsFound:
    if "ecgs" not in tables.read:
        return TracingsFound()
    persons = _persons(tables, settings)
    nobody = _Person("", None, None, Clock(settings.zone or UTC, None))
    names = ("case_id", "path", "rate", "unit", "time", "offset_days")
    files = []
    for case, path, rate, unit, time, days in zip(
        *(tables.column("ecgs", name) for name in names), strict=True
    ):
        who = persons.get(case, nobody)
        files.append(
            Tracing(
                pixels.inside(root, path) or root / "(outside)",
                who.patient,
                rate,
                unit,
                clock=who.clock,
                timed=bool(time or days),
                expected=who.patient or None,
            )
        )

    def done(number: int) -> None:
        options.progress("electrocardiograms", number, len(files))

    return tracings.looked_at(sampled(files, options.images), options.jobs, done)


def _of_tables(tables: FolderTables) -> Iterator[Finding]:
    for lost in tables.unopened:
        yield Finding(
            "decide", lost.file, f"The table cannot be opened: {lost.reason}.", lost.remedy
        )
    for stem, found in tables.found.items():
        # What the reader has decided, or asks about by itself, is not asked again.
        decided_on = tables.forms.get(stem, PLAIN).numbers
        columns = tuple(
            replace(column, form="")
            if column.ours in decided_on or column.ours.endswith("_id")
            else column
            for column in found.columns
        )
        yield from table_findings(tables.raw[stem], replace(found, columns=columns))
