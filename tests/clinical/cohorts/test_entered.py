"""One case entered by hand goes the road of every cohort, and meets the same refusals there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinical.case.case import Case
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import entered
from clinical.cohorts.entered import Condition, Entered, File, Section
from clinical.dicom.write import RadiographHeader, derived_uid, write_radiograph

TAKEN = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
PLAIN = Entered(
    "added-0001",
    "p1",
    "2024-03-01 12:00",
    zone="UTC",
    sex="female",
    age_years="61",
    measurements=(("CRP", "120", "mg/L", "2024-03-01 09:00", ""),),
)


def film(root: Path, name: str, *, patient: str = "p1", study: str = "1", seed: int = 1) -> File:
    """A drawn film of a patient."""
    pixels = np.random.default_rng(seed).integers(0, 4095, (40, 32)).astype(np.uint16)
    header = RadiographHeader(
        patient_id=patient,
        patient_name="Test^Only",
        sex="female",
        age_years=61,
        acquired=TAKEN,
        study_uid=derived_uid("study", study),
        series_uid=derived_uid("series", name),
        instance_uid=derived_uid("instance", name),
        institution="",
        manufacturer="",
        view="PA",
        kvp=90,
    )
    (root / "files").mkdir(exist_ok=True)
    write_radiograph(
        root / "files" / name,
        pixels,
        header,
        spacing_mm=(0.2, 0.2),
        window=(2000, 3000),
        compression="none",
    )
    return File(f"files/{name}")


def read(root: Path, what: Entered) -> tuple[Case | None, list[str]]:
    entered.write(what, root)
    found = entered.read(root)
    return found.case, [str(problem) for problem in found.problems]


def test_a_whole_case(tmp_path: Path) -> None:
    what = replace(
        PLAIN,
        films=(film(tmp_path, "a"),),
        history=(Condition("J45.9", "Asthma", "2019"), Condition("I10", "I10", present=False)),
        notes=(Section("examination", 'Crackles, "wet".\nNo oedema.', "2024-03-01 10:00"),),
    )
    case, problems = read(tmp_path, what)
    assert case is not None
    assert problems == []
    assert (case.case_id, case.patient_id) == ("added-0001", "p1")
    assert case.decision_time == datetime(2024, 3, 1, 12, tzinfo=UTC)
    labs, history, notes = (case.inputs[n] for n in ("measurements", "history", "notes"))
    assert isinstance(labs, Measurements)
    assert (labs.items[0].code, labs.items[0].value) == ("1988-5", 120)
    assert isinstance(history, Events)
    assert [(e.code, e.present) for e in history.items] == [("J45.9", True), ("I10", False)]
    assert (history.age_years, history.sex) == (61, "female")
    assert isinstance(notes, Texts)
    assert notes.items[0].text == 'Crackles, "wet".\nNo oedema.'
    assert case.inputs["image"].arrays[0].source["ViewPosition"] == "PA"


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"patient_id": ""}, "patient_id", "is empty"),
        ({"decision_time": ""}, "decision_time", "no decision_time is given"),
        ({"decision_time": "03/04/2024 12:00"}, "decision_time", "day and the month"),
        ({"decision_time": "yesterday"}, "decision_time", "ISO 8601"),
        ({"decision_time": "2999-01-01 00:00"}, "decision_time", "lies in the future"),
        ({"case_id": ""}, "case_id", "no case_id"),
    ],
)
def test_without_whom_or_when_there_is_no_case(
    tmp_path: Path, change: dict[str, str], place: str, why: str
) -> None:
    case, problems = read(tmp_path, replace(PLAIN, **change))  # type: ignore[arg-type]
    assert case is None
    assert any(place in problem and why in problem for problem in problems), problems


def test_a_decision_that_is_needed_now_is_no_future(tmp_path: Path) -> None:
    now = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    case, _ = read(tmp_path, replace(PLAIN, decision_time=now, zone="Europe/Berlin"))
    assert case is not None


def test_the_film_of_another_patient_is_refused(tmp_path: Path) -> None:
    own, other = film(tmp_path, "a"), film(tmp_path, "b", patient="p2", seed=2)
    case, problems = read(tmp_path, replace(PLAIN, films=(own, other)))
    assert case is not None
    assert len(case.inputs["image"].arrays) == 1
    (problem,) = problems
    assert problem.startswith("images.csv, row 3")
    assert "a different patient" in problem


def test_a_film_later_than_the_decision_is_refused(tmp_path: Path) -> None:
    what = replace(PLAIN, decision_time="2024-03-01 09:00", films=(film(tmp_path, "a"),))
    case, problems = read(tmp_path, what)
    assert case is not None
    assert "image" not in case.inputs
    assert any("acquired after the decision" in problem for problem in problems)


def test_films_of_two_studies_are_both_there(tmp_path: Path) -> None:
    both = (film(tmp_path, "a"), film(tmp_path, "b", study="2", seed=2))
    case, _ = read(tmp_path, replace(PLAIN, films=both))
    assert case is not None
    assert len({a.source["StudyInstanceUID"] for a in case.inputs["image"].arrays}) == 2
    prior = (both[0], replace(both[1], role="prior"))
    case, _ = read(tmp_path, replace(PLAIN, films=prior))
    assert case is not None
    assert set(case.inputs) >= {"image", "prior_image"}


def test_a_text_in_place_of_a_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "0001").write_text("no film", encoding="utf-8")
    case, problems = read(tmp_path, replace(PLAIN, films=(File("files/0001"),)))
    assert case is not None
    assert "not an image of a known format" in problems[0]
    _, outside = read(tmp_path, replace(PLAIN, films=(File("../../etc/passwd"),)))
    assert "leaves the cohort's folder" in outside[0]


def test_a_png_is_read_with_what_was_said_of_it(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    values = np.tile(np.arange(64, dtype=np.uint8), (40, 1))
    Image.fromarray(values).save(tmp_path / "files" / "0001", "PNG")
    file = File("files/0001", "PA", "MONOCHROME1", "2024-03-01 09:00")
    case, _ = read(tmp_path, replace(PLAIN, films=(file,)))
    assert case is not None
    array = case.inputs["image"].arrays[0]
    assert array.values[0, 0] > array.values[0, -1], "bone was dark, and is bright now"


def test_urine_among_labs_and_times_to_come_are_not_used(tmp_path: Path) -> None:
    rows = (
        ("Natrium im Urin", "40", "mmol/l", "2024-03-01 09:00", ""),
        ("Kalium", "6.9", "mmol/l", "2024-03-01 12:01", ""),
        ("Kalium", "4.1", "mmol/l", "2024-03-01 11:59", ""),
    )
    case, problems = read(tmp_path, replace(PLAIN, measurements=rows))
    assert case is not None
    labs = case.inputs["measurements"]
    assert isinstance(labs, Measurements)
    assert [item.value for item in labs.items] == [None, 4.1]
    assert "row 2" in next(p for p in problems if "urine" in p)
    assert "row 3" in next(p for p in problems if "after the decision" in p)


def test_mixed_decimals_are_not_used_until_somebody_says_which(tmp_path: Path) -> None:
    rows = tuple(
        ("Kalium", value, "mmol/l", "2024-03-01 09:00", "") for value in ("3,500", "4.100")
    )
    rows = (rows[0], (*rows[1][:3], "2024-03-01 10:00", ""))
    _, problems = read(tmp_path, replace(PLAIN, measurements=rows))
    assert len([p for p in problems if "can be read in two ways" in p]) == 2
    case, _ = read(tmp_path, replace(PLAIN, measurements=rows, decimal=","))
    assert case is not None
    labs = case.inputs["measurements"]
    assert isinstance(labs, Measurements)
    assert labs.items[0].value == 3.5


def test_day_and_month_are_told_apart_when_somebody_says_how(tmp_path: Path) -> None:
    rows = (("CRP", "12", "mg/L", "02/01/2024 08:00", ""),)
    _, problems = read(tmp_path, replace(PLAIN, measurements=rows))
    assert any("day and the month" in problem for problem in problems)
    case, problems = read(tmp_path, replace(PLAIN, measurements=rows, dates="day first"))
    assert case is not None
    assert problems == []


def test_what_was_entered_before_is_not_read_again(tmp_path: Path) -> None:
    read(tmp_path, PLAIN)
    case, problems = read(tmp_path, replace(PLAIN, measurements=(), sex="", age_years=""))
    assert case is None
    assert "no image, measurement, history or note" in problems[0]


@pytest.mark.parametrize("name", ["fall-7", "A.b_c-9", "7"])
def test_names_that_are_safe_everywhere(name: str) -> None:
    assert entered.unsafe(name) == ""


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "-rf", ".hidden", "a b", "ä", "x" * 65, "a\n", "=1+1", "a\u202eb"]
)
def test_names_that_are_not(name: str) -> None:
    assert entered.unsafe(name)


def test_a_hostile_cell_stays_in_its_cell(tmp_path: Path) -> None:
    text = '"\n"x","y",=1+1;\0\t</script>'
    case, _ = read(tmp_path, replace(PLAIN, notes=(Section('note"\n', text),)))
    assert case is not None
    notes = case.inputs["notes"]
    assert isinstance(notes, Texts)
    assert notes.items[0].text == text.replace("\0", "")
    assert set(case.inputs) == {"measurements", "history", "notes"}


def test_a_correction_keeps_the_films_of_the_version_before(tmp_path: Path) -> None:
    former, _ = read(tmp_path, replace(PLAIN, films=(film(tmp_path, "a"),)))
    corrected, _ = read(tmp_path, replace(PLAIN, age_years="62"))
    assert former is not None
    assert corrected is not None
    whole, problems = entered.keeping(corrected, former)
    assert problems == ()
    assert whole.inputs["image"].arrays[0].digest == former.inputs["image"].arrays[0].digest
    earlier, _ = read(tmp_path, replace(PLAIN, decision_time="2024-03-01 09:10"))
    assert earlier is not None
    whole, problems = entered.keeping(earlier, former)
    assert "image" not in whole.inputs
    assert "after the corrected decision" in problems[0].reason
    assert whole.problems[-1] == problems[0]
