"""Faithfulness on a clinic where it is known what the model has to use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clinical.case.held_back import AGAINST
from clinical.config import CohortConfig, ModelConfig, StudyConfig
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph import encoder
from clinical.model.calibration import Support
from clinical.model.model import EncoderSpec, Model, Network, build
from pipelines.explanations import faithfulness, gated
from pipelines.explanations.faithfulness import COMPREHENSIVENESS, RANDOM, SUFFICIENCY, Falls
from pipelines.explanations.saliency import OURS
from pipelines.training import masks
from pipelines.training.masks import IMAGE

CELLS = 16


def case(told: int | None, seed: int) -> dict[str, Prepared]:
    """An image whose patch `told` alone carries the finding."""
    rows = np.random.default_rng(seed).normal(0, 0.1, size=(CELLS, encoder.CHANNELS))
    if told is not None:
        rows[told] += 3
    return {
        IMAGE: Prepared({"patch": rows.astype(np.float16)}, encoder.grid_sources(CELLS)),
    }


@pytest.fixture(scope="module")
def model() -> Model:
    """Fitted in a second to say whether one patch is bright."""
    torch.manual_seed(0)
    settings = encoder.Settings(width=16, components=4, image_size=128)
    shape = ModelConfig(
        width=16,
        heads=2,
        layers=1,
        dropout=0.0,
        components=4,
        encoders={"radiograph": {"image_size": 128}},
    )
    specs = {IMAGE: EncoderSpec("radiograph", settings)}
    network = Network(specs, 1, shape)
    cases: list[Mapping[str, Prepared]] = [case(n % 16 if n % 2 else None, n) for n in range(64)]
    network.encoders[IMAGE].adapt([c[IMAGE] for c in cases])  # type: ignore[operator]
    labels = torch.tensor([[float(n % 2)] for n in range(64)])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.005)
    for _ in range(200):
        logits, _ = network(network.encode(cases))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return build(
        name="one patch",
        diagnoses=("bright",),
        specs=specs,
        network=network,
        support={IMAGE: {"bright": Support()}},
        thresholds={"bright": 0.5},
        prevalence={"bright": 0.5},
        envelopes={},
        set_rules={},
        study=StudyConfig("one patch", CohortConfig("made-up"), model=shape),
        facts={},
    )


@pytest.fixture(scope="module")
def found(model: Model) -> list[Falls]:
    cases = [case(n, 100 + n) for n in range(CELLS)]
    return faithfulness.measure(model, cases, [f"p{n}" for n in range(CELLS)], np.ones((CELLS, 1)))


def test_taking_away_what_is_named_takes_the_answer_away(found: list[Falls]) -> None:
    falls = {f.method: f for f in faithfulness.summarise(found) if f.measure == COMPREHENSIVENESS}
    ours = falls[OURS].fall.value
    assert ours is not None
    assert ours > 0.5
    ahead = falls[RANDOM].ahead
    assert ahead is not None
    assert ahead.low is not None
    assert ahead.low > 0


def test_what_is_named_suffices(found: list[Falls]) -> None:
    rows = [f for f in faithfulness.summarise(found) if f.measure == SUFFICIENCY]
    mean = {f.method: f.fall.value for f in rows if f.share is None}
    assert mean[OURS] is not None
    assert mean[RANDOM] is not None
    assert mean[OURS] < 0.1 < mean[RANDOM]


def test_the_same_call_gives_the_same_numbers(model: Model, found: list[Falls]) -> None:
    cases = [case(n, 100 + n) for n in range(CELLS)]
    again = faithfulness.measure(model, cases, [f"p{n}" for n in range(CELLS)], np.ones((CELLS, 1)))
    assert all(np.array_equal(a.falls, b.falls) for a, b in zip(found, again, strict=True))


def test_only_true_diagnoses_of_cases_with_an_image_count(model: Model) -> None:
    cases: list[Mapping[str, Prepared]] = [case(1, 1), case(2, 2), {}]
    labels = np.array([[0.0], [np.nan], [1.0]])
    assert faithfulness.measure(model, cases, ["a", "b", "c"], labels) == []


def test_a_true_map_passes_the_gate_and_one_dealt_out_blindly_does_not(
    model: Model, tmp_path: Path
) -> None:
    cases = [case(n, 100 + n) for n in range(CELLS)]
    names = [f"c{n}" for n in range(CELLS)]
    found = {}
    for number, name in enumerate(names):
        mask = np.zeros((8, 8), np.uint8)
        row, column = divmod(number, 4)
        mask[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 255
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
        found[name] = {"consolidation": tmp_path / f"{name}.png"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(masks.FINDINGS_OF, "bright", ("consolidation",))
        lines = gated.measure(model, cases, names, np.ones((CELLS, 1)), found)
    (image,) = gated.by_input(lines)
    assert image.suggestions == CELLS
    assert image.held == 0
    assert image.blind <= 0.2  # one in sixteen by chance
    shown, held = gated.of_maps(lines)
    assert (shown.maps, held.maps) == (CELLS, 0)
    assert shown.hit == 1
    assert held.hit is None


def test_a_map_of_a_dark_image_is_held_back(model: Model) -> None:
    lines = gated.measure(model, [case(None, 7)], ["dark"], np.zeros((1, 1)), {})
    assert [line.reason for line in lines] == [AGAINST]
    assert gated.by_input(lines) == []
