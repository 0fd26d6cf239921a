"""What an explanation has to stand before it is shown, on a model whose workings are known.

The model adds a weight for every token that is there, so that what each counts is known exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clinical.assess import gate, without
from clinical.case.held_back import AGAINST, AS_A_WHOLE, LITTLE
from clinical.modalities.encoding import Prepared, TokenSource
from clinical.model.fusion import Tokens

CELLS = 40


class Additive:
    """Logits [cases, diagnoses] as a bias and the weights of the tokens that are there."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = torch.from_numpy(weights)
        self.fusion = self
        self.bias = torch.zeros(len(weights))

    def __call__(self, tokens: Tokens) -> tuple[torch.Tensor, list[torch.Tensor]]:
        return tokens.mask.double() @ self.weights.T, []


def drawn(count: int = CELLS) -> Prepared:
    """An image of one row of patches."""
    return Prepared({}, tuple(TokenSource(0, "patch", cell=(0, n)) for n in range(count)))


def listed(*labels: str) -> Prepared:
    """Items, some of which may have one code."""
    return Prepared({}, tuple(TokenSource(n, label) for n, label in enumerate(labels)))


def written(count: int) -> Prepared:
    """Sentences, all called alike, as in several sections of a note."""
    return Prepared({}, tuple(TokenSource(0, "sentence 1", n, n + 1) for n in range(count)))


def case(prepared: dict[str, Prepared]) -> Tokens:
    spans, at = {}, 0
    for name, one in prepared.items():
        spans[name] = (at, at + len(one.sources))
        at += len(one.sources)
    return Tokens(torch.zeros(1, at, 1), torch.ones(1, at, dtype=torch.bool), spans)


def reasons(
    prepared: dict[str, Prepared], weights: Any, relevance: Any = None
) -> list[dict[str, str]]:
    """What is held back where a model with these weights is explained by this relevance."""
    exact = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    told = exact if relevance is None else np.atleast_2d(np.asarray(relevance, dtype=np.float64))
    tokens, network = case(prepared), Additive(exact)
    pieces = without.pieces(tokens, prepared)
    return gate.held_back(network, tokens, pieces, told, exact.sum(axis=1))  # type: ignore[arg-type]


def bright(*cells: int) -> NDArray[np.float64]:
    """Four patches carry a finding, the others next to nothing."""
    weights = np.full(CELLS, 0.001)
    weights[list(cells)] = 1.0
    return weights


def test_a_map_of_what_the_model_used_is_shown() -> None:
    assert reasons({"image": drawn()}, bright(3, 4, 5, 6)) == [{}]


def test_a_map_that_points_elsewhere_is_held_back() -> None:
    found = reasons({"image": drawn()}, bright(3, 4, 5, 6), bright(20, 21, 22, 23))
    assert found == [{"image": AS_A_WHOLE}]


def test_a_map_of_an_image_that_speaks_against_the_suggestion_is_held_back() -> None:
    weights = bright(3, 4, 5, 6)
    weights[30:] = -1.0
    assert reasons({"image": drawn()}, weights) == [{"image": AGAINST}]


def test_an_image_in_which_every_part_counts_alike_has_no_map() -> None:
    assert reasons({"image": drawn()}, np.full(CELLS, 0.2)) == [{"image": AS_A_WHOLE}]


def test_an_image_that_the_model_does_not_look_at_has_no_map() -> None:
    assert reasons({"image": drawn()}, np.full(CELLS, 1e-6)) == [{"image": LITTLE}]


def test_a_list_that_speaks_against_is_shown_as_such() -> None:
    weights = [-2.0, 0.01, -0.01, 0.02, 0.0, 0.01]
    assert reasons({"history": listed(*"abcdef")}, weights) == [{}]


def test_a_list_in_which_nothing_counts_is_held_back() -> None:
    weights = [0.01, -0.02, 0.01, 0.0, 0.03, 0.01]
    assert reasons({"history": listed(*"abcdef")}, weights) == [{"history": LITTLE}]


def test_each_suggestion_and_each_input_is_tested_by_itself() -> None:
    prepared = {"image": drawn(), "history": listed(*"abcdef")}
    none, one = np.full(6, 0.01), np.array([2.0, 0.01, 0.01, 0.01, 0.01, 0.01])
    weights = [
        np.concatenate([bright(1, 2, 3, 4), none]),
        np.concatenate([np.full(CELLS, 1e-6), one]),
    ]
    assert reasons(prepared, weights) == [{"history": LITTLE}, {"image": LITTLE}]


def test_with_two_pieces_there_is_nothing_to_compare_with() -> None:
    assert reasons({"history": listed("a", "b")}, [1.0, 1.0]) == [{}]
    assert reasons({"history": listed("a")}, [0.1]) == [{"history": LITTLE}]


def test_values_of_one_thing_are_one_piece_and_sentences_are_not() -> None:
    prepared = {"labs": listed("k", "na", "k"), "notes": written(3), "image": drawn(2)}
    found = without.pieces(case(prepared), prepared)
    assert [members.tolist() for members in found["labs"].members] == [[0, 2], [1]]
    assert len(found["notes"].members) == 3
    assert [one.drawn for one in found.values()] == [False, False, True]


def test_an_input_without_a_piece_is_not_asked_about() -> None:
    prepared = {"labs": listed("k"), "notes": Prepared({}, ())}
    assert list(without.pieces(case(prepared), prepared)) == ["labs"]


@pytest.mark.parametrize("seed", range(5))
def test_a_map_that_is_drawn_blindly_is_held_back(seed: int) -> None:
    blind = np.random.default_rng(seed).permutation(CELLS).astype(np.float64)
    blind[[3, 4, 5, 6]] = -1.0  # that it hits the finding by chance would be no fault
    (found,) = reasons({"image": drawn()}, bright(3, 4, 5, 6), blind)
    assert found == {"image": AS_A_WHOLE}


def test_the_same_case_is_judged_the_same_again() -> None:
    generator = np.random.default_rng(2)
    weights = generator.normal(size=(3, CELLS))
    assert reasons({"image": drawn()}, weights) == reasons({"image": drawn()}, weights)
