"""A site is a shortcut where the image shows it and it carries the label; neither alone is one."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_shortcuts import CASES, QUICK, dataset_of, labels_of

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from pipelines.study.guards.acquisition import OTHERS, acquisition, facts_of, widest_difference
from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.training.dataset import Dataset


def clinic(labels: np.ndarray, sites: list[str], shown: float, **more: object) -> Dataset:
    """Embeddings of noise, with the site added `shown` standard deviations strong."""
    images = np.random.default_rng(5).normal(size=(len(labels), 12))
    names = sorted(set(sites))
    for row, site in zip(images, sites, strict=True):
        row[names.index(site)] += shown
    return dataset_of(labels, images=images, sites=sites, **more)  # type: ignore[arg-type]


def sites_by(labels: np.ndarray, differ: float) -> list[str]:
    """Two sites; positives are at A so much more often than the others."""
    chance = 0.5 + differ * (labels - 0.5)
    drawn = np.random.default_rng(6).random(len(labels)) < chance
    return ["A" if at_a else "B" for at_a in drawn]


def only(dataset: Dataset) -> GuardResult:
    (found,) = acquisition(dataset, judging=QUICK)
    assert isinstance(found, GuardResult)
    return found


def test_a_site_that_is_visible_and_carries_the_label_fires() -> None:
    labels = labels_of()
    found = only(clinic(labels, sites_by(labels, 0.6), shown=6))
    assert found.fires
    assert (found.estimate.value or 0) > 0.95
    assert (found.figures["AUROC, site alone to gout"].value or 0) > 0.7
    assert "in place of the disease" in found.sentence


def test_a_visible_site_with_about_the_same_prevalence_does_not_fire() -> None:
    labels = labels_of(600)
    found = only(clinic(labels, sites_by(labels, 0.08), shown=6))
    assert (found.estimate.value or 0) > 0.95
    assert not found.fires
    assert found.sentence.endswith("predicts no diagnosis well.")


def test_a_site_that_no_image_shows_does_not_fire() -> None:
    labels = labels_of()
    found = only(clinic(labels, sites_by(labels, 0.6), shown=0))
    assert (found.estimate.value or 1) < 0.7
    assert not found.fires


def test_one_small_detector_with_positives_only_fires() -> None:
    """It hardly moves the AUROC of the detector, but every one of its images is given away."""
    labels = labels_of(500)
    fields = np.where(np.arange(500) % 2, "wide", "narrow").astype(object)
    fields[np.flatnonzero(labels == 1)[:24]] = "tall"
    dataset = clinic(labels, fields.tolist(), shown=6)
    facts = {"field": {f"c{i:03d}": field for i, field in enumerate(fields)}}
    _, found = acquisition(dataset, facts, QUICK)
    assert isinstance(found, GuardResult)
    assert (found.figures["AUROC, field alone to gout"].value or 1) < 0.6
    assert (found.figures["gout, widest difference in prevalence"].value or 0) > 0.5
    assert found.fires


def test_small_groups_are_taken_together() -> None:
    labels = labels_of()
    sites = [f"tiny {i % 40}" if i < 80 else "A" for i in range(CASES)]
    assert only(clinic(labels, ["A" if s == "A" else OTHERS for s in sites], 6)).counts == {
        OTHERS: 80,
        "A": 160,
    }
    images = dataset_of(labels, images=np.ones((CASES, 3)), sites=sites)
    found = acquisition(images, judging=QUICK)[0]
    assert isinstance(found, GuardResult)
    assert found.counts == {OTHERS: 80, "A": 160}


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (dataset_of(labels_of(), sites=["A", "B"] * 120), "no case has an image"),
        (dataset_of(labels_of(), images=np.ones((CASES, 3))), "fewer than two groups"),
        (
            dataset_of(labels_of(), images=np.ones((CASES, 3)), sites=["A"] * 235 + ["B"] * 5),
            "fewer than two groups",
        ),
        (
            dataset_of(
                labels_of(),
                images=np.ones((CASES, 3)),
                sites=["A"] * 200 + ["B"] * 40,
                patients=[f"p{i}" for i in range(200)] + ["one", "two"] * 20,
            ),
            "fewer than 5 patients",
        ),
        (
            dataset_of(
                np.zeros(CASES), images=np.ones((CASES, 3)), sites=["A", "A", "B", "B"] * 60
            ),
            "no diagnosis has enough",
        ),
    ],
)
def test_what_cannot_be_computed_is_skipped_with_its_reason(dataset: Dataset, reason: str) -> None:
    (found,) = acquisition(dataset, judging=QUICK)
    assert isinstance(found, Skipped)
    assert reason in found.reason


def test_the_widest_difference_is_that_of_the_shares() -> None:
    belongs = np.eye(3)[[0] * 10 + [1] * 10 + [2] * 20]
    label = np.array([1.0] * 8 + [0] * 2 + [1] * 3 + [0] * 7 + [1] * 4 + [0] * 16)
    found = widest_difference(belongs, label, [str(i) for i in range(40)], QUICK)
    assert found.value == pytest.approx(8 / 10 - 7 / 30)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


def test_facts_are_read_from_whole_cases() -> None:
    image = Array(np.zeros((400, 500)), spacing=(1.0, 0.8), source={"ViewPosition": "ap"})
    bare = Array(np.zeros((4, 4)))
    cases = [
        Case("a", "p", None, {"image": Arrays((image,))}),
        Case("b", "p", None, {"image": Arrays((bare,))}),
        Case("c", "p", None, {}),
    ]
    assert facts_of(cases) == {"view": {"a": "AP"}, "field": {"a": "40 x 40 cm"}}
