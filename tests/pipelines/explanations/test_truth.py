"""Signs and order of pieces against a truth that is known by hand."""

from __future__ import annotations

import pytest

from pipelines.explanations import truth, truth_tables
from pipelines.explanations.truth import ALONE, EVERY, GIVEN_ALL, MODEL, Against, Compared


def piece(number: int, change: float, alone: float, given: float, **more: object) -> Compared:
    made: dict[str, object] = {
        "case_id": "c1",
        "patient_id": "p1",
        "diagnosis": "heart_failure",
        "modality": "measurements",
        "name": f"analyte {number}",
        "denies": False,
        "shown": True,
        "change": change,
        "alone": alone,
        "given_all": given,
        "halves": (given, given),
    }
    return Compared(**{**made, **more})  # type: ignore[arg-type]


def sign(against: Against, true: str, part: str, strongest: int) -> float | None:
    (one,) = [
        a for a in against.agreements if (a.truth, a.part, a.strongest) == (true, part, strongest)
    ]
    return one.sign.value


PIECES = [
    piece(1, 2.0, 3.0, 1.0),
    piece(2, -1.5, -2.0, 0.5),
    piece(3, 1.0, 1.0, -0.5),
    piece(4, 0.5, -0.7, 0.2),
    piece(5, 0.2, 0.1, 0.1),
    piece(6, -0.1, 0.2, -0.1),
]


def test_the_share_of_right_signs_among_those_that_count_most() -> None:
    found = truth.summarise(PIECES, samples=20)
    assert sign(found, ALONE, EVERY, 5) == pytest.approx(4 / 5)
    assert sign(found, ALONE, EVERY, 10) == pytest.approx(4 / 6)
    assert sign(found, GIVEN_ALL, EVERY, 5) == pytest.approx(3 / 5)


def test_the_first_three_and_their_order() -> None:
    found = truth.summarise(PIECES, samples=20)
    (order,) = [one for one in found.orders if (one.truth, one.other) == (ALONE, MODEL)]
    assert order.top.value == 1.0
    assert order.spearman.value == pytest.approx(1 - 6 * 8 / (6 * 35))


def test_a_ratio_that_is_not_defined_is_left_out() -> None:
    settled = piece(7, 9.0, -1.0, float("nan"))
    found = truth.summarise([*PIECES, settled], samples=20)
    assert sign(found, GIVEN_ALL, EVERY, 5) == pytest.approx(3 / 5)
    assert sign(found, ALONE, EVERY, 5) == pytest.approx(3 / 5)


def test_denials_are_told_apart_and_the_wrong_named() -> None:
    denial = piece(8, 3.0, -2.0, -1.0, modality="notes", name="no fever", denies=True)
    found = truth.summarise([*PIECES, denial], samples=20)
    assert sign(found, ALONE, truth.DENIALS, 5) == 0.0
    assert "no fever (notes)" in "\n".join(truth_tables.tables(found))
    wrong = {one.name: (one.wrong, one.wrong_alone) for one in found.worst}
    assert wrong["no fever"] == (1, 1)
    assert wrong["analyte 1"] == (0, 0)
