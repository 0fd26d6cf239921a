"""A change is kept only if other patients support it."""

from __future__ import annotations

import numpy as np
import pytest
from made_told import make_told

from pipelines.adapting.adaptation import Shown
from pipelines.adapting.change import INTERCEPT, LAYERS, NONE, READERS
from pipelines.adapting.judged import HeldOut
from pipelines.adapting.nested import choose, paired, too_few


def test_a_difference_and_its_error_count_patients_whole() -> None:
    mean, error = paired(np.array([1.0, 3.0, 2.0, 2.0]), np.array(["a", "a", "b", "c"]))
    assert (mean, error) == (2.0, 0.0)
    alone = paired(np.array([1.0, 3.0]), np.array(["a", "b"]))
    twice = paired(np.array([1.0, 1.0, 3.0, 3.0]), np.array(["a", "a", "b", "b"]))
    assert alone == twice == (2.0, 1.0)


def test_a_model_that_is_right_is_left_alone() -> None:
    kinds = []
    for seed in range(5):
        found, labels, people = make_told(300, seed=seed)
        kinds.append(choose(found, labels, people, seed=0).change.kind)
    assert kinds.count(NONE) >= 3


def test_ten_times_the_prevalence_is_seen_with_a_hundred_cases() -> None:
    found, labels, people = make_told(100, seed=1, shift=np.log(10))
    chosen = choose(found, labels, people, seed=0)
    assert chosen.trials[0].kind == INTERCEPT
    assert chosen.trials[0].kept
    assert chosen.change.kind != NONE


def test_readers_are_changed_where_a_modality_misleads() -> None:
    found, labels, people = make_told(600, seed=2, factors=(0.0, 1.5))
    chosen = choose(found, labels, people, seed=0)
    assert READERS in [trial.kind for trial in chosen.trials if trial.kept]


def test_no_change_bends_more_than_is_allowed() -> None:
    found, labels, people = make_told(600, seed=2, factors=(0.0, 1.5))
    chosen = choose(found, labels, people, seed=0, most=INTERCEPT)
    assert chosen.change.kind in (NONE, INTERCEPT)
    assert not [trial for trial in chosen.trials if trial.kept and trial.kind != INTERCEPT]


def test_what_was_judged_is_what_half_of_the_folds_chose() -> None:
    kinds = (NONE, LAYERS, INTERCEPT, READERS, INTERCEPT)
    nothing = Shown(*(np.zeros((1, 1)) for _ in range(5)))  # type: ignore[arg-type]
    told = HeldOut(nothing, nothing, tuple({"x": kind} for kind in kinds))
    assert told.most == {"x": INTERCEPT}


def test_what_is_unseen_was_not_fitted_on() -> None:
    found, labels, people = make_told(100, seed=1, shift=np.log(10))
    chosen = choose(found, labels, people, seed=0)
    logits = chosen.unseen(found)
    held = np.concatenate([rows for rows, _ in chosen.folds])
    assert sorted(held.tolist()) == list(range(100))
    for rows, fitted in chosen.folds:
        assert (logits[rows] == fitted.logits(found.of(rows))).all()
        others = {people[i] for i in set(range(100)) - set(rows.tolist())}
        assert not {people[i] for i in rows} & others


@pytest.mark.parametrize(
    ("labels", "because"),
    [
        ([float("nan")] * 40, "no local case has a known outcome"),
        ([1.0] * 40, "too few local cases (40 with it, 0 without)"),
        ([1.0] * 4 + [0.0] * 36, "too few local cases (4 with it, 36 without)"),
        ([1.0, 0.0] * 8, "fewer than 10 patients"),
    ],
)
def test_why_nothing_is_tried_is_said(labels: list[float], because: str) -> None:
    found, _, people = make_told(len(labels))
    assert too_few(np.array(labels), people) == because
    chosen = choose(found, np.array(labels), people, seed=0)
    assert (chosen.change.kind, chosen.because) == (NONE, because)
    assert (chosen.unseen(found) == found.logits).all()
