from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.cohorts import folder
from clinical.errors import CohortError, ConfigError
from pipelines.laboratory.real_films.gather import LONGER_SIDE, gather, small
from pipelines.laboratory.real_films.sources import films, teaches


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("CC BY 4.0", True),
        ("CC BY", True),
        ("Apache 2.0", True),
        ("NIH Clinical Center, attribution", True),
        ("CC BY-NC-SA 4.0", False),
        ("CC BY-SA", False),
        ("CC BY-NC", False),
        ("", False),
    ],
)
def test_only_licences_that_ask_for_no_more_than_attribution_teach(licence: str, may: bool) -> None:
    assert teaches(licence) is may


def test_the_label_is_an_opacity_or_nothing_or_unknown(root: Path) -> None:
    assert {film.film_id: film.opacity for film in films(root, [])} == {
        "nih-00000001_000": True,
        "nih-00000002_000": False,
        "nih-00000003_000": None,  # a hernia is neither
        "kermany-IM-0115-0001": False,
        "kermany-person7_bacteria_24": True,
        "kermany-person7_virus_25": True,
        "hannover-i1": None,  # nobody described the films
        "covid-7-1": True,
        "covid-7-2": None,
        "covid-8-1": False,
    }


def test_films_of_one_person_have_one_patient(root: Path) -> None:
    patient = {film.film_id: film.patient_id for film in films(root, [])}
    assert patient["kermany-person7_bacteria_24"] == patient["kermany-person7_virus_25"]
    assert patient["covid-7-1"] == patient["covid-7-2"] != patient["covid-8-1"]


def test_the_cohort_is_read_as_a_folder_with_sources_as_sites(root: Path, tmp_path: Path) -> None:
    counts = gather(root, tmp_path / "cohort")
    assert counts["covid", "test", "0"] == 1
    assert counts["covid", "learn", "1"] == 1
    entries = folder.index(tmp_path / "cohort")
    assert {entry.site for entry in entries} == {"nih", "kermany", "hannover", "covid"}
    read = list(folder.read(tmp_path / "cohort"))
    assert [reading.case_id for reading in read] == [entry.case_id for entry in entries]
    assert all(isinstance(reading, Case) and not reading.problems for reading in read)
    with (tmp_path / "cohort" / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        assert sum(row["value"] == "" for row in csv.DictReader(file)) == 3


def test_every_film_has_the_same_size_at_the_most(root: Path, tmp_path: Path) -> None:
    gather(root, tmp_path / "cohort")
    with Image.open(tmp_path / "cohort" / "images" / "hannover-i1.png") as picture:
        assert max(picture.size) == LONGER_SIDE
        assert picture.mode == "L"


def test_the_scale_of_the_device_is_gone() -> None:
    values = np.linspace(0, 1, 40 * 30, dtype=np.float32).reshape(40, 30)
    first, second = (np.asarray(small(Array(values * scale + 7))) for scale in (1, 4095))
    np.testing.assert_allclose(first.astype(int), second.astype(int), atol=1)


def test_a_stopped_run_keeps_the_films_that_are_done(root: Path, tmp_path: Path) -> None:
    gather(root, tmp_path / "whole")
    done = tmp_path / ".cohort.partial" / "images"
    done.mkdir(parents=True)
    Image.new("L", (3, 3)).save(done / "hannover-i1.png")
    gather(root, tmp_path / "cohort")
    with Image.open(tmp_path / "cohort" / "images" / "hannover-i1.png") as picture:
        assert picture.size == (3, 3)
    tables = [(tmp_path / name / "cases.csv").read_bytes() for name in ("whole", "cohort")]
    assert tables[0] == tables[1]


def test_what_cannot_be_gathered_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="holds none of nih_chestxray"):
        gather(tmp_path / "nowhere", tmp_path / "cohort")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        gather(root, tmp_path / "used")


def test_a_film_that_cannot_be_read_is_told_and_left_out(root: Path, tmp_path: Path) -> None:
    (root / "hannover" / "png" / "i1.png").unlink()
    (root / "covid_chestxray" / "images" / "a.png").write_bytes(b"no picture")
    gather(root, tmp_path / "cohort")
    ids = {entry.case_id for entry in folder.index(tmp_path / "cohort")}
    assert not ids & {"hannover-i1", "covid-7-1"}
    assert "covid-8-1" in ids
    with (tmp_path / "cohort" / "skipped.csv").open(encoding="utf-8", newline="") as file:
        told = [(row["file"], row["row"]) for row in csv.DictReader(file)]
    assert told == [("data.csv", "2"), ("metadata.csv", "2")]


@pytest.mark.real_data
@pytest.mark.long
def test_the_published_sets_are_labelled_as_the_results_say(shared_data: Path) -> None:
    found = [film for film in films(shared_data, []) if film.source != "kermany"]
    labelled = [(film.source, film.opacity) for film in found]
    assert labelled.count(("nih", True)) == 365
    assert labelled.count(("nih", False)) == 346
    assert labelled.count(("hannover", None)) == 133
    assert labelled.count(("covid", False)) == 4
    assert sum(film.may_teach for film in found if film.source == "covid") == 5
