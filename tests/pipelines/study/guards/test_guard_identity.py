"""Embeddings that identify patients are a fault where a split divides patients, else a remark."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_shortcuts import QUICK, dataset_of, labels_of

from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.identity import identity, own_ranks

BY_PATIENT = ["train", "train", "test", "test"] * 30
BY_CASE = ["train", "test"] * 60


def prints(alike: float) -> np.ndarray:
    """Two images each of 60 patients; noise, and a fingerprint `alike` times as strong."""
    generator = np.random.default_rng(7)
    return generator.normal(size=(120, 20)) + alike * np.repeat(
        generator.normal(size=(60, 20)), 2, axis=0
    )


def found(alike: float, splits: list[str]) -> GuardResult:
    result = identity(dataset_of(labels_of(120), images=prints(alike), splits=splits), QUICK)
    assert isinstance(result, GuardResult)
    return result


def test_it_fires_where_images_identify_patients_and_the_split_divides_them() -> None:
    result = found(4, BY_CASE)
    assert (result.estimate.value or 0) > 0.9
    assert result.counts["patients on both sides of the cohort's split"] == 60
    assert result.fires
    assert "split by patient" in result.sentence


@pytest.mark.parametrize("splits", [BY_PATIENT, []])
def test_with_splits_by_patient_it_only_says_when_it_would_matter(splits: list[str]) -> None:
    result = found(4, splits)
    assert (result.estimate.value or 0) > 0.9
    assert not result.fires
    assert "only when a patient is on both sides" in result.sentence


def test_images_that_tell_no_patients_apart_do_not_fire() -> None:
    result = found(0, BY_CASE)
    assert (result.estimate.value or 0) < 0.1
    assert not result.fires
    assert "do not identify" in result.sentence


def test_ranks_by_hand() -> None:
    angles = np.deg2rad([0, 10, 5, 180, 200])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ranks, chances = own_ranks(rows / rows.std(axis=0), ["a", "a", "b", "c", "c"])
    assert ranks[2] == 0
    assert (ranks[3], ranks[4]) == (1, 1)
    assert min(ranks[:2]) >= 1
    np.testing.assert_allclose(chances, [0.25, 0.25, 0, 0.25, 0.25])


def test_an_exact_tie_counts_against() -> None:
    rows = np.array([[1.0, 0], [1, 0], [1, 0], [-1, 1], [0, 2]])
    ranks, _ = own_ranks(rows, ["a", "a", "b", "c", "d"])
    assert ranks.tolist() == [2, 2, 0, 0, 0]


def test_the_label_of_a_patients_other_cases_is_reported() -> None:
    labels = np.repeat((np.arange(60) % 2).astype(float), 2)
    result = identity(dataset_of(labels, images=prints(0)), QUICK)
    assert isinstance(result, GuardResult)
    assert result.figures["AUROC, the patient's other cases to gout"].value == 1


def test_too_few_repeated_patients_are_skipped() -> None:
    patients = [f"p{i}" for i in range(116)] + ["p0", "p1", "p2", "p3"]
    result = identity(dataset_of(labels_of(120), images=prints(1), patients=patients), QUICK)
    assert result == Skipped("identity", "image", "4 patients have two images, where 5 are needed")
    none = identity(dataset_of(labels_of(20)), QUICK)
    assert isinstance(none, Skipped)
