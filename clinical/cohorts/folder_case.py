"""One case of a folder cohort, put together from its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import (
    Array,
    Event,
    Events,
    Measurement,
    Measurements,
    Sex,
    Shape,
    Text,
    Texts,
)
from clinical.cohorts.cohort import Reading, settle
from clinical.dicom.picture import Photometric
from clinical.tables import clock, demographics, pixels
from clinical.tables.clock import OFFSET_EPOCH, Clock
from clinical.tables.table import Row
from clinical.terms import loinc, normalise

IMAGE_ROLES = {"": "image", "prior": "prior_image"}
"""Value of `role` to modality: the image to be read, and one of an earlier visit."""

LATERAL_VIEWS = {"LL", "RL", "LAT", "LATERAL"}
"""Values of `view` for side views, after DICOM View Position (0018,5101), PS3.3 C.8.11.5."""

PHOTOMETRIC: dict[str, Photometric | None] = {
    "": None,
    "MONOCHROME1": "MONOCHROME1",
    "MONOCHROME2": "MONOCHROME2",
}
"""Cell to what it says; empty means that the file says it, or MONOCHROME2 for PNG and JPEG."""

PRESENT = {"": True, "1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class CaseRows:
    """All rows of one case.

    Attributes:
        root, zone: of the cohort.
        file, row: its row in the table of cases.
        files: table to file name.
        rows: table to the rows of this case.
    """

    root: Path
    zone: tzinfo
    file: str
    row: Row
    files: Mapping[str, str]
    rows: Mapping[str, Sequence[Row]]


def assemble(case: CaseRows) -> Iterator[Reading]:
    """The case, or why it is skipped."""
    row, case_id = case.row, case.row["case_id"]
    broken = _broken(case)
    if broken:
        yield SkippedCase(case_id, replace(broken, case_id=case_id))
        return
    decision = _decision(case)
    problems: list[Problem] = []
    years, sex = _person(case, decision, problems)
    inputs: dict[str, Shape] = {}
    watch = Clock(case.zone, decision)
    for name, rows in _by_role(case, watch, problems).items():
        image = _image(case, rows, watch, problems)
        if image is not None:
            inputs[name] = image
    measurements = _measurements(case, watch, years, sex, problems)
    if measurements:
        inputs["measurements"] = Measurements(measurements)
    events = _events(case, watch, problems)
    if events or years is not None or sex:
        inputs["history"] = Events(events, years, sex)
    texts = _texts(case, watch, problems)
    if texts:
        inputs["notes"] = Texts(texts)
    if decision is None and any(r["offset_days"] for rows in case.rows.values() for r in rows):
        decision = OFFSET_EPOCH
    nothing = Problem(
        case.file,
        "no image, measurement, history or note is given for the case.",
        row.number,
        remedy="add a row for it to one of those tables",
    )
    found = Case(case_id, row["patient_id"], decision, inputs, row["site"])
    yield from settle(found, problems, nothing)


def _broken(case: CaseRows) -> Problem | None:
    """Why nothing of the case may be used."""
    row = case.row
    if row.fault:
        return row.fault
    if not row["patient_id"]:
        reason = "the patient_id is empty; the case is not used."
        remedy = "fill it in: cases are split by patient"
        return Problem(case.file, reason, row.number, "patient_id", remedy)
    if row["decision_time"] and _decision(case) is None:
        reason = "the decision_time is not ISO 8601; the case is not used."
        return Problem(case.file, reason, row.number, "decision_time", clock.ISO_REMEDY)
    return None


def _decision(case: CaseRows) -> datetime | None:
    text = case.row["decision_time"]
    return clock.instant(text, case.zone) if text else None


def _person(
    case: CaseRows, decision: datetime | None, problems: list[Problem]
) -> tuple[float | None, Sex | None]:
    """Age and sex; age_years is preferred to birth_year."""
    column = "age_years" if case.row["age_years"] else "birth_year"
    if column == "age_years":
        years = demographics.age(case.file, case.row, column)
    else:
        years = demographics.age_from_birth_year(case.file, case.row, column, decision)
    sex = demographics.sex(case.file, case.row, "sex")
    if isinstance(years, Problem):
        problems.append(years)
        years = None
    if isinstance(sex, Problem):
        problems.append(sex)
        sex = None
    return years, sex


def _timely(
    case: CaseRows,
    stem: str,
    watch: Clock,
    column: str,
    problems: list[Problem],
) -> Iterator[tuple[str, Row, datetime | None]]:
    """File, row and time of each row that is whole and not later than the decision."""
    for row in case.rows.get(stem, ()):
        file = case.files[stem]
        moment = row.fault or watch.moment(file, row, column)
        if isinstance(moment, Problem):
            problems.append(moment)
        else:
            yield file, row, moment


def _by_role(
    case: CaseRows, watch: Clock, problems: list[Problem]
) -> dict[str, list[tuple[str, Row, datetime | None]]]:
    """Modality to the timely rows of images.csv that may give it."""
    found: dict[str, list[tuple[str, Row, datetime | None]]] = {}
    for file, row, time in _timely(case, "images", watch, "time", problems):
        name = IMAGE_ROLES.get(row["role"].lower())
        if name is None:
            reason = "the cell is neither empty nor prior."
            remedy = "write prior for an image of an earlier visit, else nothing"
            problems.append(Problem(file, reason, row.number, "role", remedy))
        else:
            found.setdefault(name, []).append((file, row, time))
    return found


def _image(
    case: CaseRows,
    rows: list[tuple[str, Row, datetime | None]],
    watch: Clock,
    problems: list[Problem],
) -> Array | None:
    """The latest image that can be read; a frontal view is preferred to a lateral one."""
    # Reversed first, so that of two equals the one further down the file is the later one.
    rows.reverse()
    rows.sort(key=lambda item: (not _lateral(item[1]["view"]), item[2] or LONG_AGO), reverse=True)
    image: Array | None = None
    used: Problem | None = None
    for file, row, _ in rows:
        place = Problem(file, "", row.number, "path")
        # Only a lateral image is worth reading on for: a DICOM may say its view where no row does.
        if image is not None and not _lateral(image.source.get("ViewPosition", "")):
            problems.append(_further(place))
            continue
        found = _one_image(case, row, place, watch)
        if isinstance(found, Problem):
            problems.append(found)
        elif image is None or not _lateral(found.source.get("ViewPosition", "")):
            problems.extend([_further(used)] if used else [])
            image, used = found, place
        else:
            problems.append(_further(place))
    return image


def _lateral(view: str) -> bool:
    return view.upper() in LATERAL_VIEWS


def _further(place: Problem) -> Problem:
    reason = "a case uses one image, the latest frontal one that can be read; not this."
    return replace(place, reason=reason, remedy="give the image a case of its own to assess it")


def _one_image(case: CaseRows, row: Row, place: Problem, watch: Clock) -> Array | Problem:
    photometric = row["photometric"].upper()
    if photometric not in PHOTOMETRIC:
        reason, remedy = "the cell is not one of the two.", "write MONOCHROME1 or MONOCHROME2"
        return replace(place, column="photometric", reason=reason, remedy=remedy)
    found = pixels.load(
        case.root,
        place,
        row["path"],
        photometric=PHOTOMETRIC[photometric],
        patient_id=case.row["patient_id"],
    )
    if isinstance(found, Problem):
        return found
    acquired = clock.instant(found.source.get("acquired", ""), case.zone)
    if acquired and watch.decision and acquired > watch.decision:
        return replace(
            place,
            reason="the image says itself that it was acquired after the decision.",
            remedy="correct decision_time, or leave the image out",
        )
    if row["view"]:
        return replace(found, source={**found.source, "ViewPosition": row["view"]})
    return found


def _measurements(
    case: CaseRows,
    watch: Clock,
    years: float | None,
    sex: Sex | None,
    problems: list[Problem],
) -> tuple[Measurement, ...]:
    """Every timely measurement; one that cannot be normalised is kept raw and reported."""
    items: list[Measurement] = []
    for file, row, time in _timely(case, "measurements", watch, "time", problems):
        item = normalise.measurement(
            row["code"], row["value"], row["unit"], time=time, sex=sex, age_years=years
        )
        items.append(item)
        if item.problem:
            column, remedy = _blame(row)
            problems.append(Problem(file, f"{item.problem}.", row.number, column, remedy))
    return tuple(items)


def _blame(row: Row) -> tuple[str, str]:
    """Which cell keeps a measurement from being used, and what to do."""
    term = loinc.lookup(row["code"])
    if term is None:
        return "code", "use a LOINC code or a name from the table of measurements"
    if term.read_unit(row["unit"]) is None:
        return "unit", "write one of the accepted units"
    return "value", "correct the value or its unit, or leave the row out"


def _events(case: CaseRows, watch: Clock, problems: list[Problem]) -> tuple[Event, ...]:
    items: list[Event] = []
    for file, row, onset in _timely(case, "history", watch, "onset", problems):
        present = PRESENT.get(row["present"].lower())
        if not row["code"]:
            reason, remedy = "the code is empty.", "give a code, or a name such as local:smoker"
            problems.append(Problem(file, reason, row.number, "code", remedy))
        elif present is None:
            reason, remedy = "the cell is not 1, 0, yes or no.", "write 1, 0, yes or no"
            problems.append(Problem(file, reason, row.number, "present", remedy))
        else:
            items.append(Event(row["code"], row["display"] or row["code"], onset, present))
    return tuple(items)


def _texts(case: CaseRows, watch: Clock, problems: list[Problem]) -> tuple[Text, ...]:
    items: list[Text] = []
    for file, row, time in _timely(case, "notes", watch, "time", problems):
        if row["text"]:
            items.append(Text(row["section"] or "note", row["text"], time))
        else:
            reason, remedy = "the text is empty.", "fill it in, or remove the row"
            problems.append(Problem(file, reason, row.number, "text", remedy))
    return tuple(items)
