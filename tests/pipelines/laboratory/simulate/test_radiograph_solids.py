"""Masses, collapsed lobes, the planted token, and one body on two days."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.laboratory.simulate import habitus, pose
from pipelines.laboratory.simulate.examination import LobarCollapse, LungMass, RadiographSpec
from pipelines.laboratory.simulate.radiograph import Radiograph, render

NORMAL = RadiographSpec("male", 50.0)
ROWS = 256


def shoot(spec: RadiographSpec, seed: int = 11, body: int | None = None) -> Radiograph:
    own = None if body is None else np.random.default_rng(body)
    return render(spec, np.random.default_rng(seed), rows=ROWS, body=own)


def with_mass(side: str, zone: str, size: float, spiculation: float = 0.5) -> RadiographSpec:
    return replace(NORMAL, masses=(LungMass(side, zone, size, spiculation),))


def with_collapse(side: str, lobe: str, extent: float) -> RadiographSpec:
    return replace(NORMAL, collapses=(LobarCollapse(side, lobe, extent),))


def brightening(found: Radiograph, normal: Radiograph) -> NDArray[np.float64]:
    return found.pixels.astype(float) - normal.pixels


LOBES = [
    ("right", "upper"),
    ("right", "middle"),
    ("right", "lower"),
    ("left", "upper"),
    ("left", "lower"),
]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("zone", ["upper", "middle", "lower"])
def test_a_mass_brightens_its_mask_on_its_side(side: str, zone: str) -> None:
    found, normal = shoot(with_mass(side, zone, 0.6)), shoot(NORMAL)
    mask = found.masks["mass"]
    difference = brightening(found, normal)
    assert difference[mask].mean() > 100
    assert difference[mask].mean() > 5 * abs(difference[~mask].mean())
    assert (np.nonzero(mask)[1].mean() < ROWS / 2) == (side == "right")


def test_a_mass_is_as_large_as_asked() -> None:
    for size, diameter in ((0.3, 29), (0.7, 53)):
        image = shoot(with_mass("right", "middle", size))
        area = image.masks["mass"].sum() * image.spacing_mm[0] ** 2
        assert 2 * np.sqrt(area / np.pi) == pytest.approx(diameter, rel=0.25)


def test_strands_stand_out_from_the_rim_of_a_spiculated_mass() -> None:
    smooth = shoot(with_mass("right", "middle", 0.4, 0.0))
    rough = shoot(with_mass("right", "middle", 0.4, 1.0))
    outside = ~smooth.masks["mass"]
    difference = brightening(rough, smooth)
    assert (difference[outside] > 50).sum() > 60


@pytest.mark.parametrize(("side", "lobe"), LOBES)
def test_a_collapsed_lobe_is_dense_on_its_side(side: str, lobe: str) -> None:
    found = shoot(with_collapse(side, lobe, 0.6))
    mask = found.masks["collapse"]
    assert mask.sum() > 300
    assert (np.nonzero(mask)[1].mean() < ROWS / 2) == (side == "right")
    lungs = found.masks["lungs"] & ~mask
    assert found.pixels[mask].mean() > found.pixels[lungs].mean() + 250


def test_an_upper_lobe_collapses_upwards_and_a_lower_lobe_downwards() -> None:
    heights = [
        np.nonzero(shoot(with_collapse("right", lobe, 0.6)).masks["collapse"])[0].mean()
        for lobe in ("upper", "middle", "lower")
    ]
    assert heights == sorted(heights)


@pytest.mark.parametrize(("side", "sign", "index"), [("left", 1, 0), ("right", -1, 1)])
def test_lost_volume_draws_mediastinum_and_diaphragm_to_its_side(
    side: str, sign: int, index: int
) -> None:
    def measures(spec: RadiographSpec) -> habitus.Habitus:
        return habitus.draw(
            spec, np.random.default_rng(3), pose.draw(spec, np.random.default_rng(4))
        )

    collapsed, normal = measures(with_collapse(side, "lower", 0.8)), measures(NORMAL)
    assert sign * (collapsed.shift - normal.shift) > 8
    assert collapsed.drop[index] < normal.drop[index] - 10
    assert collapsed.drop[1 - index] == normal.drop[1 - index]


def test_the_token_is_a_small_bright_disc_in_an_upper_corner_and_nothing_else() -> None:
    for seed in range(4):
        found = shoot(replace(NORMAL, token=True), seed)
        normal = shoot(NORMAL, seed)
        mask = found.masks["token"]
        rows, columns = np.nonzero(mask)
        assert 20 < mask.sum() < 200
        assert rows.max() < ROWS / 4
        assert columns.max() < ROWS / 4 or columns.min() > 3 * ROWS / 4
        assert found.pixels[mask].mean() > normal.pixels[mask].mean() + 500
        # Beyond its own pixels it changes next to nothing: a shortcut, not a finding.
        assert np.abs(brightening(found, normal))[: ROWS // 2, ROWS // 4 : -ROWS // 4].mean() < 40


def test_one_body_shows_the_same_build_on_two_days() -> None:
    same = [shoot(NORMAL, seed, body=5) for seed in (1, 2)]
    assert (same[0].pixels != same[1].pixels).mean() > 0.5

    def width(image: Radiograph) -> float:
        return float(image.masks["lungs"].any(axis=0).sum() * image.spacing_mm[0])

    others = [width(shoot(NORMAL, 1, body=body)) for body in range(6)]
    # Leaning widens the outline a little.
    assert width(same[0]) == pytest.approx(width(same[1]), abs=10)
    assert np.ptp(others) > 15


def test_the_same_body_and_day_give_the_same_pixels() -> None:
    np.testing.assert_array_equal(shoot(NORMAL, 1, 5).pixels, shoot(NORMAL, 1, 5).pixels)
