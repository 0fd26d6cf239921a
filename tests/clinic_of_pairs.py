"""A made-up clinic in which every input of a patient tells how ill the patient is, and no more.

So a note says much about the measurements, and the shared space can bring them together.
"""

from __future__ import annotations

from dataclasses import replace

import clinic_of_two
import numpy as np
from clinic_of_two import NOW

from clinical.case.case import Case, input_digest
from clinical.case.shapes import Events, Measurements, Text, Texts
from clinical.terms import normalise
from pipelines.training.dataset import CachedCase, Dataset

STUDY = replace(
    clinic_of_two.STUDY,
    name="pairs",
    model=replace(clinic_of_two.STUDY.model, space=8),
    training=replace(clinic_of_two.STUDY.training, space_epochs=60, token_dropout=0.0),
)
WORDS = (
    "Walks the dog every day.",
    "A slight cold since the weekend.",
    "Coughs and feels hot in the evening.",
    "Shivers with high fever and stays in bed.",
    "Confused and gasping for air.",
    "Unconscious, brought in by ambulance.",
)


def make_case(number: int, illness: float) -> Case:
    """A case as ill as said, from 0 to 1."""
    crp = normalise.measurement("1988-5", f"{3 * 100**illness:.2f}", "mg/L", time=NOW)
    said = WORDS[min(int(illness * len(WORDS)), len(WORDS) - 1)]
    return Case(
        f"c{number:04d}",
        f"p{number:04d}",
        NOW,
        {
            "measurements": Measurements((crp,)),
            "history": Events((), 20 + 70 * illness, "female"),
            "notes": Texts((Text("complaint", said),)),
        },
    )


def make_cases(cases: int, seed: int) -> list[Case]:
    """One case for each patient."""
    illness = np.random.default_rng(seed).random(cases)
    return [make_case(number, float(value)) for number, value in enumerate(illness)]


def make_dataset(cases: int, seed: int) -> Dataset:
    """The same cases for training; the one diagnosis is being more ill than half."""
    made = make_cases(cases, seed)
    ages = [case.inputs["history"].age_years for case in made]  # type: ignore[union-attr]
    labels = (np.array(ages, dtype=float)[:, None] > 55).astype(float)
    cached = tuple(CachedCase(case, {}, input_digest(case)) for case in made)
    return Dataset(cached, ("ill",), labels, (), ())
