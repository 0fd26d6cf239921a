"""A folder of tables and images in the project's own format (docs/cohort-format.md).

Only cases.csv is required. Tables are read whole and grouped once; images are opened one at a time
while `read` is iterated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from functools import partial
from pathlib import Path

from clinical.case.case import Outcome, Problem
from clinical.cohorts import folder_layout
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading
from clinical.cohorts.folder_case import assemble
from clinical.errors import CohortError
from clinical.tables import pixels, table
from clinical.tables.case_rows import CaseRows
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
    file, known = cases.file, {row["case_id"] for row in rows}
    rows = [row for row in rows if wanted is None or row["case_id"] in wanted]
    del cases  # of a large cohort, only the wanted rows are held
    files: dict[str, str] = {}
    groups: dict[str, dict[str, list[Row]]] = {}
    for stem in folder_layout.INPUT_TABLES:
        if stem in without:
            continue
        # Likewise, and those of none.
        found, problems = _open(
            root,
            stem,
            lambda r: wanted is None or r["case_id"] in wanted or r["case_id"] not in known,
        )
        yield from problems
        if found is not None:
            files[stem] = found.file
            groups[stem], strays = _grouped(found, known)
            yield from strays
    for row in rows:
        own = {stem: groups[stem].get(row["case_id"], []) for stem in groups}
        told = CaseRows(root, settings.zone, file, row, files, own, codes=settings.codes)
        yield from assemble(told)


def digests(root: Path) -> dict[str, str]:
    """Case to a SHA-256 of all that `read` makes it from: its rows, its files, and cohort.toml.

    Cheap beside reading: no image is decoded, and rows go past one by one. A case whose digest has
    not changed has not changed.

    Raises:
        CohortError: if the folder, cases.csv or cohort.toml cannot be used.
    """
    settings = repr(folder_layout.settings(root)).encode()
    cases, _ = folder_layout.cases(root)
    state = {
        row["case_id"]: hashlib.sha256(settings + _bytes("cases", row)).digest()
        for row in table.unique(cases, "case_id")[0]
    }
    pictures: dict[str, bytes] = {}

    def add(stem: str, row: Row) -> bool:
        case_id = row["case_id"]
        if case_id in state:
            parts = [state[case_id], _bytes(stem, row)]
            if folder_layout.INPUT_TABLES[stem].paths:
                parts.append(_picture(root, row["path"], pictures))
            state[case_id] = hashlib.sha256(b"\0".join(parts)).digest()
        return False

    for stem in folder_layout.INPUT_TABLES:
        _open(root, stem, partial(add, stem))
    return {case_id: digest.hex() for case_id, digest in state.items()}


def _bytes(stem: str, row: Row) -> bytes:
    # Where a row stands is no part of it, nor is what an older or newer file has in other columns.
    cells = {name: row[name] for name in row.columns}
    return repr((stem, cells, row.fault and row.fault.reason)).encode("utf-8", "surrogatepass")


def _picture(root: Path, path: str, known: dict[str, bytes]) -> bytes:
    """Digest of an image's file, once for each; of nothing where there is none."""
    if path not in known:
        file = pixels.inside(root, path)
        whole = file is not None and file.is_file()
        known[path] = hashlib.sha256(file.read_bytes() if file and whole else b"").digest()
    return known[path]


def outcomes(root: Path) -> Iterator[Outcome]:
    """The rows of outcomes.csv; nothing where there is no such file.

    Raises:
        CohortError: for the first row that cannot be understood. Labels are the yardstick of
            everything else, so none is skipped or guessed.
    """
    cases, _ = folder_layout.cases(root)
    known = {row["case_id"] for row in table.unique(cases, "case_id")[0]}
    declared = {d.name for d in folder_layout.settings(root).description.diagnoses}
    file, rows = _outcome_rows(root)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        problem = row.fault or _label_problem(file, row, known, declared, seen)
        if problem:
            raise CohortError(
                f"{file}, row {row.number}, column {problem.column or 'case_id'}: {problem.reason}",
                remedy=problem.remedy,
            )
        seen.add((row["case_id"], row["diagnosis"]))
        yield Outcome(row["case_id"], row["diagnosis"], LABELS[row["value"].lower()])


def _outcome_rows(root: Path) -> tuple[str, tuple[Row, ...]]:
    file, _ = folder_layout.find(root, "outcomes")
    if file is None:
        return "outcomes.csv", ()
    found = table.demand(table.load(root, file, folder_layout.OUTCOMES))
    for problem in found.problems:
        # A file that breaks off would otherwise lose labels without a word.
        if problem.column == "":
            table.demand(problem)
    return file, found.rows


def _label_problem(
    file: str, row: Row, known: set[str], declared: set[str], seen: set[tuple[str, str]]
) -> Problem | None:
    if row["case_id"] not in known:
        return Problem(
            file, "the case is not in cases.csv.", row.number, "case_id", "correct or remove it"
        )
    if not row["diagnosis"] or (declared and row["diagnosis"] not in declared):
        reason = "the diagnosis is empty or not declared in cohort.toml."
        return Problem(file, reason, row.number, "diagnosis", "declare it, or correct the row")
    if row["value"].lower() not in LABELS:
        reason = "the value is not 1, 0 or empty."
        return Problem(file, reason, row.number, "value", "write 1, 0, or nothing for unknown")
    if (row["case_id"], row["diagnosis"]) in seen:
        reason = "the case already has a value for this diagnosis."
        return Problem(file, reason, row.number, "diagnosis", "keep one of the rows")
    return None


def _open(
    root: Path, stem: str, wanted: Wanted | None = None
) -> tuple[Table | None, tuple[Problem, ...]]:
    """A table of inputs if it is there and can be used, and the problems of its file."""
    file, problems = folder_layout.find(root, stem)
    if file is None:
        return None, ()
    found = table.load(root, file, folder_layout.INPUT_TABLES[stem].columns, wanted)
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
