"""What the folder format means when it is written well."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from clinical.case.case import Case, as_json
from clinical.case.shapes import Array, Events, Measurements, Texts
from clinical.cohorts import folder
from clinical.cohorts.cohort import CaseEntry, Diagnosis
from clinical.cohorts.folder_layout import CASES, INPUT_TABLES, OUTCOMES
from clinical.tables.clock import OFFSET_EPOCH

Writer = Callable[..., None]


def read(root: Path) -> dict[str, Case]:
    return {r.case_id: r for r in folder.read(root) if isinstance(r, Case)}


def write(root: Path, **tables: str) -> None:
    for stem, text in tables.items():
        (root / f"{stem}.csv").write_text(text, encoding="utf-8")


def test_a_whole_case(folder_root: Path) -> None:
    case = read(folder_root)["c1"]
    assert case.problems == ()
    assert case.site == "north"
    assert case.decision_time == datetime(2024, 3, 1, 11, tzinfo=UTC)
    image, labs = case.inputs["image"].arrays[0], case.inputs["measurements"]
    history, notes = case.inputs["history"], case.inputs["notes"]
    assert isinstance(image, Array)
    assert (image.values.shape, image.spacing) == ((32, 24), (0.2, 0.2))
    assert image.source["ViewPosition"] == "PA"
    assert isinstance(labs, Measurements)
    assert (labs.items[0].code, labs.items[0].value, labs.items[0].unit) == ("1988-5", 120, "mg/L")
    assert isinstance(history, Events)
    assert (history.age_years, history.sex, history.items[0].code) == (61, "female", "J44.9")
    assert isinstance(notes, Texts)
    assert notes.items[0].text == "Cough, fever.\nCrackles on the right."


def test_index_and_description(folder_root: Path) -> None:
    assert folder.index(folder_root)[0] == CaseEntry("c1", "p1", "north", "train")
    described = folder.describe(folder_root)
    assert described.diagnoses == (Diagnosis("pneumonia", "233604007"),)
    (folder_root / "cohort.toml").unlink()
    described = folder.describe(folder_root)
    assert (described.name, described.licence, described.diagnoses) == ("folder", "not stated", ())


def test_outcomes(folder_root: Path) -> None:
    assert [outcome.value for outcome in folder.outcomes(folder_root)] == [True, False, None]
    (folder_root / "outcomes.csv").unlink()
    assert list(folder.outcomes(folder_root)) == []


def test_parquet_means_the_same_as_csv(folder_root: Path) -> None:
    before = {name: as_json(case) for name, case in read(folder_root).items()}
    truth = list(folder.outcomes(folder_root))
    for path in sorted(folder_root.glob("*.csv")):
        frame = pd.read_csv(path)
        for column in {"time", "decision_time"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column])
        frame.to_parquet(path.with_suffix(".parquet"))
        path.unlink()
    assert {name: as_json(case) for name, case in read(folder_root).items()} == before
    assert list(folder.outcomes(folder_root)) == truth


@pytest.mark.parametrize("ending", [".csv.gz", ".csv"])
def test_a_packed_table_means_the_same(folder_root: Path, ending: str) -> None:
    """By its content: some programs pack a file and leave its name."""
    before = {name: as_json(case) for name, case in read(folder_root).items()}
    truth = list(folder.outcomes(folder_root))
    for path in sorted(folder_root.glob("*.csv")):
        packed = gzip.compress(path.read_bytes())
        path.unlink()
        path.with_suffix(ending).write_bytes(packed)
    assert {name: as_json(case) for name, case in read(folder_root).items()} == before
    assert list(folder.outcomes(folder_root)) == truth


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_do_not_matter(
    folder_root: Path, mark: str, line_end: str
) -> None:
    path = folder_root / "history.csv"
    before = as_json(read(folder_root)["c1"])
    path.write_bytes((mark + path.read_text().replace("\n", line_end)).encode())
    assert as_json(read(folder_root)["c1"]) == before


def test_offsets_count_from_the_decision(tmp_path: Path) -> None:
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time\na,p,2024-03-01T12:00Z\nb,q,\n",
        measurements="case_id,code,value,unit,offset_days\na,CRP,5,mg/L,-0.5\nb,CRP,5,mg/L,-2\n"
        "b,CRP,5,mg/L,0\nb,CRP,5,mg/L,0.01\nb,CRP,5,mg/L,soon\nb,CRP,5,mg/L,\n",
    )
    a, b = read(tmp_path).values()
    assert times(a) == [datetime(2024, 3, 1, 0, tzinfo=UTC)]
    assert b.decision_time == OFFSET_EPOCH
    assert times(b) == [OFFSET_EPOCH - timedelta(days=2), OFFSET_EPOCH, None]
    assert [(p.row, p.column) for p in b.problems] == [(5, "offset_days"), (6, "offset_days")]


def times(case: Case) -> list[datetime | None]:
    found = case.inputs["measurements"]
    assert isinstance(found, Measurements)
    return [item.time for item in found.items]


def test_a_time_and_an_offset_at_once_or_a_time_without_decision_are_refused(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time,sex\na,p,2024-03-01,f\nb,q,,f\n",
        notes="case_id,section,text,time,offset_days\na,x,Text.,2024-02-01,-1\nb,x,Text.,2024,\n",
    )
    a, b = read(tmp_path).values()
    assert "both time and offset_days" in a.problems[0].reason
    assert "no decision_time" in b.problems[0].reason
    assert set(a.inputs) == set(b.inputs) == {"history"}
    assert b.decision_time is None


def test_the_time_zone_of_the_cohort_decides(folder_root: Path) -> None:
    toml = folder_root / "cohort.toml"
    toml.write_text(toml.read_text().replace("Europe/Berlin", "America/New_York"))
    assert read(folder_root)["c1"].decision_time == datetime(2024, 3, 1, 17, tzinfo=UTC)


def test_age_from_a_birth_year_needs_the_decision(tmp_path: Path) -> None:
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time,birth_year,sex\na,p,2024,1960,w\nb,q,,1960,M\n"
        "c,r,2024,1860,other\n",
    )
    found = read(tmp_path)
    assert found["a"].inputs["history"] == Events((), 64.0, "female")
    assert found["b"].inputs["history"] == Events((), None, "male")
    assert found["b"].problems[0].column == "birth_year"
    assert "c" not in found


NO_FILE = "there is no such image file."
NO_VIEW = "nobody says whether the image is a frontal one."
NO_TIME = "nobody says when the image was taken; it may be later than the decision."
NOT_FRONTAL = "no image of the case is known to be frontal; this one is read as if it were."

IMAGES: dict[str, tuple[str, int, list[str]]] = {
    "the latest": ("a,1.png,PA,2024-01-01\na,2.png,PA,2024-01-02\n", 2, []),
    "a time beats none": ("a,1.png,AP,2024-01-01\na,2.png,AP,\n", 1, [NO_TIME]),
    "of equals the lower row": ("a,1.png,PA,\na,2.png,PA,\n", 2, [NO_TIME] * 2),
    "frontal before lateral": ("a,1.png,PA,2024-01-01\na,2.png,LL,2024-01-02\n", 1, []),
    "frontal before unsaid": ("a,1.png,PA,2024-01-01\na,2.png,,2024-01-02\n", 1, [NO_VIEW]),
    "unsaid before lateral": ("a,1.png,,2024-01-01\na,2.png,LL,2024-01-02\n", 1, [NO_VIEW]),
    "one that can be read": ("a,1.png,PA,2024-01-01\na,none.png,,2024-01-02\n", 1, [NO_FILE]),
    "lateral by its own header": (
        "a,1.png,PA,2024-01-01\na,lateral.dcm,,2024-01-02\n",
        1,
        [],
    ),
    "lateral if there is no other": (
        "a,lateral.dcm,,2024-01-02\na,none.png,,2024-01-01\n",
        0,
        [NO_FILE, NOT_FRONTAL],
    ),
}


@pytest.mark.parametrize(("rows", "chosen", "said"), IMAGES.values(), ids=IMAGES)
def test_which_of_two_images_comes_first(
    tmp_path: Path,
    png_writer: Writer,
    dicom_writer: Writer,
    rows: str,
    chosen: int,
    said: list[str],
) -> None:
    import pydicom

    for side in (1, 2):
        png_writer(tmp_path / f"{side}.png", (10 * side, 10))
    dicom_writer(tmp_path / "lateral.dcm", "p", acquired="20240101")
    found = pydicom.dcmread(tmp_path / "lateral.dcm")
    found.ViewPosition = "LL"
    found.save_as(tmp_path / "lateral.dcm")
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time\na,p,2024-03-01\n",
        images="case_id,path,view,time\n" + rows,
    )
    case = read(tmp_path)["a"]
    images = case.inputs["image"].arrays
    assert images[0].values.shape[1] == (10 * chosen or 24)
    unreadable = rows.count("none.png")
    assert len(images) == 2 - unreadable, "the other image is of the case too"
    assert [problem.reason for problem in case.problems] == said


def test_an_image_given_twice_is_used_once(tmp_path: Path, png_writer: Writer) -> None:
    png_writer(tmp_path / "1.png")
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time\na,p,2024-03-01\n",
        images="case_id,path,view,time\na,1.png,PA,2024-01-01\na,1.png,PA,2024-01-02\n",
    )
    case = read(tmp_path)["a"]
    assert len(case.inputs["image"].arrays) == 1
    assert "the same as another one" in case.problems[0].reason


def test_an_image_of_an_earlier_visit_stands_beside(tmp_path: Path, png_writer: Writer) -> None:
    for side in (1, 2):
        png_writer(tmp_path / f"{side}.png", (10 * side, 10))
    write(
        tmp_path,
        cases="case_id,patient_id,decision_time\na,p,2024-03-01\n",
        images="case_id,path,view,time,role\na,1.png,PA,2023-05-01,prior\n"
        "a,2.png,PA,2024-01-02,\na,2.png,PA,2023-01-02,former\n",
    )
    case = read(tmp_path)["a"]
    shapes = {name: value.arrays[0].values.shape for name, value in case.inputs.items()}
    assert shapes == {"prior_image": (10, 10), "image": (10, 20)}
    assert [(p.row, p.column) for p in case.problems] == [(4, "role")]


def test_photometric_inverts_a_png(tmp_path: Path, png_writer: Writer) -> None:
    png_writer(tmp_path / "x.png")
    write(
        tmp_path,
        cases="case_id,patient_id\na,p\nb,p\n",
        images="case_id,path,photometric\na,x.png,\nb,x.png,MONOCHROME1\n",
    )
    plain, inverted = (case.inputs["image"].arrays[0] for case in read(tmp_path).values())
    assert isinstance(plain, Array)
    assert isinstance(inverted, Array)
    assert (plain.values + inverted.values == 255).all()


def test_a_refused_value_is_kept_raw_and_is_no_input_on_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        cases="case_id,patient_id\na,p\nb,q\n",
        measurements="case_id,code,value,unit,time\na,CRP,5,furlong,\na,CRP,5,mg/L,\n"
        "b,CRP,5,furlong,\n",
    )
    found = read(tmp_path)
    labs = found["a"].inputs["measurements"]
    assert isinstance(labs, Measurements)
    assert [(item.value, item.raw_value, item.raw_unit) for item in labs.items] == [
        (None, "5", "furlong"),
        (5.0, "5", "mg/L"),
    ]
    assert labs.items[0].problem
    assert set(found) == {"a"}, "b is skipped: nothing of it can be used"


def test_an_event_can_be_stated_absent(tmp_path: Path) -> None:
    write(
        tmp_path,
        cases="case_id,patient_id\na,p\n",
        history="case_id,code,display,present\na,J44.9,COPD,no\na,I10,,1\na,E11,Diabetes,perhaps\n",
    )
    case = read(tmp_path)["a"]
    history = case.inputs["history"]
    assert isinstance(history, Events)
    assert [(e.code, e.display, e.present) for e in history.items] == [
        ("J44.9", "COPD", False),
        ("I10", "I10", True),
    ]
    assert [(p.row, p.column) for p in case.problems] == [(4, "present")]


def test_pixels_are_read_one_case_at_a_time(
    folder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinical.tables import pixels

    opened: list[str] = []
    real = pixels.read_image

    def spy(path: Path, **arguments: object) -> Array:
        opened.append(path.name)
        return real(path, **arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pixels, "read_image", spy)
    folder.index(folder_root)
    assert opened == []
    readings = folder.read(folder_root)
    next(readings)
    assert opened == ["c1.dcm"]
    readings.close()  # type: ignore[attr-defined]
    list(folder.read(folder_root, {"c3"}))
    assert opened == ["c1.dcm"]


def test_the_page_for_users_names_every_table_and_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cohort-format.md").read_text(encoding="utf-8")
    inputs = {stem: table.columns for stem, table in INPUT_TABLES.items()}
    tables = {"cases": CASES, **inputs, "outcomes": OUTCOMES}
    for stem, columns in tables.items():
        section = page.split(f"### {stem}.csv")[1].split("\n### ")[0]
        assert all(name in section for name in columns.known), stem


def test_the_example_of_the_page_reads_without_a_message(
    tmp_path: Path, dicom_writer: Writer
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "cohort-format.md").read_text(encoding="utf-8")
    example = page.split("## An example")[1].split("\n## ")[0]
    name = ""
    for line in example.splitlines():
        if line.endswith(".csv"):
            name = line.strip()
        elif name and line.strip():
            with (tmp_path / name).open("a", encoding="utf-8") as stream:
                stream.write(line.strip() + "\n")
    dicom_writer(tmp_path / "images" / "c1.dcm", "p1")
    case = read(tmp_path)["c1"]
    assert set(case.inputs) == {"image", "measurements", "history", "notes"}
    assert case.problems == ()
    assert [o.value for o in folder.outcomes(tmp_path)] == [True]


def test_wanted_cases_are_read_as_they_are_among_all(folder_root: Path) -> None:
    whole = read(folder_root)
    for case_id, case in whole.items():
        (found,) = (r for r in folder.read(folder_root, {case_id}) if isinstance(r, Case))
        assert as_json(found) == as_json(case)


@pytest.mark.parametrize(
    ("stem", "old", "new"),
    [
        ("cases", "c1,p1", "c1,p9"),
        ("measurements", "120", "121"),
        ("notes", "Cough", "Fever"),
        ("history", "J44.9", "J44.1"),
    ],
)
def test_a_digest_changes_with_its_own_case_only(
    stem: str, old: str, new: str, folder_root: Path
) -> None:
    before = folder.digests(folder_root)
    table = folder_root / f"{stem}.csv"
    table.write_text(table.read_text().replace(old, new))
    after = folder.digests(folder_root)
    changed = {case_id for case_id in before if before[case_id] != after[case_id]}
    assert changed == {"c1"}


def test_a_digest_changes_with_the_image_and_not_with_the_place_of_a_row(folder_root: Path) -> None:
    before = folder.digests(folder_root)
    header, *lines = (folder_root / "measurements.csv").read_text().splitlines()
    write(folder_root, measurements="\n".join([header, "", *lines]) + "\n")
    assert folder.digests(folder_root) == before
    path = pd.read_csv(folder_root / "images.csv").set_index("case_id").loc["c1", "path"]
    image = folder_root / str(path)
    image.write_bytes(image.read_bytes() + b"\0")
    assert folder.digests(folder_root)["c1"] != before["c1"]
