"""Training: seeded, resumable, patient-disjoint, and any modality can be missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clinic_of_two import STUDY, make_dataset

from clinical.assess.assess import Assessor
from clinical.case.assessment import as_json
from clinical.model import model as models
from clinical.model.calibration import patterns
from clinical.model.model import Model, prepare_case
from pipelines.explanations.saliency import read
from pipelines.folds import teachers
from pipelines.folds.splits import hold_out
from pipelines.folds.tabular import vectors
from pipelines.jobs import resume
from pipelines.training.fit import hide, predict
from pipelines.training.model_card import model_card
from pipelines.training.soft_targets import ALL
from pipelines.training.stacking import SHARES
from pipelines.training.train import prepare_cached, train_model

SHORT = replace(STUDY, training=replace(STUDY.training, alone_epochs=2, epochs=2))


def train_short(folder: Path | None = None, stop_after: int | None = None) -> Model:
    dataset = make_dataset(120)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)

    def report(epoch: int, loss: float, validation_loss: float) -> None:
        if epoch == stop_after:
            raise KeyboardInterrupt

    return train_model(dataset, training, validation, SHORT, folder=folder, report=report).model


def test_the_same_seed_gives_the_same_model() -> None:
    assert train_short().identity == train_short().identity


def test_a_killed_training_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_short(tmp_path, stop_after=3)
    # Epoch 3 was interrupted before it was kept, so epochs 3 and 4 remain.
    assert list(tmp_path.glob("0002-*"))
    resumed = train_short(tmp_path)
    assert resumed.identity == train_short().identity
    resume.discard(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_state_of_another_study_is_not_taken_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_short(tmp_path, stop_after=2)
    other = replace(SHORT, seed=99)
    dataset = make_dataset(120)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    fresh = train_model(dataset, training, validation, other).model
    assert train_model(dataset, training, validation, other, folder=tmp_path).model.identity == (
        fresh.identity
    )


def test_every_pattern_is_calibrated(model_of_two: Model) -> None:
    assert len(model_of_two.support) == len(patterns(model_of_two.specs)) == 7
    full = model_of_two.support["history+measurements+notes"]
    assert (full["inflammation"].auroc or 0) > 0.95
    assert (model_of_two.support["notes"]["inflammation"].low or 0) < 0.55


def test_hiding_keeps_one_present_modality(model_of_two: Model) -> None:
    cases = [prepare_cached(c, model_of_two.specs)[0] for c in make_dataset(40).cases]
    tokens = model_of_two.network.encode(cases)
    training = replace(
        STUDY.training, modality_dropout=1.0, alone_probability=0.0, token_dropout=0.0
    )
    hidden = hide(tokens, replace(STUDY, training=training), np.random.default_rng(0))
    left = [
        [name for name, span in tokens.spans.items() if bool(hidden.mask[row, slice(*span)].any())]
        for row in range(len(cases))
    ]
    assert {len(names) for names in left} == {1}
    assert {name for names in left for name in names} == set(tokens.spans)


def test_other_data_is_another_training(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_short(tmp_path, stop_after=3)
    dataset = make_dataset(120, seed=8)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    fresh = train_model(dataset, training, validation, SHORT).model
    resumed = train_model(dataset, training, validation, SHORT, folder=tmp_path).model
    assert resumed.identity == fresh.identity


def test_a_batch_without_a_single_token_is_survived() -> None:
    dataset = make_dataset(121)
    bare = replace(dataset.cases[0], case=replace(dataset.cases[0].case, inputs={}))
    dataset = replace(dataset, cases=(bare,) * 40 + dataset.cases[40:])
    one_by_one = replace(
        SHORT, training=replace(SHORT.training, batch_size=1, alone_epochs=1, epochs=1)
    )
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    model = train_model(dataset, training, validation, one_by_one).model
    assert all(torch.isfinite(p).all() for p in model.network.parameters())


def test_unknown_labels_do_not_teach() -> None:
    dataset = make_dataset(120)
    dataset.labels[:, 1] = np.nan
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    model = train_model(dataset, training, validation, SHORT).model
    assert model.support["history"]["failure"].auroc is None
    cases = [prepare_cached(c, model.specs)[0] for c in dataset.cases[:5]]
    assert np.isfinite(predict(model.network, cases)).all()
    assert all(torch.isfinite(p).all() for p in model.network.parameters())


def test_a_taught_training_begins_as_a_stack_and_says_so() -> None:
    dataset = make_dataset(120)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    taught = {ALL: dataset.labels * 0.8 + 0.1}
    model = train_model(dataset, training, validation, SHORT, targets=taught).model
    assert model.facts["stacked"]
    assert set(model.facts["correction"]) == set(dataset.diagnoses)
    assert set(model.facts["correction"].values()) <= set(SHARES)
    assert "late fusion" in model_card(model)
    plain = train_model(dataset, training, validation, SHORT).model
    assert not plain.facts["stacked"]
    assert "late fusion" not in model_card(plain)


def test_validation_never_teaches() -> None:
    dataset = make_dataset(120)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    taught = {ALL: dataset.labels * 0.8 + 0.1}
    spoiled = {ALL: taught[ALL].copy()}
    spoiled[ALL][validation] = 0.5
    first, second = (
        train_model(dataset, training, validation, SHORT, targets=t).model
        for t in (taught, spoiled)
    )
    assert first.identity == second.identity


def test_a_model_with_plain_readers_comes_back_and_says_the_same(tmp_path: Path) -> None:
    dataset = make_dataset(150)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    study = replace(SHORT, training=replace(SHORT.training, teachers=True))
    taught = teachers.teach(dataset, vectors(dataset.cases), training, validation, study)
    assert taught is not None
    found = train_model(
        dataset, training, validation, study, targets=taught.targets, plain=taught.plain
    )
    models.save(found.model, tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert again.identity == found.model.identity
    inflamed = dataset.labels[:, dataset.diagnoses.index("inflammation")] == 1
    case = dataset.cases[next(n for n in validation if inflamed[n])].case
    said = Assessor(again).assess(case)
    assert as_json(said) == as_json(Assessor(found.model).assess(case))
    # What explanations are measured on is all that the model says, plain readers too.
    prepared = prepare_case(case, again.specs)
    whole = again.network(again.network.encode([prepared]))[0][0]
    assert torch.allclose(read(again.network, prepared).logits, whole)
    # What stays has learnt from validation patients, what they are judged by has not.
    assert found.judged.identity != found.model.identity
    assert found.judged.support == found.model.support
    assert set(found.model.facts["attending"]) == set(dataset.diagnoses)
    # The C-reactive protein, and not only the attention to it, is in the explanation.
    explained = next(e for e in said.explanations if e.diagnosis == "inflammation")
    assert explained.items[0].label == "1988-5"
    assert all(np.isfinite(item.relevance) for item in explained.items)


def test_nothing_of_tested_patients_is_looked_at() -> None:
    dataset = make_dataset(140)
    known = np.arange(120)
    training, validation = hold_out(
        [dataset.patients[i] for i in known], dataset.labels[known], 0.3, seed=0
    )
    spoiled = dataset.labels.copy()
    spoiled[120:] = 1 - spoiled[120:]
    study = replace(SHORT, training=replace(SHORT.training, teachers=True))
    models = []
    for own in (dataset, replace(dataset, labels=spoiled)):
        taught = teachers.teach(own, vectors(own.cases), training, validation, study)
        targets = taught.targets if taught else None
        plain = taught.plain if taught else None
        models.append(
            train_model(own, training, validation, study, targets=targets, plain=plain).model
        )
    assert models[0].identity == models[1].identity
