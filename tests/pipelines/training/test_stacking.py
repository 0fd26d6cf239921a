"""Late fusion is contained in the network, and is where a taught training begins."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.special import expit

from clinical.modalities.encoding import Encoding
from clinical.model.fusion import Fusion
from pipelines.training.stacking import fit_stack, leaning, steady_stack, supported

NAMES = ("history", "image", "notes")
LUCK = np.random.default_rng(4)


@pytest.mark.parametrize(
    "shown", [c for size in range(1, 4) for c in combinations(NAMES, size)], ids="+".join
)
def test_without_a_correction_the_network_is_late_fusion_of_its_readers(
    shown: tuple[str, ...],
) -> None:
    torch.manual_seed(0)
    fusion = Fusion(NAMES, 2, width=16, heads=4, layers=1, dropout=0.5).eval()
    generator = torch.Generator().manual_seed(1)
    tokens = fusion.join(
        {
            name: Encoding(torch.randn(40, 5, 16, generator=generator), torch.ones(40, 5).bool())
            for name in NAMES
        },
        40,
    )
    with torch.no_grad():
        said = {n: e.double().numpy() for n, e in fusion.find(tokens).evidence.items()}
    outcomes = (LUCK.random((40, 2)) < expit(said["image"] - said["notes"])).astype(float)
    stack = fit_stack(said, outcomes, np.zeros(2))
    weights = {name: torch.from_numpy(w).float() for name, w in stack.weights.items()}
    fusion.stack(weights, torch.from_numpy(stack.bias).float())
    hidden = {name: said[name] * (name in shown) for name in NAMES}
    with torch.no_grad():
        logits, _ = fusion(tokens.keep([name for name in NAMES if name not in shown]))
    np.testing.assert_allclose(logits.numpy(), stack.logits(hidden), atol=1e-6)


def test_what_tells_nothing_counts_for_little_and_what_misleads_for_nothing() -> None:
    true = LUCK.normal(size=(4000, 1)) * 2
    outcomes = (LUCK.random((4000, 1)) < expit(true - 1)).astype(float)
    stack = fit_stack(
        {"timid": true / 2, "luck": LUCK.normal(size=(4000, 1)), "liar": -true},
        outcomes,
        np.zeros(1),
    )
    # The liar is the timid one turned round: at no weight the timid one says it all, doubled.
    assert stack.weights["liar"] == pytest.approx(0, abs=1e-9)
    assert stack.weights["luck"] < 0.1
    assert stack.weights["timid"] == pytest.approx(2, abs=0.2)
    assert stack.bias == pytest.approx(-1, abs=0.2)


def test_a_diagnosis_that_nobody_knows_keeps_the_plain_sum() -> None:
    evidence = {name: LUCK.normal(size=(20, 1)) for name in NAMES}
    stack = fit_stack(evidence, np.full((20, 1), np.nan), np.array([-2.0]))
    np.testing.assert_allclose(stack.logits(evidence), -2 + sum(evidence.values()))


def test_a_correction_is_kept_as_far_as_validation_supports_it() -> None:
    truth = LUCK.normal(size=3000) * 3
    labels = (LUCK.random(3000) < expit(truth)).astype(float)
    plain = np.stack([truth / 2, truth, truth / 2], axis=1)
    # Of the first all of it is right, of the second none, of the third twice too much is added.
    correction = np.stack([truth / 2, -truth, truth], axis=1)
    shares = supported(plain, correction, np.stack([labels] * 3, axis=1))
    np.testing.assert_array_equal(shares, [1, 0, 0.5])


def test_where_nothing_is_known_nothing_is_corrected() -> None:
    ones = np.ones((5, 1))
    np.testing.assert_array_equal(supported(ones, ones, np.full((5, 1), np.nan)), [0])


def test_a_stack_has_to_be_clearly_better_out_of_fold_than_the_plain_sum() -> None:
    true = LUCK.normal(size=(400, 2)) * 2
    outcomes = (LUCK.random((400, 2)) < expit(true)).astype(float)
    # Of the first diagnosis two say the truth, a half each; of the second one says nothing.
    luck = LUCK.normal(size=400)
    halves = {
        "one": np.column_stack([true[:, 0] / 2, true[:, 1] / 2]),
        "other": np.column_stack([true[:, 0] / 2, luck * 2]),
    }
    places = np.arange(400)
    folds = [(places[places % 5 != k], places[places % 5 == k]) for k in range(5)]
    stack = steady_stack(halves, outcomes, np.zeros(2), folds)
    assert (stack.weights["one"][0], stack.weights["other"][0], stack.bias[0]) == (1, 1, 0)
    assert stack.weights["one"][1] > 1.5
    assert stack.weights["other"][1] < 0.3


def test_what_was_learnt_replaces_the_plain_only_where_that_is_clearly_better() -> None:
    true = LUCK.normal(size=(1500, 3)) * 2
    labels = (LUCK.random((1500, 3)) < expit(true)).astype(float)
    noise = LUCK.normal(size=1500)
    plain = np.column_stack([true[:, 0], noise, true[:, 2] + 2 * noise])
    learnt = np.column_stack([true[:, 0], true[:, 1], true[:, 2] - 2 * noise])
    # Alike; only the learnt one tells; each errs where the other errs the other way.
    np.testing.assert_array_equal(leaning(plain, learnt, labels), [0, 1, 0.5])


def test_of_what_nobody_knows_the_plain_one_stays() -> None:
    ones = np.ones((5, 1))
    np.testing.assert_array_equal(leaning(ones, -ones, np.full((5, 1), np.nan)), [0])
