"""A folder of tables and images in the project's own format (docs/cohort-format.md).

Only cases.csv is required. Tables are read whole and grouped once; images are opened one at a time
while `read` is iterated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path

from clinical.case.case import Outcome, Problem
from clinical.cohorts import folder_layout
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading
from clinical.cohorts.folder_case import CasesRead, assemble, decided
from clinical.cohorts.their_words import in_their_words
from clinical.errors import CohortError
from clinical.tables import clock, numbers, pixels, sexes, table
from clinical.tables.case_rows import CaseRows
from clinical.tables.clock import Clock
from clinical.tables.form import Form, Told
from clinical.tables.table import Row, Table, Wanted

NAME = "folder"

LABELS: dict[str, bool | None] = {
    "1": True,
    "1.0": True,
    "true": True,
    "yes": True,
    "0": False,
    "0.0": False,
    "false": False,
    "no": False,
    "": None,
}


def describe(root: Path) -> CohortDescription:
    """What cohort.toml says, with its defaults. Labels are not opened to find diagnoses.

    Raises:
        CohortError: if the folder, cases.csv or cohort.toml cannot be used.
    """
    folder_layout.cases(root)
    return folder_layout.settings(root).description


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each case_id in cases.csv, in file order.

    Raises:
        CohortError: if cases.csv cannot be used.
    """
    cases, _ = folder_layout.cases(root)
    own = [name for name in cases.columns if name and name not in folder_layout.CASES.known]
    return tuple(
        CaseEntry(
            row["case_id"],
            row["patient_id"],
            row["site"],
            row["split"],
            {name: row[name] for name in own},
        )
        for row in table.unique(cases, "case_id")[0]
    )


def read(
    root: Path, wanted: Container[str] | None = None, *, without: Container[str] = ()
) -> Iterator[Reading]:
    """Problems of files first, then each wanted case with what could be used of it.

    Args:
        root: the cohort's folder.
        wanted: case ids; None for all.
        without: tables of inputs to leave closed, with the files that they name.

    Raises:
        CohortError: if the folder, cases.csv or cohort.toml cannot be used.
    """
    settings = folder_layout.settings(root)
    cases, problems = folder_layout.cases(root)
    yield from problems
    rows, repeated = table.unique(cases, "case_id")
    yield from repeated
    how = CasesRead(
        settings.zone, cases.form, folder_layout.sexes_of(cases, settings.told["cases"])
    )
    file, names, known = cases.file, {cases.file: cases.names}, {row["case_id"] for row in rows}
    rows = [row for row in rows if wanted is None or row["case_id"] in wanted]
    del cases  # of a large cohort, only the wanted rows are held
    files: dict[str, str] = {}
    forms: dict[str, Form] = {}
    groups: dict[str, dict[str, list[Row]]] = {}
    for stem in folder_layout.INPUT_TABLES:
        if stem in without:
            continue
        # Likewise, and those of none.
        found, problems = _open(
            root,
            stem,
            settings.told[stem],
            lambda r: wanted is None or r["case_id"] in wanted or r["case_id"] not in known,
        )
        yield from problems
        if found is not None:
            files[stem], forms[stem], names[found.file] = found.file, found.form, found.names
            groups[stem], strays = _grouped(found, known)
            yield from strays
    for row in rows:
        own = {stem: groups[stem].get(row["case_id"], []) for stem in groups}
        case = CaseRows(
            root,
            settings.zone or UTC,
            file,
            row,
            files,
            own,
            forms=forms,
            codes=settings.codes,
        )
        for reading in assemble(case, how):
            yield in_their_words(reading, names)


def notes(root: Path) -> tuple[Problem, ...]:
    """What was found of how the tables are written, and is no fault: one sentence each.

    Raises:
        CohortError: if the folder, cases.csv or cohort.toml cannot be used.
    """
    settings = folder_layout.settings(root)
    cases, _ = folder_layout.cases(root)
    meaning = folder_layout.sexes_of(cases, settings.told["cases"])
    found = [*cases.notes, *(Problem(cases.file, f"{one}.") for one in sexes.said(meaning))]
    for stem in folder_layout.INPUT_TABLES:
        opened, _ = _open(root, stem, settings.told[stem], lambda _: False)
        found += opened.notes if opened else ()
    return tuple(found)


