"""What was measured must not tell the label by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from clinic_of_shortcuts import CASES, QUICK, dataset_of, labels_of, labs, measured, note

from clinical.case.shapes import Event, Events
from pipelines.study.guards.alone import told_alone
from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.missingness import missingness, presence


def with_troponin(labels: np.ndarray, sick: float, well: float) -> list[dict[str, object]]:
    """Troponin is measured at one rate in the sick and another in the well; its value is noise."""
    generator = np.random.default_rng(8)
    ordered = generator.random(len(labels)) < np.where(labels == 1, sick, well)
    return [
        {"labs": labs(measured("crp", 5.0), measured("tnt", 1.0 if done else None))}
        for done in ordered
    ]


def only(labels: np.ndarray, sick: float, well: float) -> GuardResult:
    dataset = dataset_of(labels, inputs=with_troponin(labels, sick, well))  # type: ignore[arg-type]
    (found,) = missingness(dataset, QUICK)
    assert isinstance(found, GuardResult)
    return found


def test_a_test_that_only_the_sick_get_fires() -> None:
    found = only(labels_of(), sick=0.9, well=0.1)
    assert found.fires
    # Told right in nine of ten of either kind: 0.5 * (0.9 + 0.9).
    assert abs((found.estimate.value or 0) - 0.9) < 0.06
    assert "who was tested" in found.sentence


def test_a_test_that_is_missing_at_random_does_not_fire() -> None:
    found = only(labels_of(), sick=0.5, well=0.5)
    assert not found.fires
    assert found.estimate.low is not None
    assert found.estimate.low < 0.6


def test_chance_alone_rarely_fires() -> None:
    """Sixteen small cohorts in which nothing is to be found."""
    fired = 0
    for seed in range(16):
        generator = np.random.default_rng(seed)
        dataset = dataset_of((generator.random(100) < 0.3).astype(float))
        rows = generator.normal(size=(100, 8))
        (found,) = told_alone("noise", dataset, rows, QUICK, what="noise", worry="chance")
        assert isinstance(found, GuardResult)
        fired += found.fires
    assert fired <= 1


def test_only_presence_is_read_and_never_a_value() -> None:
    labels = labels_of()
    inputs = [{"labs": labs(measured("crp", 100.0 * label))} for label in labels]
    inputs[0] = {}
    (found,) = missingness(dataset_of(labels, inputs=inputs), QUICK)
    assert isinstance(found, GuardResult)
    assert not found.fires


def test_items_are_codes_modalities_and_demographics_but_no_events() -> None:
    inputs = [
        {"labs": labs(measured("crp", 5.0), measured("tnt", None)), "notes": note("Well.")},
        {"history": Events((Event("I10", "Hypertension"),), 60.0, None)},
    ]
    rows, names = presence(dataset_of(labels_of(2), inputs=inputs).cases)
    assert names == ["history", "history:age", "labs", "labs:crp", "notes"]
    np.testing.assert_array_equal(rows, [[0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])


def test_nothing_missing_and_too_few_are_skipped() -> None:
    everything = dataset_of(labels_of(), inputs=[{"labs": labs(measured("crp", 1.0))}] * CASES)
    (found,) = missingness(everything, QUICK)
    assert isinstance(found, Skipped)
    assert "do not differ" in found.reason
    labels = labels_of()
    dataset = dataset_of(labels, inputs=with_troponin(labels, 0.9, 0.1))  # type: ignore[arg-type]
    (few,) = missingness(replace(dataset, labels=np.ones((CASES, 1))), QUICK)
    assert isinstance(few, Skipped)
    assert "too few" in few.reason
    assert missingness(dataset_of(np.empty(0)), QUICK) == (
        Skipped(
            "missingness", "gout", "cases do not differ in what is present and what is missing"
        ),
    )
