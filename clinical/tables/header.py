"""Which column of a file is which of ours, and which of its columns look like one of ours."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clinical.case.case import Problem
from clinical.tables.form import Told

_LIKE: dict[str, str] = {
    "case_id": "case fall fallnummer fallid encounterid encounter hadmid visitid stayid",
    "patient_id": "patient pid patid subjectid subject personid person mrn patientennummer",
    "decision_time": "decision decisiondate decisiondatetime indextime indexdate predictiontime",
    "sex": "geschlecht sexo sexe sesso geslacht kon patientsex gendercode",
    "age_years": "alter edad leeftijd alder ageinyears patientage ageatadmission eta",
    "birth_date": "dob dateofbirth geburtsdatum fechanacimiento datenaissance birthday",
    "birth_year": "yob yearofbirth geburtsjahr",
    "code": "loinc test testname analyte parameter itemid lab icd icdcode diagnosiscode",
    "value": "result valuenum wert ergebnis resultado valor resultvalue",
    "unit": "units einheit uom valueuom unidad unite resultunit",
    "text": "note notetext report reporttext befund",
    "path": "file filename image imagepath dicompath filepath",
    "view": "viewposition projection",
    "diagnosis": "label condition",
}
"""Column to names, letters and digits only, under which others have the same thing. A file that
has one of them in place of ours is asked about it: a patient's age is not dropped for its name."""

LIKE: dict[str, str] = {word: ours for ours, words in _LIKE.items() for word in words.split()}

_TIME_WORD = re.compile(r"date|time|datum|zeit|fecha|hora|stamp|dato|tidspunkt")


@dataclass(frozen=True)
class Columns:
    """Which columns a table must have, may have, and of which it must have one at least.

    Attributes:
        required, optional, one_of: their names.
        aliases: other names that mean one of them beyond doubt, in small letters and digits.
        ids: that hold pseudonyms.
        numbers: that hold numbers.
        times: that hold dates or times.
        timed: whether the first of `times` says when a row was known, so that no row can be used
            where the file has that in a column that nobody knows.
        instead: columns of which one is as good as another, so that none is missed beside another.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    timed: bool = False
    instead: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.optional, *self.one_of)


@dataclass(frozen=True)
class Header:
    """Where each column stands.

    Attributes:
        positions: our name, or the file's own where it is none of ours, to the cell's position.
        names: our name to the file's, where they differ.
        own: columns of the file that are none of ours and not said to be.
        problems: of columns that are not used.
    """

    positions: Mapping[str, int]
    names: Mapping[str, str]
    own: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def fold(name: str) -> str:
    """Small letters and digits of a name: "Case ID", "CaseId" and "case_id" are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def sounds_like_time(name: str) -> bool:
    """Whether a column's name says that it holds times."""
    return bool(_TIME_WORD.search(fold(name)))


def line(stem: str, key: str, value: object) -> str:
    """What to write into cohort.toml, for a message."""
    written = json.dumps(value, ensure_ascii=False)
    return f"{key} = {written} under [columns.{stem}] in cohort.toml"


def fitting(names: Sequence[str], columns: Columns, told: Told | None) -> int:
    """How many of our columns a header has."""
    known = {fold(name) for name in columns.known} | set(columns.aliases)
    known |= {fold(name) for name in told.columns.values()} if told else set()
    return sum(fold(name) in known for name in names)


def resolve(
    file: str, names: Sequence[str], columns: Columns, told: Told | None
) -> Header | Problem:
    """Where each column stands, or the one reason why the file cannot be used.

    Args:
        file: for messages.
        names: the cells of the header.
        columns: that the table must have or may have.
        told: what the cohort says of the table; None for a layout that is somebody else's, whose
            names are taken as they are.
    """
    ours = _ours(file, names, columns, told)
    if isinstance(ours, Problem):
        return ours
    wrong = _missing(file, names, ours, columns) or _twice(file, names, ours)
    if wrong:
        return wrong
    positions = {name: at for at, name in enumerate(names) if at not in ours}
    positions |= {name: at for at, name in ours.items()}
    given = {ours[at]: name for at, name in enumerate(names) if at in ours and ours[at] != name}
    ignored = told.ignore if told else ()
    own = tuple(n for at, n in enumerate(names) if at not in ours and n and n not in ignored)
    dropped = tuple(_dropped(file, own, positions, columns, asks=told is not None))
    if told is not None and dropped:
        return dropped[0]
    return Header(positions, given, own, dropped)


