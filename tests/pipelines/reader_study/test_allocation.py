"""Who reads what, when and how: crossed, balanced, and the same for a seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from clinical.errors import ConfigError
from pipelines.reader_study.allocation import CONDITIONS, Place, allocate, williams

READERS = [f"reader {n}" for n in range(6)]
STRATA = {f"c{n:02d}": (n % 3 == 0, n % 8 == 0) for n in range(24)}


def places() -> list[Place]:
    return allocate(READERS, STRATA, CONDITIONS, seed=5)


def test_every_reader_reads_every_case_under_every_condition_once() -> None:
    found = Counter((p.reader, p.case_id, p.condition) for p in places())
    assert set(found.values()) == {1}
    assert len(found) == 6 * 24 * 3


def test_a_case_comes_once_in_a_session() -> None:
    found = Counter((p.reader, p.session, p.case_id) for p in places())
    assert set(found.values()) == {1}


def test_each_session_holds_each_condition_equally_often() -> None:
    found = Counter((p.reader, p.session, p.condition) for p in places())
    assert set(found.values()) == {8}


def test_cases_with_the_diagnosis_are_dealt_out_evenly() -> None:
    ill = {case_id for case_id, (has, _) in STRATA.items() if has}
    found = Counter((p.reader, p.session, p.condition) for p in places() if p.case_id in ill)
    assert max(found.values()) - min(found.values()) <= 1


@pytest.mark.parametrize("conditions", [2, 3, 4])
def test_each_condition_follows_each_other_equally_often(conditions: int) -> None:
    rows = williams(conditions)
    followed = Counter(pair for row in rows for pair in pairwise(row))
    assert len(followed) == conditions * (conditions - 1)
    assert len(set(followed.values())) == 1
    for place in range(conditions):
        assert len(set(Counter(row[place] for row in rows).values())) == 1


def test_readers_have_orders_of_their_own_and_a_seed_draws_the_same_again() -> None:
    first = [p.case_id for p in places() if (p.reader, p.session) == (READERS[0], 1)]
    second = [p.case_id for p in places() if (p.reader, p.session) == (READERS[1], 1)]
    assert first != second
    assert places() == places()
    assert places() != allocate(READERS, STRATA, CONDITIONS, seed=6)


def test_the_name_in_a_session_says_nothing_of_the_case() -> None:
    assert {p.shown_as for p in places()} == {f"read-{n:03d}" for n in range(1, 25)}


@pytest.mark.parametrize(
    ("readers", "cases", "conditions"),
    [
        (["one"], STRATA, CONDITIONS),
        (["one", "one"], STRATA, CONDITIONS),
        (READERS, STRATA, ("none",)),
        (READERS, STRATA, ("none", "none")),
        (READERS, {"a": (True, False), "b": (False, False)}, CONDITIONS),
        (READERS, dict.fromkeys(STRATA, (True, False)), CONDITIONS),
    ],
)
def test_what_is_no_study_is_refused(
    readers: list[str], cases: dict[str, tuple[bool, bool]], conditions: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError):
        allocate(readers, cases, conditions, seed=1)  # type: ignore[arg-type]
