"""The pointing game on maps and masks drawn by hand, and the maps of every method."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clinical.config import ModelConfig
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph import encoder
from clinical.model.model import EncoderSpec, Network
from pipelines.explanations import pointing, saliency
from pipelines.explanations.pointing import CENTRE, CHANCE, MACRO, Point
from pipelines.explanations.saliency import GRAD_CAM_TOKENS, OURS
from pipelines.training.masks import IMAGE

CELLS = 4


def corner() -> np.ndarray:
    """512 x 512 pixels, patches of 128; the finding fills the upper left one."""
    mask = np.zeros((512, 512), bool)
    mask[:128, :128] = True
    return mask


def pointing_at(*cells: int) -> np.ndarray:
    values = np.zeros(CELLS * CELLS)
    values[list(cells)] = 1.0
    return values


def test_a_map_that_points_at_the_finding_hits() -> None:
    aim = pointing.target(corner(), CELLS)
    assert pointing.judge(pointing_at(0), aim) == (1.0, 1.0)
    assert pointing.judge(pointing_at(5), aim) == (0.0, 0.0)


def test_energy_is_the_share_of_the_map_inside_by_area() -> None:
    mask = np.zeros((512, 512), bool)
    mask[:128, :192] = True
    values = np.zeros(16)
    values[[0, 1, 8]] = (4.0, 2.0, 4.0)
    hit, energy = pointing.judge(values, pointing.target(mask, CELLS))
    assert energy == pytest.approx((4 + 2 * 0.5) / 10)
    assert hit == pytest.approx(0.5)  # two are equally strong, one of them hits


def test_relevance_against_the_diagnosis_is_not_pointing() -> None:
    values = pointing_at(5) * 2 - 1
    assert pointing.judge(values, pointing.target(corner(), CELLS)) == (0.0, 0.0)


def test_a_map_of_nothing_points_nowhere() -> None:
    assert pointing.judge(np.zeros(16), pointing.target(np.ones((64, 64), bool), 4)) == (0.0, 0.0)


@pytest.mark.parametrize(("gap", "hit"), [(14, True), (16, False)])
def test_fifteen_pixels_of_512_are_forgiven(gap: int, hit: bool) -> None:
    mask = np.zeros((512, 512), bool)
    mask[64, 64 + gap :] = True  # the middle of the first patch is pixel (64, 64)
    assert pointing.target(mask, CELLS).allowed[0, 0] == hit
    half = np.zeros((256, 256), bool)
    half[32, 32 + gap // 2 :] = True
    assert pointing.target(half, CELLS).allowed[0, 0] == hit


def test_padding_is_never_a_hit() -> None:
    aim = pointing.target(np.ones((512, 200), bool), CELLS)
    assert aim.allowed.tolist() == [[False, True, True, False]] * 4
    assert aim.middle


def test_the_priors_know_no_image() -> None:
    aim = pointing.target(corner(), CELLS)
    found = pointing._without_model(aim, CELLS, pointing_at(0))
    assert found[CENTRE][0] == 0.0
    assert found[CHANCE] == pytest.approx((1 / 16, 1 / 16))
    assert found[pointing.MEAN_MASK] == (1.0, 1.0)
    middle = np.zeros((512, 512), bool)
    middle[240:272, 240:272] = True
    found = pointing._without_model(pointing.target(middle, CELLS), CELLS, None)
    assert found[CENTRE][0] == 1.0
    assert pointing.MEAN_MASK not in found


def points(ours: list[float], centre: list[float], diagnosis: str, patients: int) -> list[Point]:
    made = []
    for number, hits in enumerate(zip(ours, centre, strict=True)):
        who = (f"{diagnosis}{number}", f"p{number % patients}", diagnosis)
        made += [Point(*who, m, hit, hit / 2) for m, hit in zip((OURS, CENTRE), hits, strict=True)]
    return made


def test_the_mean_over_diagnoses_does_not_depend_on_how_frequent_they_are() -> None:
    made = points([1, 1, 1, 0], [0, 0, 0, 0], "a", 4) + points([0, 1] * 20, [1] * 40, "b", 40)
    game = pointing.summarise(made, samples=200)
    scores = {(s.diagnosis, s.method): s for s in game.scores}
    assert scores["a", OURS].hit.value == 0.75
    assert scores[MACRO, OURS].hit.value == pytest.approx((0.75 + 0.5) / 2)
    assert scores[MACRO, OURS].energy.value == pytest.approx((0.75 + 0.5) / 4)
    (gain,) = [g for g in game.gains if g.diagnosis == MACRO]
    assert gain.method == CENTRE
    assert gain.hit.value == pytest.approx((0.75 - 0.5) / 2)
    assert (game.cases, game.patients) == (44, 40)


def test_a_paired_difference_is_narrower_than_its_parts() -> None:
    generator = np.random.default_rng(0)
    centre = (generator.random(200) < 0.5).astype(float)
    ours = centre.copy()
    ours[:20] = 1
    game = pointing.summarise(points(ours.tolist(), centre.tolist(), "a", 200), samples=400)
    gain = next(g for g in game.gains if g.diagnosis == "a").hit
    rate = next(s for s in game.scores if s.diagnosis == "a" and s.method == OURS).hit
    assert None not in (gain.low, gain.high, rate.low, rate.high)
    assert gain.high - gain.low < rate.high - rate.low  # type: ignore[operator]
    assert gain.low > 0  # type: ignore[operator]


def test_whole_patients_are_resampled() -> None:
    many = pointing.summarise(points([1, 0] * 50, [0] * 100, "a", 100), samples=400)
    few = pointing.summarise(points([1, 0] * 50, [0] * 100, "a", 2), samples=400)
    assert few.scores[0].hit.low == 0.0  # only two patients, and one of them is never hit
    assert many.scores[0].hit.low > 0.3  # type: ignore[operator]


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    settings = encoder.Settings(width=16, components=6, image_size=128)
    model = ModelConfig(
        width=16,
        heads=2,
        layers=2,
        dropout=0.0,
        components=6,
        encoders={"radiograph": {"image_size": 128}},
    )
    made = Network({IMAGE: EncoderSpec("radiograph", settings)}, 2, model)
    made.encoders[IMAGE].adapt([prepared(n) for n in range(8)])  # type: ignore[operator]
    return made.eval()


def prepared(seed: int) -> Prepared:
    rows = np.random.default_rng(seed).normal(size=(16, encoder.CHANNELS)).astype(np.float16)
    return Prepared({"patch": rows}, encoder.grid_sources(16))


def test_every_method_gives_one_map_per_diagnosis(network: Network) -> None:
    graph = saliency.read(network, {IMAGE: prepared(1)})
    first, second = (saliency.model_maps(network, graph, number) for number in (0, 1))
    assert tuple(first) == saliency.MODEL_METHODS
    for method, values in first.items():
        assert values.shape == (16,)
        assert values.min() >= 0
        assert not np.array_equal(values, second[method])


def test_grad_cam_is_the_formula_of_its_paper(network: Network) -> None:
    graph = saliency.read(network, {IMAGE: prepared(1)})
    found = saliency.model_maps(network, graph, 0)[GRAD_CAM_TOKENS]
    (gradient,) = torch.autograd.grad(graph.logits[0], graph.values, retain_graph=True)
    activation = graph.values[0].detach().numpy()
    weight = gradient[0].numpy().mean(axis=0)
    np.testing.assert_allclose(found, np.maximum(activation @ weight, 0), rtol=1e-4, atol=1e-6)