def digests(root: Path) -> dict[str, str]:
    """Case to a SHA-256 of all that `read` makes it from: its rows, its files, and cohort.toml.

    Cheap beside reading: no image is decoded, and rows go past one by one. A case whose digest has
    not changed has not changed.

    Raises:
        CohortError: if the folder, cases.csv or cohort.toml cannot be used.
    """
    settings = folder_layout.settings(root)
    cases, _ = folder_layout.cases(root)
    meaning = folder_layout.sexes_of(cases, settings.told["cases"])
    common = repr((settings, cases.form)).encode()

    def first(row: Row) -> bytes:
        sex = meaning.get(sexes.cell(row["sex"]))
        return hashlib.sha256(common + repr(sex).encode() + _bytes("cases", row)).digest()

    state = {row["case_id"]: first(row) for row in table.unique(cases, "case_id")[0]}
    pictures: dict[str, bytes] = {}

    def add(stem: str, row: Row) -> bool:
        case_id = row["case_id"]
        if case_id in state:
            parts = [state[case_id], _bytes(stem, row)]
            if folder_layout.INPUT_TABLES[stem].paths:
                companions = folder_layout.INPUT_TABLES[stem].companions
                parts.append(_named_file(root, row["path"], companions, pictures))
            state[case_id] = hashlib.sha256(b"\0".join(parts)).digest()
        return False

    forms = []
    for stem in folder_layout.INPUT_TABLES:
        found, _ = _open(root, stem, settings.told[stem], partial(add, stem))
        forms.append(found.form if found else None)
    # What a cell means hangs on its column, and so on the rows of others.
    written = repr(forms).encode()
    state = {name: hashlib.sha256(digest + written).digest() for name, digest in state.items()}
    return {case_id: digest.hex() for case_id, digest in state.items()}


def _bytes(stem: str, row: Row) -> bytes:
    # Where a row stands is no part of it, nor is what an older or newer file has in other columns.
    cells = {name: row[name] for name in row.columns}
    return repr((stem, cells, row.fault and row.fault.reason)).encode("utf-8", "surrogatepass")


def _named_file(
    root: Path,
    path: str,
    companions: Callable[[Path], tuple[Path, ...]],
    known: dict[str, bytes],
) -> bytes:
    """Digest of a file and its companions, once for each; of nothing where there is none."""
    if path not in known:
        file = pixels.inside(root, path)
        state = hashlib.sha256()
        for part in (file, *companions(file)) if file and file.is_file() else ():
            state.update(part.read_bytes() if part.is_file() else b"")
        known[path] = state.digest()
    return known[path]


def outcomes(root: Path) -> Iterator[Outcome]:
    """The rows of outcomes.csv; nothing where there is no such file.

    Raises:
        CohortError: for the first row that cannot be understood. Labels are the yardstick of
            everything else, so none is skipped or guessed.
    """
    cases, _ = folder_layout.cases(root)
    settings = folder_layout.settings(root)
    known = {row["case_id"]: row for row in table.unique(cases, "case_id")[0]}
    declared = {d.name for d in settings.description.diagnoses}
    found = _outcome_table(root, settings.told["outcomes"])
    if found is None:
        return
    seen: set[tuple[str, str]] = set()
    spelt: dict[str, str] = {}
    for row in found.rows:
        problem = row.fault or _label_problem(found.file, row, known, declared, seen, spelt)
        early, watch = None, Clock(UTC, None)
        if problem is None:
            watch = decided(known[row["case_id"]], settings.zone, cases.form)
            early = _early(found, row, watch)
            problem = early if early and early.reason != EARLY else None
        if problem:
            column = f", column {problem.column or 'case_id'}"
            raise CohortError(
                f"{found.file}, row {row.number}{column}: {problem.reason}",
                remedy=problem.remedy,
            )
        seen.add((row["case_id"], row["diagnosis"]))
        value = None if early else LABELS[row["value"].lower()]
        days = None if early else _days_after(found, row, watch)
        yield Outcome(row["case_id"], row["diagnosis"], value, early, days)


