"""The classic signs follow from the matter: what touches effaces, what is air draws lines."""

from dataclasses import replace

import numpy as np

from pipelines.laboratory.simulate import habitus, pose
from pipelines.laboratory.simulate.examination import Consolidation, RadiographSpec
from pipelines.laboratory.simulate.radiograph import Radiograph, render

# Just above the ratio from which the heart has a mask, so that its border can be found.
LARGE_HEART = RadiographSpec("male", 60.0, cardiothoracic_ratio=0.51)
ROWS = 256
SEEDS = range(4)


def shoot(spec: RadiographSpec, seed: int) -> Radiograph:
    return render(spec, np.random.default_rng(seed), rows=ROWS)


def right_heart_border(spec: RadiographSpec, seed: int) -> float:
    """Step in grey level from the lung to the heart, along the border of the right atrium."""
    image, heart = shoot(spec, seed), shoot(LARGE_HEART, seed).masks["cardiomegaly"]
    rows = np.flatnonzero(heart.any(axis=1))
    levels = image.pixels.astype(float)
    steps = []
    for row in rows[len(rows) // 3 : 2 * len(rows) // 3]:
        edge = int(np.flatnonzero(heart[row])[0])
        steps.append(levels[row, edge + 3 : edge + 8].mean() - levels[row, edge - 8 : edge].mean())
    return float(np.mean(steps))


def with_consolidation(zone: str) -> RadiographSpec:
    return replace(LARGE_HEART, consolidations=(Consolidation("right", zone, 0.7, 0.95),))


def test_consolidation_of_the_middle_lobe_effaces_the_right_heart_border() -> None:
    clear = np.mean([right_heart_border(LARGE_HEART, seed) for seed in SEEDS])
    middle = np.mean([right_heart_border(with_consolidation("middle"), seed) for seed in SEEDS])
    upper = np.mean([right_heart_border(with_consolidation("upper"), seed) for seed in SEEDS])
    assert clear > 300
    assert middle < 0.6 * clear
    assert upper > 0.8 * clear


def test_a_bedside_pneumothorax_deepens_the_sulcus_and_an_upright_one_does_not() -> None:
    def sulci(**found: object) -> tuple[float, float]:
        spec = replace(LARGE_HEART, **found)
        still = pose.draw(spec, np.random.default_rng(1))
        return habitus.draw(spec, np.random.default_rng(2), still).sulcus

    assert sulci(view="AP", pneumothorax_left=0.4)[0] > 10
    assert sulci(view="AP", pneumothorax_left=0.4)[1] == 0
    assert sulci(view="PA", pneumothorax_left=0.4) == (0, 0)


def test_films_of_one_scanner_are_more_alike_than_of_any() -> None:
    def spread(scanner: str) -> float:
        films = [shoot(replace(LARGE_HEART, scanner=scanner), seed) for seed in range(6)]
        return float(np.std([np.median(film.pixels[film.masks["lungs"]]) for film in films]))

    assert spread("room 1") < spread("")


def test_a_named_scanner_gives_the_same_pixels_again() -> None:
    spec = replace(LARGE_HEART, scanner="room 1")
    np.testing.assert_array_equal(shoot(spec, 3).pixels, shoot(spec, 3).pixels)
