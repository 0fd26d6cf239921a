"""Made-up datasets for the guards: one label, and whatever leak or shortcut a test plants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from clinical.case.case import Case
from clinical.case.shapes import Measurement, Measurements, Shape, Text, Texts
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph.encoder import grid_sources
from pipelines.study.guards.out_of_fold import Judging
from pipelines.training.dataset import CachedCase, Dataset

CASES = 240
QUICK = Judging(samples=100)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

Values = np.ndarray
Inputs = Mapping[str, Shape]


def labels_of(cases: int = CASES, seed: int = 0) -> Values:
    """About two fifths positive."""
    return (np.random.default_rng(seed).random(cases) < 0.4).astype(float)


def dataset_of(
    labels: Values,
    *,
    inputs: Sequence[Inputs] | None = None,
    images: Values | None = None,
    sites: Sequence[str] | None = None,
    patients: Sequence[str] | None = None,
    times: Sequence[datetime] | None = None,
    splits: Sequence[str] = (),
    name: str = "gout",
) -> Dataset:
    """One diagnosis, two cases a patient; `images` are embeddings [cases, size] of one patch."""
    number = len(labels)
    cases = []
    for i in range(number):
        case = Case(
            f"c{i:03d}",
            patients[i] if patients else f"p{i // 2:03d}",
            times[i] if times else NOW,
            inputs[i] if inputs else {},
            sites[i] if sites else "",
        )
        cases.append(CachedCase(case, {} if images is None else {"image": (picture(images[i]),)}))
    return Dataset(tuple(cases), (name,), labels[:, None], (), (), splits=tuple(splits))


def picture(embedding: Values) -> Prepared:
    return Prepared({"patch": embedding[None].astype(np.float32)}, grid_sources(1))


def measured(code: str, value: float | None, hours_before: float | None = 1.0) -> Measurement:
    time = None if hours_before is None else NOW - timedelta(hours=hours_before)
    return Measurement(code, code, value, "mg/L", time, str(value), "mg/L")


def labs(*items: Measurement) -> Measurements:
    return Measurements(items)


def note(text: str, time: datetime | None = NOW) -> Texts:
    return Texts((Text("note", text, time),))
