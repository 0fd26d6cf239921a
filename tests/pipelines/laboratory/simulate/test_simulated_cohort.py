"""A simulated cohort on disk: whole, repeatable, resumable, readable by the folder reader."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinical.case.case import Case
from clinical.case.shapes import Array, Events, Measurements, Texts
from clinical.cohorts import folder
from clinical.errors import ConfigError
from pipelines.laboratory.simulate import cohort
from pipelines.laboratory.simulate.clinic import LABELS, draw_patient
from pipelines.laboratory.simulate.cohort import simulate

ROWS = 64


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def table(root: Path, name: str) -> list[dict[str, str]]:
    with (root / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "cohort"
    simulate(8, 3, out, rows=ROWS)
    return out


def test_the_bytes_do_not_depend_on_the_processes(made: Path, tmp_path: Path) -> None:
    simulate(8, 3, tmp_path / "again", rows=ROWS, jobs=2)
    assert digests(tmp_path / "again") == digests(made)


def test_a_case_does_not_depend_on_where_the_cohort_begins(made: Path, tmp_path: Path) -> None:
    simulate(3, 3, tmp_path / "tail", first=5, rows=ROWS)
    whole, tail = digests(made), digests(tmp_path / "tail")
    images = {name for name in tail if name.startswith(("images/", "masks/"))}
    assert images
    assert all(tail[name] == whole[name] for name in images)
    assert table(tmp_path / "tail", "notes") == [
        row for row in table(made, "notes") if row["case_id"] >= "sim-3-000005"
    ]


def test_the_folder_reader_takes_every_row(made: Path) -> None:
    readings = list(folder.read(made))
    assert len(readings) == 8
    for number, case in enumerate(readings):
        assert isinstance(case, Case)
        assert case.problems == ()
        patient = draw_patient(3, number)
        assert case.patient_id == patient.patient_id
        assert case.decision_time == patient.decision_time
        assert ("image" in case.inputs) == (patient.radiograph is not None)
        match case.inputs.get("measurements"):
            case Measurements(items):
                assert [m.raw_value for m in items] == [m.value for m in patient.measurements]
        match case.inputs.get("history"):
            case Events() as events:
                assert [(e.code, e.present) for e in events.items] == [
                    (e.code, e.present) for e in patient.events
                ]
                assert (events.sex, events.age_years) == (patient.sex, patient.age_years)
        match case.inputs.get("notes"):
            case Texts(items):
                assert [note.text for note in items] == [note.text for note in patient.notes]


def test_an_image_comes_back_as_it_was_rendered_at_either_site(made: Path) -> None:
    seen = set()
    for number, case in enumerate(folder.read(made)):
        patient = draw_patient(3, number)
        if patient.radiograph is None or not isinstance(case, Case):
            continue
        image = case.inputs["image"].arrays[0]
        assert isinstance(image, Array)
        radiograph = cohort.render(
            patient.radiograph,
            cohort.clinic.stream(3, number, "pixels"),
            rows=ROWS,
            body=cohort.clinic.body(3, number),
        )
        np.testing.assert_array_equal(image.values, radiograph.pixels)
        assert image.spacing == pytest.approx(radiograph.spacing_mm)
        seen.add(image.source["PhotometricInterpretation"])
    assert seen == {"MONOCHROME1", "MONOCHROME2"}


def test_outcomes_state_every_label_of_every_case(made: Path) -> None:
    outcomes = table(made, "outcomes")
    assert len(outcomes) == 8 * len(LABELS)
    for number in range(8):
        patient = draw_patient(3, number)
        true = {
            row["diagnosis"]
            for row in outcomes
            if row["case_id"] == patient.case_id and row["value"] == "1"
        }
        assert true == patient.diagnoses
    assert [diagnosis.name for diagnosis in folder.describe(made).diagnoses] == list(LABELS)


def test_masks_have_the_size_of_their_image_and_one_bit(made: Path) -> None:
    rows = table(made, "masks")
    assert {row["finding"] for row in rows} > {"lungs"}
    for row in rows:
        with Image.open(made / row["path"]) as mask:
            assert (mask.size, mask.mode) == ((ROWS, ROWS), "1")
            assert mask.getbbox() is not None
    assert len(list((made / "masks").iterdir())) == len(rows)


def test_no_label_is_written_beside_outcomes_masks_and_settings(made: Path) -> None:
    names = re.compile("|".join(label for label in LABELS if "_" in label))
    for name in ("cases", "images", "measurements", "history", "notes"):
        assert not names.search((made / f"{name}.csv").read_text(encoding="utf-8"))


def test_a_stopped_run_leaves_no_cohort_and_goes_on_later(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "cohort"

    def stop(done: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(8, 3, out, rows=ROWS, progress=stop)
    assert not out.exists()
    rendered = []
    render = cohort.render
    monkeypatch.setattr(cohort, "render", lambda *a, **k: rendered.append(a) or render(*a, **k))
    simulate(8, 3, out, rows=ROWS)
    assert digests(out) == digests(made)
    remaining = [draw_patient(3, number).radiograph for number in range(5, 8)]
    assert len(rendered) == sum(spec is not None for spec in remaining)
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]


def test_the_rest_of_another_run_is_not_mixed_in(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "cohort"

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(4, 9, out, rows=ROWS, progress=stop)
    simulate(8, 3, out, rows=ROWS)
    assert digests(out) == digests(made)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match="not empty"):
        simulate(1, 3, tmp_path, rows=ROWS)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "kept"
    other = tmp_path / ".cohort.partial"
    other.mkdir()
    (other / "theirs.txt").write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match="not an unfinished simulation"):
        simulate(1, 3, tmp_path / "cohort", rows=ROWS)
    assert (other / "theirs.txt").exists()


@pytest.mark.parametrize(
    ("name", "value"), [("cases", 0), ("seed", -1), ("first", -1), ("rows", 8), ("jobs", 0)]
)
def test_arguments_out_of_range_are_named(tmp_path: Path, name: str, value: int) -> None:
    arguments = {"cases": 1, "seed": 3, "out": tmp_path / "cohort", name: value}
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        simulate(**arguments)


def test_progress_counts_cases_and_the_record_says_what_was_asked(
    made: Path, tmp_path: Path
) -> None:
    seen: list[int] = []
    simulate(3, 3, tmp_path / "cohort", rows=ROWS, progress=seen.append)
    assert seen == [1, 2, 3]
    record = json.loads((made / "simulation.json").read_text(encoding="utf-8"))
    assert {key: record[key] for key in ("cases", "seed", "first", "rows")} == {
        "cases": 8,
        "seed": 3,
        "first": 0,
        "rows": ROWS,
    }
    assert "Not a medical device" in record["notice"]
