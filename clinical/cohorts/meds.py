"""Medical Event Data Standard (MEDS 0.3 and 0.4): data/**/*.parquet, metadata/, labels/.

One case for each subject and prediction time that a file of labels has (`LabelSchema`), because a
stream of events does not say when somebody had to decide. Files of labels are looked for in
`labels` and `task_labels`; the first part of the path below is the outcome, as
`labels/pneumonia.parquet` or `labels/pneumonia/0.parquet`.
https://github.com/Medical-Event-Data-Standard/meds

- Without labels, a case is an event `TRIPTYCH//DECISION`, which `triptych export meds` writes.
- What is later than the prediction time is left out; events without a time are static and count.
- `MEDS_BIRTH` is the date of birth, `GENDER//F` or `SEX//F` the sex; `MEDS_DEATH` is never an
  input.
- An event with a number is a measurement: its LOINC code is in the code (`LOINC//2160-0`,
  `LOINC/2160-0`) or among `parent_codes` in metadata/codes.parquet; else its description there, or
  the code's second part, is taken for a name and decided by the table of measurements. The unit is
  the code's third part (`LAB//50912//mg/dL`) or a column `unit`. A bound such as "<5" counts where
  `text_value` has it beside the number.
- An event with text alone is a note, unless its code is that of a measurement.
- `ABSENT//` before a code says that the source states it not to be there.
- An event with a path in a column `image_path` or `ecg_path` (dataset.json names such columns as
  `additional_value_modality_columns`) is a film or a recording; paths are relative to the root.
  `IMAGE//PA` says the view.
- Every other event is history; codes of ICD, SNOMED CT and ATC are brought to one form, the others
  are `meds:<code>`.
- Outcomes are `boolean_value`; an outcome that a case has no label of is unknown. The split is that
  of metadata/subject_splits.parquet. There is no site.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from clinical.case.case import Outcome, Problem
from clinical.cohorts import retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.errors import CohortError
from clinical.tables import table
from clinical.tables.selected import AS_PUBLISHED, Selection, row_of, select
from clinical.tables.table import Columns, Row
from clinical.terms import codes, loinc

NAME = "meds"
CASES_AT_ONCE = retold.AT_ONCE
LABELS = ("labels", "task_labels")
LABEL_COLUMNS = Columns(("subject_id", "prediction_time", "boolean_value"))
NEEDED = (
    "give a MEDS dataset with data/*.parquet and labels/OUTCOME.parquet, whose columns are"
    " subject_id, prediction_time and boolean_value"
)
UNKNOWN_LABEL = "the file has no boolean_value; only outcomes that are yes or no are read."

BIRTH, DEATH = "MEDS_BIRTH", "MEDS_DEATH"
PATHS = {"image_path": "images", "ecg_path": "ecgs"}
"""Column with a path to the table of the folder format."""

SEX = re.compile(r"(?:gender|sex)/{1,2}(?P<word>.+)", re.IGNORECASE)
IMAGE = re.compile(r"(?P<prior>PRIOR_)?IMAGE(?:/{1,2}(?P<view>.+))?")
ABSENT, NOTE, MOMENT = "ABSENT//", "NOTE//", "TRIPTYCH//DECISION"
LOINC = re.compile(r"LOINC/{1,2}(?P<code>\d{1,5}-\d)(?:/{2}(?P<unit>.+))?")
ICD = re.compile(r"(?:\w+//)?ICD//(?P<system>9|10)//(?P<code>.+)")
SYSTEM = re.compile(r"(?P<system>[^/]+)/{1,2}(?P<code>[^/]+)")
BOUND = ("<", ">", "≤", "≥")

NAMES = {"value": "numeric_value", "text": "text_value", "onset": "time"}


@dataclass(frozen=True)
class _Asked:
    """One case: who, when, and where that is asked; with the labels that are given."""

    case_id: str
    subject: str
    time: str
    row: Row
    labels: dict[str, str]


@dataclass(frozen=True)
class _CodeBook:
    """What metadata/codes.parquet says: code to LOINC code, and to description."""

    loinc: Mapping[str, str]
    words: Mapping[str, str]


def describe(root: Path) -> CohortDescription:
    """Name, origin and licence of dataset.json; an outcome for each file of labels."""
    _, tasks, _ = _asked(root)
    told = _metadata(root)
    version = f" {told['dataset_version']}" if told.get("dataset_version") else ""
    return CohortDescription(
        str(told.get("dataset_name") or root.resolve().name) + version,
        str(told.get("location_uri") or told.get("description_uri") or "MEDS"),
        str(told.get("license") or "not stated"),
        tuple(Diagnosis(task) for task in tasks),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each subject and prediction time, in the order of the files of labels."""
    asked, _, _ = _asked(root)
    splits = _splits(root)
    return tuple(
        CaseEntry(one.case_id, one.subject, split=splits.get(one.subject, "")) for one in asked
    )


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with all that the events up to the prediction time say."""
    found, _, problems = _asked(root)
    yield from problems
    asked = [one for one in found if wanted is None or one.case_id in wanted]
    if not asked:
        return
    book, told = _code_book(root), set[Problem]()
    for at in range(0, len(asked), retold.AT_ONCE):
        lot = asked[at : at + retold.AT_ONCE]
        shards = list(_events(root, {one.subject for one in lot}))
        for problem in (one for shard in shards for one in shard.problems):
            if problem not in told:
                yield problem
                told.add(problem)
        for one in lot:
            rows = [row for shard in shards for row in shard.of(one.subject)]
            yield from _case(root, one, rows, book)


def outcomes(root: Path) -> Iterator[Outcome]:
    """The labels of each case."""
    asked, tasks, _ = _asked(root)
    for one in asked:
        for task in tasks:
            value = one.labels.get(task, "")
            yield Outcome(one.case_id, task, {"1": True, "0": False}.get(value))


def _asked(root: Path) -> tuple[list[_Asked], list[str], list[Problem]]:
    """The cases, the outcomes, and rows or files of labels that cannot be used."""
    files = [file for folder in LABELS for file in sorted((root / folder).rglob("*.parquet"))]
    if not any((root / "data").rglob("*.parquet")):
        table.demand(Problem("data", "there is no .parquet file in it.", remedy=NEEDED))
    if not files:
        return _moments(root), [], []
    rows: dict[str, _Asked] = {}
    tasks: dict[str, None] = {}
    problems: list[Problem] = []
    for path in files:
        file = path.relative_to(root).as_posix()
        found = table.load(root, file, LABEL_COLUMNS)
        if isinstance(found, Problem):
            without = found.column == "boolean_value"
            problems.append(replace(found, reason=UNKNOWN_LABEL) if without else found)
            continue
        task = file.split("/")[1].removesuffix(".parquet")
        tasks[task] = None
        for row in found.rows:
            one = _one(replace(row, file=file), row["subject_id"], row["prediction_time"])
            if isinstance(one, Problem):
                problems.append(one)
            else:
                _label(rows.setdefault(one.case_id, one).labels, task, row, file)
    if not rows:
        table.demand(problems[0] if problems else Problem("labels", "they are empty."))
    return list(rows.values()), list(tasks), problems


def _one(row: Row, subject: str, time: str) -> _Asked | Problem:
    if subject and time:
        return _Asked(f"{subject}-{re.sub(r'[-:]', '', time)}", subject, time, row, {})
    column = "prediction_time" if subject else "subject_id"
    reason = "the row has no subject or no prediction time, and is not used."
    return Problem(row.file, reason, row.number, column, AS_PUBLISHED)


def _moments(root: Path) -> list[_Asked]:
    """A case for each event that says when somebody had to decide.

    Raises:
        CohortError: if there is none.
    """
    found: dict[str, _Asked] = {}
    for path in sorted((root / "data").rglob("*.parquet")):
        file = path.relative_to(root).as_posix()
        part = select(root, file, "code", {MOMENT}, ("subject_id", "time"))
        for row in part.of(MOMENT):
            one = _one(row, row["subject_id"], row["time"])
            if isinstance(one, _Asked):
                found.setdefault(one.case_id, one)
    if not found:
        reason = "the folder does not exist, and nothing else says when somebody had to decide."
        table.demand(Problem("labels", reason, remedy=NEEDED))
    return list(found.values())


def _label(given: dict[str, str], task: str, row: Row, file: str) -> None:
    """Note one label.

    Raises:
        CohortError: if the case has another one already.
    """
    if given.setdefault(task, row["boolean_value"]) != row["boolean_value"]:
        raise CohortError(
            f"{file}, row {row.number}, column boolean_value: the subject has another label for"
            " this prediction time.",
            remedy="keep the right one",
        )


def _events(root: Path, subjects: set[str]) -> Iterator[Selection]:
    optional = ("numeric_value", "text_value", "unit", *PATHS)
    for path in sorted((root / "data").rglob("*.parquet")):
        file = path.relative_to(root).as_posix()
        yield select(root, file, "subject_id", subjects, ("time", "code"), optional)


def _case(root: Path, one: _Asked, rows: Sequence[Row], book: _CodeBook) -> Iterator[Reading]:
    told: dict[str, list[Row]] = {
        stem: [] for stem in ("measurements", "history", "notes", *PATHS.values())
    }
    birth = sex = ""
    for row in rows:
        code = row["code"]
        if code == BIRTH:
            birth = row["time"]
        elif found := SEX.fullmatch(code):
            sex = found["word"]
        elif code not in (DEATH, MOMENT):
            stem, ours = _retold(row, book)
            told[stem].append(ours)
    case = row_of(
        one.row,
        one.row.file,
        case_id=one.case_id,
        patient_id=one.subject,
        decision_time=one.time,
        sex=sex,
        birth_date=birth,
    )
    names = dict.fromkeys({row.file for row in rows}, NAMES)
    yield from retold.read(root, case, told, names)


def _retold(row: Row, book: _CodeBook) -> tuple[str, Row]:
    """Which table an event belongs to, and its row there."""
    code, time, number, text = row["code"], row["time"], row["numeric_value"], row["text_value"]
    for column, stem in PATHS.items():
        if row[column]:
            film = IMAGE.fullmatch(code)
            view = (film["view"] or "") if film else ""
            role = "prior" if film and film["prior"] else ""
            told = {"path": row[column], "time": time, "view": view, "role": role}
            return stem, row_of(row, row.file, **told)
    name, unit = _measured(code, book)
    if number or (text and loinc.candidates(name)):
        value = text if text and (not number or text.startswith(BOUND)) else number
        cells = {"code": name, "value": value, "unit": row["unit"] or unit, "time": time}
        return "measurements", row_of(row, row.file, **cells)
    if text:
        section = code.removeprefix(NOTE)
        return "notes", row_of(row, row.file, section=section, text=text, time=time)
    system, own = _coded(code.removeprefix(ABSENT))
    cells = {"code": own, "code_system": system, "display": book.words.get(code, code)}
    present = "0" if code.startswith(ABSENT) else "1"
    return "history", row_of(row, row.file, **cells, onset=time, present=present)


def _measured(code: str, book: _CodeBook) -> tuple[str, str]:
    """LOINC code or name of what an event measures, and the unit that its code states."""
    found = LOINC.fullmatch(code)
    if found:
        return found["code"], found["unit"] or ""
    _, *rest = code.split("//")
    unit = "//".join(rest[1:])
    return book.loinc.get(code) or book.words.get(code) or (rest[0] if rest else code), unit


def _coded(code: str) -> tuple[str, str]:
    """Code system, where it is one that is known, and the code; else "" and a code of our own."""
    icd = ICD.fullmatch(code)
    if icd:
        return f"ICD-{icd['system']}{'-CM' if icd['system'] == '9' else ''}", icd["code"]
    found = SYSTEM.fullmatch(code)
    if found and codes.is_system(found["system"]):
        return found["system"], found["code"]
    return "", code if ":" in code else f"meds:{code}"


def _code_book(root: Path) -> _CodeBook:
    path = root / "metadata" / "codes.parquet"
    known: dict[str, str] = {}
    words: dict[str, str] = {}
    for row in _rows(path):
        code = str(row.get("code") or "")
        if row.get("description"):
            words[code] = str(row["description"])
        parents = row.get("parent_codes")
        for parent in [parents] if isinstance(parents, str) else parents or []:
            found = LOINC.fullmatch(str(parent))
            if found:
                known[code] = found["code"]
    return _CodeBook(known, words)


def _splits(root: Path) -> dict[str, str]:
    rows = _rows(root / "metadata" / "subject_splits.parquet")
    return {str(row.get("subject_id")): str(row.get("split") or "") for row in rows}


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    try:
        found: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return found
    except (pyarrow.ArrowException, OSError) as error:
        raise CohortError(
            f"{path.name} is not readable Parquet ({type(error).__name__}).", remedy=AS_PUBLISHED
        ) from None


def _metadata(root: Path) -> dict[str, Any]:
    path = root / "metadata" / "dataset.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        raise CohortError("dataset.json is not JSON.", remedy=AS_PUBLISHED) from None
    return found if isinstance(found, dict) else {}
