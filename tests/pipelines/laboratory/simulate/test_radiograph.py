"""A radiograph is what its spec says: repeatable, right on the left, findings in place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pipelines.laboratory.simulate.radiograph import (
    Consolidation,
    LinearAtelectasis,
    Radiograph,
    RadiographSpec,
    render,
)

NORMAL = RadiographSpec("male", 50.0)
SEED = 11
ROWS = 192


def shoot(spec: RadiographSpec, seed: int = SEED, rows: int = ROWS) -> Radiograph:
    return render(spec, np.random.default_rng(seed), rows=rows)


def with_consolidation(side: str, zone: str, extent: float, density: float) -> RadiographSpec:
    return replace(NORMAL, consolidations=(Consolidation(side, zone, extent, density),))


def change(found: Radiograph, normal: Radiograph) -> NDArray[np.float64]:
    """Grey-level difference of a pair, free of the global shift that processing may add."""
    difference = found.pixels.astype(float) - normal.pixels
    touched = np.any([mask for name, mask in found.masks.items() if name != "lungs"], axis=0)
    return difference - np.median(difference[~touched & (normal.pixels > 800)])


BRIGHT = {
    "consolidation": with_consolidation("left", "lower", 0.6, 0.8),
    "interstitial": replace(NORMAL, interstitial=0.7),
    "edema": replace(NORMAL, edema=0.7),
    "effusion": replace(NORMAL, effusion_right=0.5),
    "atelectasis": replace(NORMAL, atelectasis=(LinearAtelectasis("right", "lower", 1.0),)),
}


def test_the_same_seed_gives_the_same_pixels_and_masks() -> None:
    spec = replace(NORMAL, edema=0.5, effusion_left=0.3, pacemaker=True)
    one, two = shoot(spec), shoot(spec)
    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert set(one.masks) == set(two.masks)
    for name, mask in one.masks.items():
        np.testing.assert_array_equal(mask, two.masks[name])


def test_another_seed_gives_another_patient() -> None:
    assert (shoot(NORMAL, 1).pixels != shoot(NORMAL, 2).pixels).mean() > 0.5


def test_pixels_are_twelve_bit_square_and_use_the_range() -> None:
    image = shoot(NORMAL)
    assert image.pixels.dtype == np.uint16
    assert image.pixels.shape == (ROWS, ROWS)
    assert image.pixels.max() <= 4095
    assert np.ptp(image.pixels) > 2500
    assert image.spacing_mm[0] == image.spacing_mm[1]
    assert 250 < image.spacing_mm[0] * ROWS < 460
    assert image.window == (2048.0, 4096.0)


def test_dense_is_bright() -> None:
    image = shoot(NORMAL)
    lungs = image.masks["lungs"]
    middle = np.zeros_like(lungs)
    middle[ROWS // 3 : 2 * ROWS // 3, ROWS // 2 - 4 : ROWS // 2 + 4] = True
    assert np.median(image.pixels[middle & ~lungs]) > np.median(image.pixels[lungs]) + 800


def test_a_normal_chest_has_no_mask_but_the_lungs() -> None:
    assert set(shoot(NORMAL).masks) == {"lungs"}


@pytest.mark.parametrize("name", BRIGHT)
def test_a_finding_brightens_its_mask_and_little_else(name: str) -> None:
    found, normal = shoot(BRIGHT[name]), shoot(NORMAL)
    mask = found.masks[name]
    difference = change(found, normal)
    away = ~ndimage.binary_dilation(mask, iterations=ROWS // 20)
    assert difference[mask].mean() > 120
    assert np.abs(difference[mask]).mean() > 2.5 * np.abs(difference[away]).mean()


def test_a_pneumothorax_darkens_its_mask_and_takes_the_markings_away() -> None:
    found, normal = shoot(replace(NORMAL, pneumothorax_left=0.4), rows=384), shoot(NORMAL, rows=384)
    beyond = ndimage.binary_erosion(found.masks["pneumothorax"], iterations=5)
    beyond &= normal.masks["lungs"]
    assert beyond.sum() > 500
    assert change(found, normal)[beyond].mean() < -120

    def markings(image: Radiograph) -> float:
        levels = image.pixels.astype(float)
        fine = ndimage.gaussian_filter(levels, 1.0) - ndimage.gaussian_filter(levels, 3.0)
        return float(fine[beyond].std())

    assert markings(found) < markings(normal)


def test_the_pleural_line_is_brighter_than_both_sides() -> None:
    found = shoot(replace(NORMAL, pneumothorax_right=0.4), rows=384)
    gas = found.masks["pneumothorax"]
    levels = found.pixels.astype(float)
    height = int(np.flatnonzero(gas.any(axis=1))[0] + 0.45 * gas.any(axis=1).sum())
    profiles = []
    for row in range(height - 15, height + 15):
        edge = int(np.flatnonzero(gas[row])[gas[row].nonzero()[0] < 192][-1])
        profiles.append(levels[row, edge - 8 : edge + 12])
    profile = np.mean(profiles, axis=0)
    line = profile[7:11].max()
    assert line > profile[:5].mean() + 100
    assert line > profile[13:].mean() + 30


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_patients_right_is_on_the_left_of_the_image(side: str) -> None:
    specs = {
        "consolidation": with_consolidation(side, "middle", 0.3, 0.9),
        "effusion": replace(NORMAL, **{f"effusion_{side}": 0.3}),
        "pneumothorax": replace(NORMAL, **{f"pneumothorax_{side}": 0.3}),
    }
    for name, spec in specs.items():
        found = shoot(spec)
        columns = np.flatnonzero(found.masks[name].any(axis=0))
        on_left_half = columns.mean() < ROWS / 2
        assert on_left_half == (side == "right"), name
        effect = np.abs(change(found, shoot(NORMAL)))
        halves = effect[:, : ROWS // 2].sum(), effect[:, ROWS // 2 :].sum()
        assert (halves[0] > halves[1]) == (side == "right"), name


def test_zones_lie_one_below_the_other() -> None:
    heights = [
        np.nonzero(shoot(with_consolidation("left", zone, 0.3, 0.8)).masks["consolidation"])[0]
        for zone in ("upper", "middle", "lower")
    ]
    means = [rows.mean() for rows in heights]
    assert means == sorted(means)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name", ["consolidation", "interstitial", "edema", "effusion", "pneumothorax", "atelectasis"]
)
def test_slight_findings_still_have_a_mask(name: str, seed: int) -> None:
    slight = {
        "consolidation": with_consolidation("right", "upper", 0.2, 0.2),
        "interstitial": replace(NORMAL, interstitial=0.2),
        "edema": replace(NORMAL, edema=0.2),
        "effusion": replace(NORMAL, effusion_left=0.2),
        "pneumothorax": replace(NORMAL, pneumothorax_left=0.2),
        "atelectasis": replace(NORMAL, atelectasis=(LinearAtelectasis("left", "lower", 0.2),)),
    }
    assert shoot(slight[name], seed, rows=128).masks[name].sum() > 10


@pytest.mark.parametrize("name", ["interstitial", "edema", "effusion_right", "pneumothorax_left"])
def test_slight_is_hard_to_see_and_severe_is_not(name: str) -> None:
    normal = shoot(NORMAL)
    lungs = normal.masks["lungs"]
    total = [
        np.abs(change(shoot(replace(NORMAL, **{name: severity})), normal))[lungs].sum()
        for severity in (0.15, 0.4, 0.8)
    ]
    assert total[0] < 0.5 * total[2]
    assert total == sorted(total)


def test_an_effusion_is_higher_at_the_wall_than_in_the_middle() -> None:
    mask = shoot(replace(NORMAL, effusion_right=0.45), rows=256).masks["effusion"]
    tops = np.array([column.argmax() for column in mask.T if column.any()])
    wall, middle = tops[: tops.size // 6].min(), tops[tops.size // 3 : tops.size // 2].mean()
    assert wall < middle - 8


def test_masks_end_with_the_collimated_body() -> None:
    for spec in BRIGHT.values():
        image = shoot(spec)
        for mask in image.masks.values():
            assert not (mask & (image.pixels == 0)).any()
            assert not mask[:, :4].any()
            assert not mask[:, -4:].any()


def test_the_heart_is_as_wide_as_asked() -> None:
    measured = []
    for ratio in (0.52, 0.58, 0.64):
        image = shoot(replace(NORMAL, cardiothoracic_ratio=ratio), rows=256)
        heart = np.flatnonzero(image.masks["cardiomegaly"].any(axis=0))
        chest = np.flatnonzero(image.masks["lungs"].any(axis=0))
        measured.append(np.ptp(heart) / np.ptp(chest))
    assert measured == sorted(measured)
    assert measured == pytest.approx([0.52, 0.58, 0.64], abs=0.05)


def test_a_heart_of_normal_size_is_not_marked() -> None:
    assert "cardiomegaly" not in shoot(replace(NORMAL, cardiothoracic_ratio=0.5)).masks


def test_shallow_breath_and_hyperinflation_change_the_height_of_the_lungs() -> None:
    def height(spec: RadiographSpec) -> float:
        image = shoot(spec)
        return float(image.masks["lungs"].any(axis=1).sum() * image.spacing_mm[0])

    full = height(NORMAL)
    assert height(replace(NORMAL, inspiration=0.3)) < full - 15
    assert height(replace(NORMAL, hyperinflation=0.9)) > full + 15


@pytest.mark.parametrize("device", ["pacemaker", "ecg_leads", "central_line", "tube"])
def test_devices_are_dense_and_add_no_mask(device: str) -> None:
    found, normal = shoot(replace(NORMAL, **{device: True}), rows=384), shoot(NORMAL, rows=384)
    difference = found.pixels.astype(int) - normal.pixels
    assert difference.max() > 250
    assert set(found.masks) == {"lungs"}


@pytest.mark.parametrize(
    ("change_", "name"),
    [
        ({"edema": 1.2}, "edema"),
        ({"effusion_left": -0.1}, "effusion_left"),
        ({"bmi": float("nan")}, "bmi"),
        ({"cardiothoracic_ratio": 0.9}, "cardiothoracic_ratio"),
        ({"consolidations": (Consolidation("left", "upper", 2.0, 0.5),)}, "extent"),
    ],
)
def test_an_impossible_spec_names_its_field(change_: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(NORMAL, **change_)


share = st.floats(0, 1)
specs = st.builds(
    RadiographSpec,
    sex=st.sampled_from(["female", "male"]),
    age_years=st.floats(0, 110),
    bmi=st.floats(10, 65),
    view=st.sampled_from(["PA", "AP"]),
    rotation_deg=st.floats(-15, 15),
    inspiration=share,
    kvp=st.floats(60, 150),
    cardiothoracic_ratio=st.floats(0.3, 0.75),
    consolidations=st.lists(
        st.builds(
            Consolidation,
            st.sampled_from(["left", "right"]),
            st.sampled_from(["upper", "middle", "lower"]),
            share,
            share,
        ),
        max_size=2,
    ).map(tuple),
    interstitial=share,
    edema=share,
    effusion_left=share,
    effusion_right=share,
    pneumothorax_left=share,
    pneumothorax_right=share,
    hyperinflation=share,
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(spec=specs, seed=st.integers(0, 2**32))
def test_any_spec_renders(spec: RadiographSpec, seed: int) -> None:
    image = shoot(spec, seed, rows=128)
    # Casting a NaN to an integer warns, and warnings are errors here.
    assert image.pixels.max() <= 4095
    assert np.ptp(image.pixels) > 1500
    assert image.masks["lungs"].sum() > 300
    assert all(mask.shape == image.pixels.shape for mask in image.masks.values())


@pytest.mark.real_data
def test_grey_levels_are_distributed_like_those_of_real_radiographs(shared_data: Path) -> None:
    paths = sorted((shared_data / "nih_chestxray" / "images").rglob("*.png"))[::8]
    at = [10, 25, 50, 75, 90]
    real = np.array([np.percentile(np.asarray(Image.open(p).convert("L")), at) for p in paths])
    simulated = np.array(
        [
            np.percentile(shoot(replace(NORMAL, sex=sex, bmi=bmi), seed).pixels / 16, at)
            for seed, (sex, bmi) in enumerate([("male", 24), ("female", 22), ("male", 33)] * 3)
        ]
    )
    low, high = np.percentile(real, [5, 95], axis=0)
    assert ((low < simulated.mean(axis=0)) & (simulated.mean(axis=0) < high)).all()
