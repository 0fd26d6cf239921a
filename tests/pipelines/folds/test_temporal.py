"""The past is learnt from, what came later is tested, and nobody is on both sides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.case.case import Case
from clinical.errors import CohortError
from clinical.tables.clock import OFFSET_EPOCH
from pipelines.folds.temporal import day, day_of_share, decided, temporal_split

START = date(2022, 1, 1)


def on(*numbers: int | None) -> list[date | None]:
    return [None if n is None else START + timedelta(days=n) for n in numbers]


def test_the_cut_day_itself_is_tested() -> None:
    found = temporal_split(on(0, 9, 10, 11), list("abcd"), START + timedelta(days=10))
    assert (found.fold.train.tolist(), found.fold.test.tolist()) == ([0, 1], [2, 3])
    assert (found.fold.removed, found.undated) == (0, 0)
    assert str(found) == (
        "2 cases decided before 2022-01-11 are for training, 2 decided from then on are tested."
    )


def test_a_returning_patient_is_tested_and_the_earlier_cases_are_not_learnt_from() -> None:
    # a returns after the cut, b does not; d has no date.
    found = temporal_split(
        on(0, 20, 1, 2, None, 30, 21), list("aabbdca"), START + timedelta(days=10)
    )
    assert found.fold.train.tolist() == [2, 3]
    assert found.fold.test.tolist() == [1, 5, 6]
    assert (found.fold.removed, found.undated) == (1, 1)
    assert "1 earlier cases of tested patients are not used for training." in str(found)
    assert "1 cases without a decision date are left out." in str(found)


def test_every_later_case_is_tested_so_that_returning_patients_are_represented() -> None:
    days = on(*range(40))
    found = temporal_split(days, [f"p{n % 15}" for n in range(40)], START + timedelta(days=30))
    assert found.fold.test.tolist() == list(range(30, 40))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 60))),
        min_size=2,
        max_size=60,
    ),
    st.floats(0.05, 0.95),
)
def test_no_patient_is_on_both_sides_and_no_case_is_lost(
    rows: list[tuple[int, int | None]], share: float
) -> None:
    patients, days = [str(who) for who, _ in rows], on(*(when for _, when in rows))
    try:
        cut = day_of_share(days, patients, share)
    except CohortError:
        last = {
            p: max(d for q, d in zip(patients, days, strict=True) if q == p and d)
            for p, when in zip(patients, days, strict=True)
            if when
        }
        assert len(set(last.values())) < 2
        return
    found = temporal_split(days, patients, cut)
    fold = found.fold
    assert not {patients[i] for i in fold.train} & {patients[i] for i in fold.test}
    assert len(fold.train) + len(fold.test) + fold.removed + found.undated == len(rows)
    assert max(days[i] or cut for i in fold.train) < min(days[i] or START for i in fold.test)


def test_a_share_of_patients_is_the_share_that_is_learnt_from() -> None:
    generator = np.random.default_rng(0)
    patients = [f"p{n}" for n in generator.integers(0, 300, 600)]
    days = on(*generator.integers(0, 5000, 600).tolist())
    fold = temporal_split(days, patients, day_of_share(days, patients, 0.7)).fold
    learnt = {patients[i] for i in fold.train}
    assert len(learnt) / len(set(patients)) == pytest.approx(0.7, abs=0.01)


def test_patients_of_one_day_are_on_one_side() -> None:
    days = on(0, 0, 0, 5, 5, 5)
    for share in (0.1, 0.5, 0.9):
        assert day_of_share(days, list("abcdef"), share) == START + timedelta(days=5)


def test_what_cannot_be_cut_is_an_error() -> None:
    with pytest.raises(CohortError, match="0 patients with a decision date"):
        day_of_share(on(None, None), ["a", "b"], 0.5)
    with pytest.raises(CohortError, match="2 patients with a decision date cannot be split"):
        day_of_share(on(3, 3), ["a", "b"], 0.5)
    with pytest.raises(CohortError, match="no case is left to test"):
        temporal_split(on(0, 1), ["a", "b"], START + timedelta(days=9))
    with pytest.raises(CohortError, match="no patient is left to train on"):
        temporal_split(on(0, 9), ["a", "a"], START + timedelta(days=5))
    with pytest.raises(ValueError, match="leaves one side empty"):
        day_of_share(on(0, 9), ["a", "b"], 1.0)


def test_the_stand_in_for_unknown_dates_is_no_date() -> None:
    unknown = Case("c", "p", OFFSET_EPOCH, {})
    assert decided(unknown) is None
    assert day(unknown) is None
    assert day(Case("c", "p", None, {})) is None
    evening = datetime.fromisoformat("2022-03-01T23:30:00-05:00")
    assert day(Case("c", "p", evening, {})) == date(2022, 3, 1)
    assert decided(Case("c", "p", datetime(2022, 3, 1), {})) == datetime(2022, 3, 1, tzinfo=UTC)
