"""Notes that name the diagnosis, and what they tell without those sentences."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_shortcuts import CASES, QUICK, dataset_of, labels_of, note

from pipelines.study.guards.diagnosis_names import named, names_of
from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.notes_named import notes_named

NAME = "pleural_effusion"


def notes(naming: np.ndarray, clue: np.ndarray, how: str = "Pleural effusion.") -> list[str]:
    """A clue where there is one, a naming sentence where there is one, and something of no use."""
    weather = np.random.default_rng(11).choice(["Came by bus.", "Came by car."], len(naming))
    return [
        " ".join(filter(None, [way, "Dull below." if c else "", how if n else ""]))
        for way, c, n in zip(weather, clue, naming, strict=True)
    ]


def only(labels: np.ndarray, texts: list[str]) -> GuardResult:
    dataset = dataset_of(labels, inputs=[{"notes": note(text)} for text in texts], name=NAME)
    (found,) = notes_named(dataset, judging=QUICK)
    assert isinstance(found, GuardResult)
    return found


def rate(labels: np.ndarray, sick: float, well: float, seed: int = 12) -> np.ndarray:
    chance = np.where(labels == 1, sick, well)
    return np.asarray(np.random.default_rng(seed).random(len(labels)) < chance)


def test_notes_that_are_good_only_because_they_name_it_fire() -> None:
    labels = labels_of()
    naming = rate(labels, 0.8, 0.0)
    found = only(labels, notes(naming, rate(labels, 0.5, 0.5, 13)))
    assert found.fires
    assert (found.estimate.value or 0) > 0.25
    share = found.figures["share of positive cases whose note names it"]
    assert share.value == pytest.approx(naming[labels == 1].mean())
    without = found.figures["AUROC, without sentences that name it"]
    assert without.value == pytest.approx(0.5, abs=0.1)


def test_naming_fires_also_where_the_other_sentences_tell_as_much() -> None:
    labels = labels_of()
    found = only(labels, notes(rate(labels, 0.8, 0.0), labels == 1))
    assert (found.estimate.value or 0) < 0.05
    assert found.fires
    assert "being named alone predicts it" in found.sentence


@pytest.mark.parametrize("how", ["Pleural effusion.", "No effusion seen."])
def test_a_question_or_denial_asked_of_everybody_does_not_fire(how: str) -> None:
    labels = labels_of()
    found = only(labels, notes(rate(labels, 0.5, 0.5), rate(labels, 0.8, 0.2, 13), how))
    assert not found.fires
    assert (found.figures["AUROC, all sentences"].value or 0) > 0.7
    assert found.figures["AUROC, whether it is named"].value == pytest.approx(0.5, abs=0.1)


def test_denials_of_the_well_are_mentions_that_tell() -> None:
    """The well are told apart by the denial; the sign of the mention does not matter to a leak."""
    labels = labels_of()
    found = only(labels, notes(rate(labels, 0.0, 0.8), rate(labels, 0.5, 0.5, 13), "No effusion."))
    assert found.fires
    assert (found.estimate.value or 0) > 0.2


def test_a_synonym_that_is_given_counts() -> None:
    labels = labels_of()
    texts = notes(rate(labels, 0.9, 0.0), rate(labels, 0.5, 0.5, 13), "Fluid on the lung.")
    dataset = dataset_of(labels, inputs=[{"notes": note(text)} for text in texts], name=NAME)
    (silent,) = notes_named(dataset, judging=QUICK)
    (found,) = notes_named(dataset, {NAME: ["fluid on the lung"]}, QUICK)
    assert isinstance(silent, GuardResult)
    assert isinstance(found, GuardResult)
    assert (silent.fires, found.fires) == (False, True)


def test_what_cannot_be_computed_is_skipped() -> None:
    labels = labels_of()
    assert notes_named(dataset_of(labels), judging=QUICK) == (
        Skipped("notes_named", "gout", "no case has notes"),
    )
    inputs = [{"notes": note("Well.")}] * CASES
    (found,) = notes_named(dataset_of(labels, inputs=inputs, name="none_of_these"), judging=QUICK)
    assert isinstance(found, Skipped)
    assert "no word" in found.reason
    few = dataset_of(labels, inputs=[*inputs[:8], *[{}] * (CASES - 8)])
    (found,) = notes_named(few, judging=QUICK)
    assert isinstance(found, Skipped)
    assert "too few" in found.reason


@pytest.mark.parametrize(
    ("called", "sentence", "expected"),
    [
        ("bacterial_pneumonia", "Pneumonia to be excluded.", True),
        ("bacterial_pneumonia", "no pneumonias before", True),
        ("bacterial_pneumonia", "Bacterial culture sent.", False),
        ("heart_failure", "Failure of the left heart.", True),
        ("heart_failure", "Heart rate 90.", False),
        ("pulmonary_embolism", "?embolism", True),
        ("PE", "DD PE", True),
        ("PE", "pe teacher", False),
        ("Chronic obstructive pulmonary disease, unspecified", "Known COPD.", True),
        ("COVID-19", "Covid swab sent.", True),
        ("lung_mass", "Masses in both lungs.", True),
        ("lung_mass", "Body mass index 31.", False),
    ],
)
def test_what_names_a_diagnosis(called: str, sentence: str, expected: bool) -> None:
    names = names_of([called])
    assert names is not None
    assert named(sentence, names) is expected
