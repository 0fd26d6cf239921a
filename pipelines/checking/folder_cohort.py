"""A check of a cohort in the folder format."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.cohorts import folder, folder_layout
from clinical.cohorts.folder_layout import FolderSettings
from clinical.errors import CohortError
from clinical.modalities.radiograph.rows import PHOTOMETRIC
from clinical.tables import clock, demographics, pixels
from clinical.tables.clock import Clock
from pipelines.checking import codes, images, measurements, people, proposal, times
from pipelines.checking.columns import ColumnFound, columns_of
from pipelines.checking.findings import Finding, shown
from pipelines.checking.found import CheckFound, NotesFound, left_out
from pipelines.checking.images import Film, ImagesFound
from pipelines.checking.people import Listed
from pipelines.checking.raw_table import RawTable, Unopened, opened
from pipelines.checking.tables_found import TableFound, table_found, values
from pipelines.checking.tables_found import findings as table_findings

Progress = Callable[[str, int, int], None]
"""Told what is done, how far, and out of how many."""


@dataclass(frozen=True)
class Options:
    """How thoroughly to look.

    Attributes:
        images: how many images are read whole; of all others, only the header is.
        jobs: processes.
        progress: is told how far the work is.
    """

    images: int = 200
    jobs: int = 1
    progress: Progress = lambda *_: None


@dataclass(frozen=True)
class _Tables:
    """The tables of a cohort as they lie there, by their name in the format."""

    raw: Mapping[str, RawTable]
    found: Mapping[str, TableFound]
    unopened: tuple[Unopened, ...]


def check(root: Path, options: Options) -> CheckFound:
    """Look at a cohort in the folder format.

    Raises:
        CohortError: if it cannot be read at all.
    """
    settings = folder_layout.settings(root)
    tables = _tables(root)
    read, skipped, told = _read(root, tables.raw)
    cases = tables.raw.get("cases")
    decisions = _decisions(cases)
    measured = measurements.measured(_values(tables), settings.codes)
    whom = people.people(_listed(cases), _outcomes(root, told))
    timed = tuple(_times(tables, decisions, settings))
    history = tuple(_codes(tables))
    pictures = _images(root, tables, settings, options)
    findings = [
        *_of_tables(tables),
        *_of_outcomes(told),
        *people.findings(whom),
        *measurements.findings(measured),
        *(
            one
            for found in timed
            for one in times.findings(found, zone_stated="time_zone" in settings.stated)
        ),
        *(one for found in history for one in codes.findings(found)),
        *images.findings(pictures),
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
        left_out=left_out(told),
        findings=tuple(sorted(findings, key=lambda one: one.level)),
        proposal=proposal.for_cohort(tables.found, measured, findings),
    )


def _tables(root: Path) -> _Tables:
    raw: dict[str, RawTable] = {}
    found: dict[str, TableFound] = {}
    unopened = []
    columns = {
        "cases": folder_layout.CASES,
        "outcomes": folder_layout.OUTCOMES,
        **{stem: table.columns for stem, table in folder_layout.INPUT_TABLES.items()},
    }
    for stem, ours in columns.items():
        file, _ = folder_layout.find(root, stem)
        if file is None:
            continue
        one = opened(root, root / file)
        if isinstance(one, Unopened):
            unopened.append(one)
        else:
            raw[stem] = one
            found[stem] = table_found(one, columns_of(one, ours.known), stem)
    return _Tables(raw, found, tuple(unopened))


def _read(root: Path, raw: Mapping[str, RawTable]) -> tuple[int, int, list[Problem]]:
    """Cases that can be read, cases that cannot, and what the reader says; files stay closed."""
    named = [stem for stem, table in folder_layout.INPUT_TABLES.items() if table.paths]
    with_files = {case for stem in named if stem in raw for case in raw[stem].column("case_id")}
    read = skipped = 0
    told: list[Problem] = []
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


def _decisions(cases: RawTable | None) -> dict[str, str]:
    if cases is None:
        return {}
    return dict(zip(cases.column("case_id"), cases.column("decision_time"), strict=True))


def _values(tables: _Tables) -> Iterator[measurements.Value]:
    if "measurements" in tables.raw:
        yield from values(tables.raw["measurements"], tables.found["measurements"])


def _listed(cases: RawTable | None) -> Listed:
    if cases is None:
        return Listed((), ())
    names = ("case_id", "patient_id", "site", "split", "sex", "age_years")
    return Listed(*(cases.column(name) for name in names))


def _outcomes(root: Path, told: list[Problem]) -> list[Outcome]:
    """The outcomes; what cannot be read of them goes to `told`."""
    try:
        return list(folder.outcomes(root))
    except CohortError as error:
        told.append(Problem("outcomes.csv", error.message, remedy=error.remedy))
        return []


def _of_outcomes(told: Sequence[Problem]) -> Iterator[Finding]:
    for one in told:
        if one.file == "outcomes.csv":
            yield Finding(
                "decide",
                "outcomes.csv",
                f"No outcome is read: {one.reason}",
                one.remedy,
            )


def _times(
    tables: _Tables, decisions: Mapping[str, str], settings: FolderSettings
) -> Iterator[times.TimesFound]:
    for stem, raw in tables.raw.items():
        for column in ("time", "onset"):
            if column in raw.names and stem != "cases":
                cases, cells = raw.column("case_id"), raw.column(column)
                yield times.of(raw.file, column, cases, cells, decisions, settings.zone)
        if "offset_days" in raw.names:
            yield times.offsets(raw.file, raw.column("offset_days"))


def _codes(tables: _Tables) -> Iterator[codes.CodesFound]:
    if "history" in tables.raw:
        raw = tables.raw["history"]
        yield codes.of(raw.file, raw.column("code"), raw.column("code_system"), raw.column("onset"))


def _notes(tables: _Tables) -> Iterator[NotesFound]:
    if "notes" in tables.raw:
        raw = tables.raw["notes"]
        yield notes_of(raw, "section", "text")


def notes_of(raw: RawTable, section: str, text: str) -> NotesFound:
    """Sections and lengths of free text; no text is kept."""
    lengths = Counter(len(cell) for cell in raw.column(text) if cell)
    sections = shown(Counter(cell for cell in raw.column(section) if cell), lambda _: False)
    told = measurements.quantiles([(float(size), n) for size, n in lengths.items()])
    return NotesFound(raw.file, lengths.total(), sections, told)


def _images(root: Path, tables: _Tables, settings: FolderSettings, options: Options) -> ImagesFound:
    if "images" not in tables.raw:
        return ImagesFound()
    films = images.sampled(list(_films(root, tables, settings)), options.images)

    def done(number: int) -> None:
        options.progress("images", number, len(films))

    return images.looked_at(films, options.jobs, done)


def _films(root: Path, tables: _Tables, settings: FolderSettings) -> Iterator[Film]:
    raw, cases = tables.raw["images"], tables.raw.get("cases")
    names = ("case_id", "patient_id", "decision_time", "sex", "age_years")
    told: dict[str, dict[str, str]] = defaultdict(dict)
    if cases is not None:
        for row in zip(*(cases.column(name) for name in names), strict=True):
            told[row[0]] = dict(zip(names, row, strict=True))
    columns = ("case_id", "path", "view", "photometric", "time")
    for case, path, view, photometric, time in zip(*map(raw.column, columns), strict=True):
        about = told[case]
        decision = about.get("decision_time", "")
        yield Film(
            pixels.inside(root, path) or root / "(outside)",
            about.get("patient_id", ""),
            view=view,
            photometric=PHOTOMETRIC.get(photometric.upper()),
            sex=demographics.SEXES.get(about.get("sex", "").lower()),
            age_years=clock.number(about.get("age_years", "")),
            clock=Clock(
                settings.zone, clock.instant(decision, settings.zone) if decision else None
            ),
            timed=bool(time),
            expected=about.get("patient_id") or None,
        )


def _of_tables(tables: _Tables) -> Iterator[Finding]:
    for lost in tables.unopened:
        yield Finding("decide", lost.file, f"The table cannot be opened: {lost.reason}.")
    for stem, found in tables.found.items():
        yield from table_findings(tables.raw[stem], found)
        yield from times.unread(found.file, found.columns, _known(stem))
        yield from (one for column in found.columns for one in _unknown(found.file, column))


def _known(stem: str) -> tuple[str, ...]:
    if stem in folder_layout.INPUT_TABLES:
        return folder_layout.INPUT_TABLES[stem].columns.known
    return {"cases": folder_layout.CASES, "outcomes": folder_layout.OUTCOMES}[stem].known


def _unknown(file: str, column: ColumnFound) -> Iterator[Finding]:
    if column.near and column.filled:
        yield Finding(
            "decide",
            f"{file}, column {column.name}",
            f"The column is not read, and seems to be {column.near}.",
            "rename it, or map it in [columns]",
            column.filled,
        )
