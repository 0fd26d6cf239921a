"""The verdict on fusion names the simpler model wherever fusion is not shown to be better."""

from __future__ import annotations

from pipelines.folds.compare import ORACLE, Comparison, verdict
from pipelines.statistics.metrics import Interval
from pipelines.study.verdict import fusion_verdict


def against(name: str, value: float | None, half: float = 0.02) -> Comparison:
    area = (
        Interval(None, None, None, 0, 0)
        if value is None
        else Interval(value, value - half, value + half, 0, 0)
    )
    return Comparison("triptych", name, area, {}, 0.01, verdict(area, 0.01))


def test_better_than_all_adds_something() -> None:
    found = fusion_verdict([against("labs alone", 0.031), against("boosting", 0.025)])
    assert found.worth_it is True
    assert found.sentence == (
        "Fusion adds AUROC: +0.031 [+0.011, +0.051] over labs alone;"
        " +0.025 [+0.005, +0.045] over boosting."
    )
    assert not found.simpler


def test_of_the_unbeaten_the_best_is_named() -> None:
    rows = [against("labs alone", 0.01), against("late fusion", 0.05), against("boosting", -0.04)]
    found = fusion_verdict(rows)
    assert found.worth_it is False
    assert found.simpler == "boosting"
    assert found.sentence.startswith("Use the simpler model: boosting.")
    assert "inferior by more than 0.01" in found.sentence
    assert len(found.reasons) == 3


def test_of_equals_within_the_margin_the_simplest_is_named() -> None:
    rows = [
        against("labs alone", 0.005, half=0.01),
        against("late fusion", 0.0, half=0.01),
        against("boosting", -0.003, half=0.01),
    ]
    assert fusion_verdict(rows).simpler == "labs alone"


def test_an_interval_beyond_the_margin_on_both_sides_decides_nothing() -> None:
    rows = [against("labs alone", 0.05), against("late fusion", 0.01, half=0.2)]
    found = fusion_verdict(rows)
    assert found.worth_it is None
    assert found.simpler == "late fusion"
    assert found.sentence.startswith("This cannot be concluded: against late fusion")
    assert "+0.010 [-0.190, +0.210]" in found.sentence


def test_where_nobody_beats_chance_no_model_is_recommended() -> None:
    rows = [against("labs alone", -0.3, half=0.1), against("boosting", 0.05)]
    poor = {name: Interval(0.5, 0.2, 0.9, 0, 0) for name in ("triptych", "labs alone", "boosting")}
    found = fusion_verdict(rows, poor)
    assert found.worth_it is None
    assert not found.simpler
    assert "better than chance" in found.sentence
    good = {**poor, "labs alone": Interval(0.8, 0.7, 0.9, 0, 0)}
    assert fusion_verdict(rows, good).simpler == "labs alone"


def test_the_oracle_is_no_rival() -> None:
    assert fusion_verdict([against("labs alone", 0.1), against(ORACLE, -0.1)]).worth_it is True


def test_what_is_not_defined_cannot_be_concluded() -> None:
    found = fusion_verdict([against("labs alone", None)])
    assert found.worth_it is None
    assert "cannot be concluded" in found.sentence
    assert "too few cases" in found.reasons[0]
