"""The simple rivals are contained in the model, to the last digits, whatever inputs are hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from clinic_of_two import STUDY, make_dataset
from cut_of_two import TEST, TRAIN, with_images
from scipy.special import logit

from clinical.modalities.encoding import Prepared
from clinical.model.plain_readers import PlainReaders, description, rebuilt, tensors
from pipelines.folds import plain_readers
from pipelines.folds.comparators.boosting import boosting
from pipelines.folds.comparators.cut import Cut, components
from pipelines.folds.comparators.late_fusion import late_fusion
from pipelines.folds.comparators.single import single_models
from pipelines.folds.plain_readers import Choice, choose, trees_over_tables
from pipelines.folds.tabular import Vectors, vectors
from pipelines.training.dataset import Dataset
from pipelines.training.train import fit_specs, prepare_cached

Spans = dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """With images for two thirds, and outcomes that nothing tells for sure."""
    made = with_images(make_dataset(200))
    luck = np.random.default_rng(8)
    wrong = luck.random(made.labels.shape) < 0.2
    return replace(made, labels=np.where(wrong, 1 - made.labels, made.labels))


def cut_of(dataset: Dataset, rows: Vectors) -> Cut:
    reduced = components(rows, TRAIN, STUDY.seed)
    patients = tuple(dataset.patients)
    own = replace(rows, embeddings=reduced)
    return Cut(own, reduced, dataset.labels, patients, TRAIN, TEST, STUDY.seed)


def chosen(cut: Cut) -> Choice:
    singles = single_models(cut)
    return choose(cut, singles, late_fusion(singles, cut), trees_over_tables(cut))


def fitted(dataset: Dataset, rows: Vectors, choice: Choice) -> PlainReaders:
    return plain_readers.fit(choice, rows, TRAIN, dataset.labels, STUDY.seed)


def tokens_of(dataset: Dataset) -> tuple[list[dict[str, Prepared]], torch.Tensor, Spans]:
    """The tested cases as a network takes them, the mask of their tokens, and where they are."""
    specs = fit_specs([dataset.cases[i] for i in TRAIN], STUDY)
    cases = [prepare_cached(dataset.cases[i], specs)[0] for i in TEST]
    spans: Spans = {}
    end = 0
    for name in specs:
        longest = max((len(case[name].sources) for case in cases if name in case), default=1)
        spans[name] = (end, end + longest)
        end += longest
    mask = torch.zeros(len(cases), end, dtype=torch.bool)
    for row, case in enumerate(cases):
        for name, prepared in case.items():
            mask[row, spans[name][0] : spans[name][0] + len(prepared.sources)] = True
    return cases, mask, spans


def said(readers: PlainReaders, dataset: Dataset, hidden: tuple[str, ...] = ()) -> np.ndarray:
    cases, mask, spans = tokens_of(dataset)
    for name in hidden:
        mask[:, slice(*spans[name])] = False
    found = readers.find(readers.read(cases, spans), mask, spans)
    return (found.bias + sum(found.evidence.values())).numpy()


def test_without_the_trees_they_are_late_fusion(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    cut = cut_of(dataset, rows)
    readers = fitted(dataset, rows, chosen(cut))
    silent = replace(readers, seen=readers.seen[:0])
    late = late_fusion(single_models(cut), cut)
    np.testing.assert_allclose(said(silent, dataset), logit(late.test), atol=1e-6)


def test_where_there_are_tables_alone_the_trees_are_boosting(dataset: Dataset) -> None:
    rows = vectors(dataset.cases, ("measurements", "history"))
    cut = cut_of(dataset, rows)
    choice = chosen(cut)
    none = np.zeros_like(choice.bias)
    only_trees = replace(
        choice,
        trees=np.ones(2),
        bias=none,
        weight=np.zeros_like(choice.weight),
        flag=np.zeros_like(choice.flag),
    )
    readers = fitted(dataset, rows, only_trees)
    np.testing.assert_allclose(said(readers, dataset), logit(boosting(cut).test), atol=1e-9)


def test_a_hidden_input_is_one_that_was_never_there(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    readers = fitted(dataset, rows, chosen(cut_of(dataset, rows)))
    gone = replace(
        dataset,
        cases=tuple(
            replace(cached, case=cached.case.without("history")) if row in TEST else cached
            for row, cached in enumerate(dataset.cases)
        ),
    )
    hidden = said(readers, dataset, ("history",))
    np.testing.assert_allclose(hidden, said(readers, gone), atol=1e-12)
    assert np.abs(hidden - said(readers, dataset)).max() > 0.5


def test_what_is_said_adds_up_over_tokens(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    readers = fitted(dataset, rows, chosen(cut_of(dataset, rows)))
    cases, mask, spans = tokens_of(dataset)
    found = readers.find(readers.read(cases, spans), mask, spans)
    total = found.bias + sum(found.evidence.values())
    rest = (total - found.tokens.sum(dim=2)).numpy()
    # What no token says is the same for all who have the same inputs and values.
    alike = [
        row
        for row, case in enumerate(cases)
        if "image" in case and set(case["history"].columns) == {"age", "female"}
    ]
    assert len(alike) > 3
    np.testing.assert_allclose(rest[alike], rest[alike][:1].repeat(len(alike), axis=0), atol=1e-9)
    assert float(found.tokens[:, :, slice(*spans["image"])].abs().max()) > 0


def test_they_come_back_from_a_checkpoint_as_they_were(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    readers = fitted(dataset, rows, chosen(cut_of(dataset, rows)))
    again = rebuilt(description(readers), tensors(readers))
    np.testing.assert_array_equal(said(again, dataset), said(readers, dataset))


def test_they_may_count_for_less(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    readers = fitted(dataset, rows, chosen(cut_of(dataset, rows)))
    less = said(readers.scaled(torch.tensor([0.25, 0.0], dtype=torch.float64)), dataset)
    np.testing.assert_allclose(less, said(readers, dataset) * [0.25, 0.0], atol=1e-12)


def test_only_those_to_learn_from_are_read(dataset: Dataset) -> None:
    rows = vectors(dataset.cases)
    other_labels = dataset.labels.copy()
    other_labels[TEST] = 1 - other_labels[TEST]
    other = replace(dataset, labels=other_labels)
    first, second = (fitted(one, rows, chosen(cut_of(one, rows))) for one in (dataset, other))
    for name, numbers in tensors(first).items():
        np.testing.assert_array_equal(numbers, tensors(second)[name], err_msg=name)


def test_an_outcome_too_rare_to_learn_is_said_of_nobody(dataset: Dataset) -> None:
    labels = dataset.labels.copy()
    labels[TRAIN, 1] = 0
    rare = replace(dataset, labels=labels)
    rows = vectors(rare.cases)
    readers = fitted(rare, rows, chosen(cut_of(rare, rows)))
    assert readers.mute.tolist() == [False, True]
    assert np.ptp(said(readers, rare)[:, 1]) == 0
