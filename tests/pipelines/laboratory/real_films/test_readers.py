from __future__ import annotations

import numpy as np
import pytest

from pipelines.laboratory.real_films import readers
from pipelines.laboratory.real_films.readers import LOOKS, balance, fitted, row


def test_sources_views_and_labels_count_alike() -> None:
    sources = ["a"] * 6 + ["b"] * 4
    views = ["AP"] * 4 + ["PA"] * 2 + ["AP"] * 4
    labels = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 0], dtype=float)
    weights = balance(sources, views, labels)
    assert weights.sum() == pytest.approx(10)
    of_a = weights[:6]
    assert of_a.sum() == pytest.approx(5)
    assert of_a[:4].sum() == pytest.approx(of_a[4:].sum())
    for cell in (slice(0, 4), slice(4, 6), slice(6, 10)):
        positive = labels[cell] == 1
        assert weights[cell][positive].sum() == pytest.approx(weights[cell][~positive].sum())


def test_a_view_with_one_label_only_teaches_nothing() -> None:
    labels = np.array([1, 1, np.nan, 1, 0])
    weights = balance(["a", "a", "a", "b", "b"], ["AP"] * 5, labels)
    assert weights.tolist() == [0, 0, 0, 1, 1]
    assert balance(["a", "a"], ["AP", "PA"], np.array([1.0, 0.0])).tolist() == [0, 0]


def test_a_row_is_the_mean_and_the_maximum_of_the_channels_looked_at() -> None:
    patches = np.arange(2 * 560, dtype=np.float16).reshape(2, 560)
    tail = next(look for look in LOOKS if look.name == "film tail, whole film")
    seen = row(patches, tail)
    assert len(seen) == 2 * 128
    assert (seen[0], seen[128]) == (patches[:, 432].mean(), patches[1, 432])


def test_a_head_finds_what_tells_the_label_and_ignores_films_without_weight() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0.0, 1.0], 40)
    rows = rng.normal(size=(80, 5)) + 3 * labels[:, None] * np.eye(5)[0]
    weights = np.ones(80)
    head = fitted(rows, labels, weights)
    assert head(rows[labels == 1]).mean() > head(rows[labels == 0]).mean() + 0.5
    spoilt, wrong = np.vstack([rows, 1e3 * np.ones((1, 5))]), np.append(labels, 0.0)
    again = fitted(spoilt, wrong, np.append(weights, 0.0))
    np.testing.assert_allclose(again(rows), head(rows))


def test_every_look_has_its_name() -> None:
    assert len({look.name for look in readers.LOOKS}) == len(readers.LOOKS)
