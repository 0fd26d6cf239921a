"""Recall on examples small enough to count on the fingers."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.assess.similar import Index
from pipelines.retrieval.recall import (
    agreeing_ranks,
    first_of_each_patient,
    partner_ranks,
    recall,
    recall_table,
)

# Who (row) sees whom (column) how near. Of A the own partner is first, of B second, of C last.
NEAR = np.array([[0.9, 0.1, 0.2], [0.7, 0.5, 0.3], [0.8, 0.6, 0.4]])
FLU, NONE = frozenset({"flu"}), frozenset[str]()


def test_the_rank_of_the_own_partner() -> None:
    assert partner_ranks(NEAR).tolist() == [1, 2, 3]


def test_a_tie_counts_against_the_partner() -> None:
    # A space in which all lie at one place finds nobody.
    assert partner_ranks(np.ones((4, 4))).tolist() == [4, 4, 4, 4]


def test_the_rank_of_another_patient_with_the_same_diagnoses() -> None:
    ranks, alike = agreeing_ranks(NEAR, [FLU, NONE, FLU])
    # A sees C (0.2) before B (0.1); B is the only one without a diagnosis; C sees A first.
    assert ranks.tolist() == [1, np.inf, 1]
    assert alike.tolist() == [1, 0, 1]
    ranks, _ = agreeing_ranks(NEAR, [FLU, FLU, NONE])
    assert ranks.tolist() == [2, 1, np.inf]


def test_unknown_diagnoses_agree_with_nobody() -> None:
    _, alike = agreeing_ranks(NEAR, [None, None, NONE])
    assert alike.tolist() == [0, 0, 0]


def circle(shift: float, cases: int = 40, turned: bool = False) -> Index:
    """Notes on a circle, images a little further round it."""
    angles = np.linspace(0, 2 * np.pi, cases, endpoint=False)
    places = {"notes": angles, "image": -angles if turned else angles + shift}
    names = tuple(f"c{i}" for i in range(cases))
    return Index(
        "",
        names,
        names,
        {name: np.arange(cases) for name in places},
        {n: np.stack([np.cos(a), np.sin(a)], axis=1).astype("f4") for n, a in places.items()},
    )


def test_a_space_that_aligns_finds_every_partner() -> None:
    found = recall(circle(0.0), range(40), [FLU] * 40, "notes", "image", samples=50)
    assert found is not None
    assert [found.exact[k].value for k in (1, 5, 10)] == [1, 1, 1]
    assert [found.exact[k].chance for k in (1, 5, 10)] == [1 / 40, 5 / 40, 10 / 40]
    assert found.median_rank == (1, 1, 1)


def test_a_shift_by_two_places_is_found_among_five() -> None:
    found = recall(circle(2.01 * 2 * np.pi / 40), range(40), [FLU] * 40, "notes", "image")
    assert found is not None
    assert found.exact[1].value == 0
    assert found.exact[5].value == 1
    assert found.median_rank[0] == 5


def test_a_space_without_meaning_is_near_chance() -> None:
    found = recall(circle(0.0, turned=True), range(40), [NONE] * 40, "notes", "image")
    assert found is not None
    share = found.exact[10]
    assert share.low < share.chance < share.high


def test_chance_of_agreement_is_that_of_blind_drawing() -> None:
    diagnoses = [FLU] * 4 + [NONE] * 36
    found = recall(circle(0.0), range(4), diagnoses, "notes", "image")
    assert found is not None
    assert found.agreeing[1].chance == 1
    found = recall(circle(0.0), range(40), [*[FLU] * 2, *[None] * 38], "notes", "image")
    assert found is not None
    assert found.agreeing_patients == 2
    assert found.agreeing[1].chance == pytest.approx(1 / 39)
    # Both neighbours on the circle are equally near, and a tie counts against.
    assert found.agreeing[1].value == 0
    assert found.agreeing[5].value == 1


def test_only_patients_with_both_are_compared() -> None:
    index = circle(0.0)
    rows = {**index.rows, "notes": np.array([0, 1])}
    vectors = {**index.vectors, "notes": index.vectors["notes"][:2]}
    part = Index("", index.case_ids, index.patient_ids, rows, vectors)
    found = recall(part, range(40), [FLU] * 40, "image", "notes")
    assert found is not None
    assert found.patients == 2
    assert recall(part, range(1, 40), [FLU] * 40, "image", "notes") is None


def test_the_same_seed_gives_the_same_interval() -> None:
    index = circle(0.3)
    once, again = (recall(index, range(40), [NONE] * 40, "notes", "image") for _ in range(2))
    assert once == again


def test_one_case_of_each_patient() -> None:
    assert first_of_each_patient(["p", "q", "p", "r"]) == [0, 1, 3]
    assert first_of_each_patient(["p", "q", "p", "r"], 2) == [0, 1]


def test_the_table_names_chance() -> None:
    found = recall(circle(0.0), range(40), [FLU] * 40, "notes", "image", samples=20)
    assert found is not None
    table = recall_table([found])
    assert "| notes -> image | 40 | exact | 100.0% [100.0%, 100.0%] (chance 2.5%)" in table
    assert "same diagnoses" in table
