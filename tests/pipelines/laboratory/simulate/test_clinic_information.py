"""How much each modality alone says about each label: something, and never nearly everything.

Simple readers, trained on two thirds of 3,000 patients and tested on the rest, by patient. The
bounds leave room for the chance of a small test set; docs/simulation.md has the measured values.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from clinical.terms import normalise
from pipelines.laboratory.simulate.clinic import LABELS, SimulatedPatient, draw_patient

COUNT = 3000


@dataclass(frozen=True)
class Split:
    patients: tuple[SimulatedPatient, ...]
    train: NDArray[np.bool_]


@lru_cache(maxsize=1)
def split() -> Split:
    patients = tuple(draw_patient(31, number) for number in range(COUNT))
    train = np.array([int(p.patient_id[-6:]) % 3 != 0 for p in patients])
    return Split(patients, train)


def truth(label: str) -> NDArray[np.bool_]:
    return np.array([label in patient.diagnoses for patient in split().patients])


def auroc(model: object, features: object, label: str) -> float:
    train, y = split().train, truth(label)
    model.fit(features[train], y[train])
    return float(roc_auc_score(y[~train], model.predict_proba(features[~train])[:, 1]))


@lru_cache(maxsize=1)
def measured() -> NDArray[np.float64]:
    latest = [
        {m.code: m.value for m in map(_normalised, patient.measurements)}
        for patient in split().patients
    ]
    codes = sorted({code for values in latest for code in values})
    return np.array([[values.get(code, np.nan) for code in codes] for values in latest], float)


def _normalised(row):
    return normalise.measurement(row.code, row.value, row.unit, time=row.time)


@lru_cache(maxsize=1)
def words():
    texts = [" ".join(note.text for note in p.notes) for p in split().patients]
    return CountVectorizer(min_df=5, ngram_range=(1, 2), binary=True).fit_transform(texts)


@lru_cache(maxsize=1)
def history() -> NDArray[np.float64]:
    codes = sorted({e.code for p in split().patients for e in p.events})
    rows = []
    for patient in split().patients:
        stated = {event.code: event.present for event in patient.events}
        row = [float(stated.get(code) is True) for code in codes]
        row += [float(stated.get(code) is False) for code in codes]
        rows.append([*row, float(patient.sex == "male"), (patient.age_years or 60) / 20])
    return np.array(rows)


@pytest.mark.parametrize("label", LABELS)
def test_measurements_inform_but_do_not_decide(label: str) -> None:
    model = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_leaf_nodes=10, min_samples_leaf=15, random_state=0
    )
    assert 0.68 < auroc(model, measured(), label) < 0.95


@pytest.mark.parametrize("label", LABELS)
def test_notes_inform_but_do_not_leak(label: str) -> None:
    assert 0.58 < auroc(LogisticRegression(C=0.03, max_iter=1000), words(), label) < 0.90


@pytest.mark.parametrize("label", LABELS)
def test_history_informs_but_does_not_decide(label: str) -> None:
    assert 0.55 < auroc(LogisticRegression(C=0.1, max_iter=1000), history(), label) < 0.90


@pytest.mark.parametrize("label", LABELS)
def test_what_was_not_measured_says_little(label: str) -> None:
    absent = np.isnan(measured()).astype(float)
    assert auroc(LogisticRegression(C=0.1, max_iter=1000), absent, label) < 0.62


def test_bacterial_and_viral_pneumonia_are_told_apart_by_the_laboratory_better() -> None:
    pneumonia = np.array(
        [
            len(p.diagnoses & {"bacterial_pneumonia", "viral_pneumonia"}) == 1
            for p in split().patients
        ]
    )
    seen = np.array(
        [
            [p.image_findings.get(key, 0.0) for key in ("consolidation", "interstitial")]
            for p in split().patients
        ]
    )
    bacterial, train = truth("bacterial_pneumonia"), split().train
    scores = {}
    for name, features in {"laboratory": measured(), "image": seen}.items():
        model = HistGradientBoostingClassifier(max_iter=40, min_samples_leaf=10, random_state=0)
        model.fit(features[pneumonia & train], bacterial[pneumonia & train])
        predicted = model.predict_proba(features[pneumonia & ~train])[:, 1]
        scores[name] = roc_auc_score(bacterial[pneumonia & ~train], predicted)
    assert scores["laboratory"] > 0.8
    assert scores["laboratory"] > scores["image"] - 0.03
