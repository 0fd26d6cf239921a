"""Single cases: which are picked, what leaves the house, and what the page apart shows."""

from __future__ import annotations

from collections.abc import Container, Iterator
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import NOW, make_dataset

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Array, Arrays
from clinical.cohorts import folder
from clinical.cohorts.cohort import Reading
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS, alone
from pipelines.study import examples
from pipelines.study.examples import Example
from pipelines.study.thresholds import Chosen

# Two cases a patient: 0 and 1, 2 and 3, ...
LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 1, 0]
SCORES = [0.9, 0.8, 0.2, 0.6, 0.7, 0.1, 0.4, 0.5, 0.3, np.nan]
CUT = 0.45


@pytest.fixture
def tested() -> OutOfFold:
    dataset = make_dataset(10)
    dataset.labels[:, 0], dataset.labels[:, 1] = LABELS, np.nan
    scores = np.array([SCORES, SCORES]).T[None]
    notes = np.full_like(scores, 0.25)
    notes[0, 3] = np.nan
    return OutOfFold(dataset, ((),), {OURS: scores, alone("notes"): notes}, {}, {}, {})


def chosen(cuts: float | list[float] = CUT) -> tuple[Chosen, ...]:
    every = np.broadcast_to(np.asarray(cuts, dtype=np.float64), 10)
    return (Chosen({}, 0, every, {}, every),) * 2


def rows(picked: tuple[Example, ...], kind: str) -> list[int]:
    return [one.row for one in picked if one.kind == kind]


def test_the_clearest_of_each_kind_of_different_patients(tested: OutOfFold) -> None:
    picked = examples.pick(tested, chosen())
    assert rows(picked, "found") == [0, 3]
    assert rows(picked, "missed") == [2, 8]
    assert rows(picked, "false alarm") == [4, 7]
    assert {one.label for one in picked} == {"inflammation"}


def test_a_case_whose_fold_has_no_threshold_is_not_picked(tested: OutOfFold) -> None:
    cuts = [np.nan] * 4 + [CUT] * 6
    picked = examples.pick(tested, chosen(cuts))
    assert rows(picked, "found") == []
    assert rows(picked, "missed") == [8]


def test_a_score_at_its_threshold_is_an_alert(tested: OutOfFold) -> None:
    assert 7 in rows(examples.pick(tested, chosen(0.5)), "false alarm")


def test_an_input_that_is_absent_says_nothing(tested: OutOfFold) -> None:
    picked = {one.row: one for one in examples.pick(tested, chosen())}
    assert picked[0].alone == {"notes": 0.25}
    assert picked[3].alone == {"notes": None}


def test_metrics_hold_figures_and_nobody(tested: OutOfFold) -> None:
    found = examples.as_json(examples.pick(tested, chosen()))
    assert found[0] == {
        "kind": "found",
        "label": "inflammation",
        "probability": 0.9,
        "threshold": CUT,
        "alone": {"notes": 0.25},
    }
    assert all(set(one) == set(found[0]) for one in found)


class Reader:
    """A source with one case that has an image, one that has none, and one that fails."""

    NAME = "made up"
    describe, index, outcomes = folder.describe, folder.index, folder.outcomes

    def read(self, root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
        problem = Problem("images.csv", "The file is gone.")
        yield problem
        yield Case("c0000", "p0000", NOW, {"image": Arrays((Array(np.eye(8, dtype=np.float32)),))})
        yield Case("c0003", "p0001", NOW, {})
        yield SkippedCase("c0002", problem)


def page(tested: OutOfFold) -> str:
    picked = examples.pick(tested, chosen())
    films = examples.films(Reader(), Path("root"), examples.case_ids(picked, tested))
    return examples.page("two <b>", picked, tested, films).decode()


def test_the_page_says_that_it_is_patient_data_before_any_of_it(tested: OutOfFold) -> None:
    found = page(tested)
    places = [found.index(w) for w in ("Research use only", "holds patient data", "c0000")]
    assert places == sorted(places)
    assert "two &lt;b&gt;" in found


def test_the_page_shows_what_can_be_read_again(tested: OutOfFold) -> None:
    found = page(tested)
    assert found.count('<img src="data:image/png;base64,') == 1
    assert found.count("No image.") == 1
    assert found.count("This case could not be read again.") == 4


def test_the_page_loads_nothing_but_what_is_inside_it(tested: OutOfFold) -> None:
    found = unescape(page(tested))
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in found
    assert not [word for word in ("<script", "http:", "https:") if word in found]


def test_a_study_without_examples_says_so(tested: OutOfFold) -> None:
    assert "There is none." in examples.page("two", (), tested, {}).decode()
