"""Two models that know different patients: one adults, one children; weights alike, digests not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Case
from clinical.case.shapes import Events
from clinical.model import model as models
from clinical.model.model import Model

ADULTS: Mapping[str, float | None] = {"from": 18.0, "to": None}
CHILDREN: Mapping[str, float | None] = {"from": 2.0, "to": 18.0}


def named(model: Model, name: str, ages: Mapping[str, float | None] | None = None) -> Model:
    """The same network under another name, for patients of these ages; None is any age."""
    return models.build(
        name=name,
        diagnoses=model.diagnoses,
        specs=model.specs,
        network=model.network,
        support=model.support,
        thresholds=model.thresholds,
        prevalence=model.prevalence,
        envelopes=model.envelopes,
        set_rules=model.set_rules,
        study=model.study,
        facts={**model.facts, "ages": ages},
    )


def write(folder: Path, model: Model) -> Path:
    """A whole checkpoint in `folder`, with its card."""
    models.save(model, folder)
    (folder / "MODEL_CARD.md").write_text(f"# {model.name}\n\nMade up.\n", encoding="utf-8")
    return folder


def aged(case: Case, years: float, case_id: str = "") -> Case:
    """The same case of a patient of that age."""
    history = case.inputs["history"]
    assert isinstance(history, Events)
    inputs = {**case.inputs, "history": replace(history, age_years=years)}
    return replace(case, inputs=inputs, case_id=case_id or case.case_id)
