"""The report as blocks: its order, and that parts come and go with the figures."""

from __future__ import annotations

from typing import Any

import pytest
from study_metrics import beside_others, examples, learning_curve, metrics, operating_point, stress

from pipelines.reports.blocks import Box, Figures, Heading, Paragraph, Table
from pipelines.study.document import document


def parts(found: dict[str, Any]) -> list[str]:
    blocks = document(found).blocks
    return [b.text for b in blocks if isinstance(b, Heading) and b.level == 1]


def full() -> dict[str, Any]:
    return {
        **metrics("heart_failure", "copd"),
        **beside_others(),
        "stress": stress(),
        "learning_curve": learning_curve(),
        "examples": examples("heart_failure", "copd"),
    }


def table(found: dict[str, Any], column: str) -> Table:
    """The first table with such a column."""
    blocks = document(found).blocks
    tables = [b for b in blocks if isinstance(b, Table)]
    return next(t for t in tables if column in [c.name for c in t.columns])


def sentences(found: dict[str, Any]) -> str:
    return "\n".join(b.text for b in document(found).blocks if isinstance(b, Paragraph))


def test_the_order_is_that_of_a_reader() -> None:
    assert parts(full()) == [
        "Who is in the study",
        "All labels together",
        "Beside other methods",
        "heart failure",
        "COPD",
        "Missing inputs",
        "More patients",
        "Example cases, right and wrong",
        "Splits and their checks",
        "Prediction sets",
        "Guards",
        "Limits of this study",
    ]


def test_verdict_and_alarms_come_before_everything() -> None:
    verdict, alarm, *_ = document(full()).blocks
    assert isinstance(verdict, Box)
    assert isinstance(alarm, Box)
    assert (verdict.title, verdict.tone) == ("Fusion adds 0.050 [0.020, 0.080] AUROC.", "good")
    assert (alarm.title, alarm.tone) == ("1 guard against shortcuts and leaks fired", "bad")
    assert alarm.items[0].lead == "notes named, pneumonia:"


@pytest.mark.parametrize("absent", ["gone", "null"])
def test_an_older_study_has_fewer_parts(absent: str) -> None:
    found = metrics()
    if absent == "null":
        found |= dict.fromkeys(("stress", "learning_curve", "examples"))
    assert {"More patients", "Example cases, right and wrong"}.isdisjoint(parts(found))
    assert "Missing inputs" in parts(found)
    found["subgroups"]["groups"] = []
    assert "Missing inputs" not in parts(found)


def test_without_calibration_maps_there_is_no_second_curve() -> None:
    found = metrics()
    del found["labels"]["pneumonia"]["use"]["triptych, recalibrated"]
    svg = document(found).pictures["1-pneumonia-calibration"].svg
    assert "recalibrated" not in svg


def test_every_figure_that_is_shown_is_there_and_shown_once() -> None:
    found = document(full())
    shown = [name for b in found.blocks if isinstance(b, Figures) for name in b.names]
    assert sorted(shown) == sorted(found.pictures)
    assert len(shown) == 1 + 2 * 5 + 1 + 2 + 1


def test_comparators_stand_below_the_model_at_their_own_thresholds() -> None:
    found = metrics()
    assert [row.cells[0] for row in table(found, "PPV").rows] == ["triptych"]
    found["labels"]["pneumonia"]["comparators"] = {"late fusion": operating_point()}
    rows = table(found, "PPV").rows
    assert [(row.cells[0], row.strong) for row in rows] == [
        ("triptych", True),
        ("late fusion", False),
    ]
    assert rows[1].cells[1] == "0.900 [0.870, 0.930]"


def test_guards_that_fired_come_first_and_every_row_fills_its_columns() -> None:
    rows = table(metrics(), "Finding").rows
    assert [row.cells[-2] for row in rows] == ["yes", "no"]
    for block in document(full()).blocks:
        if isinstance(block, Table):
            assert {len(row.cells) for row in block.rows} == {len(block.columns)}


def test_what_twice_as_many_patients_buy_is_a_sentence() -> None:
    found = {**metrics(), "learning_curve": learning_curve()}
    assert "(1,600 rather than 800)" in sentences(found)
    assert "+0.021 [+0.011, +0.031]" in sentences(found)


def test_no_fit_has_a_reason() -> None:
    found = {**metrics(), "learning_curve": learning_curve("3 sizes, 4 are needed")}
    assert "No curve is fitted to these points: 3 sizes, 4 are needed." in sentences(found)
    assert "Twice as many" not in sentences(found)
    found["learning_curve"]["fit"] = None
    assert "there is no fit" in sentences(found)


def test_the_model_stands_beside_others_with_every_fold_and_seed() -> None:
    found = {**metrics(), **beside_others()}
    found["study"]["repeats"] = 3
    assert table(found, "Difference").rows[0].cells == (
        "triptych minus late fusion",
        "+0.050 [+0.020, +0.080]",
        "better",
    )
    cells = [row.cells for row in table(found, "Fold").rows]
    assert cells[0] == ("site A", "1,100", "90", "2", "0.810", "-")
    assert table(found, "Hidden from half").rows[0].cells[0] == "notes"
    assert "macro AUROC 0.830 [0.800, 0.860]" in sentences(found)
    assert "over seeds: triptych 0.012" in sentences(found)
    assert "to the oracle that the model goes: 0.700" in sentences(found)


def test_guards_that_were_off_are_not_silent() -> None:
    found = metrics()
    found["study"]["guards"], found["guards"] = False, []
    assert "Guards against shortcuts and leaks were switched off." in sentences(found)
    assert "Guards" not in parts(found)