EARLY = (
    "the outcome is of before the decision, which it cannot tell anything of; it counts as unknown."
)


def _early(found: Table, row: Row, watch: Clock) -> Problem | None:
    """Why an outcome cannot be used because of its time, or None."""
    if not row["time"] and not row["offset_days"]:
        return None
    if row["offset_days"] and not row["time"]:
        days = clock.number(
            numbers.canonical(row["offset_days"], found.form.number("offset_days"))[0]
        )
        if days is not None and abs(days) <= clock.LONGEST_OFFSET:
            return None if days >= 0 else _of_before(found, row, "offset_days")
    moment = watch.moment(found.file, row, "time", found.form)
    if isinstance(moment, Problem):
        return None if moment.reason == clock.LATE else moment
    return _of_before(found, row, "time") if moment and moment != watch.decision else None


def _days_after(found: Table, row: Row, watch: Clock) -> float | None:
    """Days from the decision to the outcome, or None where nobody says."""
    if row["offset_days"]:
        return clock.number(
            numbers.canonical(row["offset_days"], found.form.number("offset_days"))[0]
        )
    moment = clock.instant(row["time"], watch.zone) if row["time"] else None
    if moment is None or watch.decision is None:
        return None
    return (moment - watch.decision).total_seconds() / 86400


def _of_before(found: Table, row: Row, column: str) -> Problem:
    remedy = "correct the time, or leave the outcome out"
    return Problem(found.file, EARLY, row.number, column, remedy, row["case_id"])


def _outcome_table(root: Path, told: Told) -> Table | None:
    file, _ = folder_layout.find(root, "outcomes")
    if file is None:
        return None
    found = table.demand(table.load(root, file, folder_layout.OUTCOMES, told=told))
    for problem in found.problems:
        # A file that breaks off would otherwise lose labels without a word.
        if problem.column == "":
            table.demand(problem)
    return found


def _label_problem(
    file: str,
    row: Row,
    known: Container[str],
    declared: set[str],
    seen: set[tuple[str, str]],
    spelt: dict[str, str],
) -> Problem | None:
    if row["case_id"] not in known:
        return Problem(
            file, "the case is not in cases.csv.", row.number, "case_id", "correct or remove it"
        )
    if not row["diagnosis"] or (declared and row["diagnosis"] not in declared):
        reason = "the diagnosis is empty or not declared in cohort.toml."
        return Problem(file, reason, row.number, "diagnosis", "declare it, or correct the row")
    if spelt.setdefault(row["diagnosis"].casefold(), row["diagnosis"]) != row["diagnosis"]:
        reason = "the diagnosis is that of a row above in other letters."
        return Problem(file, reason, row.number, "diagnosis", "spell it in one way")
    if row["value"].lower() not in LABELS:
        reason = "the value is not 1, 0 or empty."
        return Problem(file, reason, row.number, "value", "write 1, 0, or nothing for unknown")
    if (row["case_id"], row["diagnosis"]) in seen:
        reason = "the case already has a value for this diagnosis."
        return Problem(file, reason, row.number, "diagnosis", "keep one of the rows")
    return None


def _open(
    root: Path, stem: str, told: Told, wanted: Wanted | None = None
) -> tuple[Table | None, tuple[Problem, ...]]:
    """A table of inputs if it is there and can be used, and the problems of its file."""
    file, problems = folder_layout.find(root, stem)
    if file is None:
        return None, ()
    found = table.load(root, file, folder_layout.TABLES[stem], wanted, told)
    if isinstance(found, Problem):
        return None, (*problems, found)
    return found, (*problems, *found.problems)


def _grouped(found: Table, known: set[str]) -> tuple[dict[str, list[Row]], list[Problem]]:
    """Rows by case, and a problem for each row of no known case."""
    groups: dict[str, list[Row]] = {}
    strays: list[Problem] = []
    for row in found.rows:
        if row["case_id"] in known:
            groups.setdefault(row["case_id"], []).append(row)
        else:
            reason = "the case is not in cases.csv; the row is not used."
            remedy = "correct the case_id, or add the case to cases.csv"
            stray = Problem(found.file, reason, row.number, "case_id", remedy)
            strays.append(row.fault or stray)
    return groups, strays