def _ours(
    file: str, names: Sequence[str], columns: Columns, told: Told | None
) -> dict[int, str] | Problem:
    """Position to our column."""
    if told is None:
        taken_as_is = {at: name for at, name in enumerate(names) if name in columns.known}
        # MIMIC-III is published in capitals, its demo in small letters.
        left = {n.casefold(): n for n in columns.known if n not in taken_as_is.values()}
        folded = {at: left.pop(n.casefold(), "") for at, n in enumerate(names) if n not in left}
        return taken_as_is | {at: name for at, name in folded.items() if name}
    found: dict[int, str] = {}
    for ours, theirs in told.columns.items():
        if theirs not in names:
            reason = "cohort.toml names a column that the file does not have; it is not used."
            remedy = f"correct {ours} under [columns.{_stem(file)}] in cohort.toml"
            return Problem(file, reason, 1, ours, remedy)
        found[names.index(theirs)] = ours
    alike = {fold(name): name for name in columns.known}
    exact = {name: name for name in columns.known}
    for known, key in ((exact, str), (alike, fold), (columns.aliases, fold)):
        taken = set(found.values())
        for at, name in enumerate(names):
            meant = known.get(key(name))
            if at not in found and meant and meant not in taken and name not in told.ignore:
                found[at] = meant
    return found


def _missing(
    file: str, names: Sequence[str], ours: Mapping[int, str], columns: Columns
) -> Problem | None:
    present = set(ours.values())
    missing = next((name for name in columns.required if name not in present), None)
    near = _like(missing, names) if missing else None
    if missing is None and columns.one_of and not set(columns.one_of) & present:
        missing = columns.one_of[0]
        times = (name for at, name in enumerate(names) if at not in ours and sounds_like_time(name))
        near = _like(missing, names) or next(times, None)
    if missing is None:
        return None
    remedy = f"add column {missing!r}"
    if len(names) == 1:
        remedy += ", or say what separates the cells: delimiter under [csv] in cohort.toml"
    if near:
        stem = _stem(file)
        remedy = f"rename the column {near!r} to {missing!r}, or write {line(stem, missing, near)}"
    return Problem(file, "the column is missing; the file is not used.", 1, missing, remedy)


def _like(missing: str, names: Sequence[str]) -> str | None:
    alike = next((name for name in names if LIKE.get(fold(name)) == missing), None)
    return alike or next(iter(difflib.get_close_matches(missing, names, n=1, cutoff=0.7)), None)


def _twice(file: str, names: Sequence[str], ours: Mapping[int, str]) -> Problem | None:
    # Looked for last: a first row that is no header could hold anything, and is named by nothing.
    # "Sex" beside "sex" is one name twice: which of the two is meant cannot be known.
    folded = {fold(name): ours[at] for at, name in enumerate(names) if at in ours}
    for at, name in enumerate(names):
        again = name and names.count(name) > 1
        if again or (at not in ours and fold(name) in folded):
            reason = "the column is there twice; the file is not used."
            return Problem(file, reason, 1, name, "keep one of the two")
    return None


def _dropped(
    file: str, own: Sequence[str], positions: Mapping[str, int], columns: Columns, *, asks: bool
) -> Iterator[Problem]:
    """Columns that would be dropped though they look like one of ours that is absent."""
    absent = [name for name in columns.known if name not in positions]
    if any(name in positions for name in columns.instead):
        absent = [name for name in absent if name not in columns.instead]
    if any(name in positions for name in columns.one_of):
        absent = [name for name in absent if name not in columns.one_of]
    for name in own:
        alike = LIKE.get(fold(name)) if asks else None
        near = [alike] if alike in absent else []
        near = near or difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.8)
        if near and not asks:
            reason, remedy = "the column is not known and not used.", ""
            remedy = f"if {near[0]!r} is meant, rename the column; otherwise ignore this"
            yield Problem(file, reason, 1, name, remedy)
        elif near:
            stem = _stem(file)
            yield Problem(
                file,
                f"the column is not known, and may be {near[0]!r}; the file is not used.",
                1,
                name,
                f"write {line(stem, near[0] or '', name)}, or, if it is something else,"
                f" ignore = {json.dumps([name], ensure_ascii=False)}",
            )


def _stem(file: str) -> str:
    return file.partition(".")[0]
