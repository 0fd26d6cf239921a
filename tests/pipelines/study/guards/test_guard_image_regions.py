"""A label that is told by the border or by what surrounds the lungs is told by a shortcut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clinic_of_shortcuts import CASES, QUICK, dataset_of, labels_of
from PIL import Image

from pipelines.masks import read_masks
from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.image_regions import (
    RegionRows,
    blanked,
    border_only,
    image_regions,
    lungs_of,
    region_rows,
    without_lungs,
)

SIDE = 40
LUNGS = np.zeros((SIDE, SIDE), dtype=bool)
LUNGS[10:30, 8:16] = LUNGS[10:30, 24:32] = True


def coarse(image: np.ndarray) -> np.ndarray:
    """Means of 8 x 8 blocks of 5 pixels: a small stand-in for an encoder."""
    return image.reshape(8, 5, 8, 5).mean(axis=(1, 3)).ravel()


def films(
    labels: np.ndarray, place: tuple[slice, slice], strength: float = 1.5
) -> list[np.ndarray]:
    """Noise, brighter at one place in the positive."""
    generator = np.random.default_rng(14)
    made = [generator.normal(size=(SIDE, SIDE)).astype(np.float32) for _ in labels]
    for image, label in zip(made, labels, strict=True):
        image[place] += strength * label
    return made


def found(
    labels: np.ndarray, images: list[np.ndarray], lungs: np.ndarray | None
) -> tuple[GuardResult, GuardResult]:
    rows = region_rows(((image, lungs) for image in images), coarse)
    border, outside = image_regions(dataset_of(labels), rows, QUICK)
    assert isinstance(border, GuardResult)
    assert isinstance(outside, GuardResult)
    return border, outside


@pytest.mark.parametrize("lungs", [LUNGS, None])
def test_a_mark_in_a_corner_fires_both_ways(lungs: np.ndarray | None) -> None:
    labels = labels_of()
    border, outside = found(labels, films(labels, np.s_[0:5, 0:5]), lungs)
    assert border.fires
    assert outside.fires
    assert border.figures["AUROC, whole image"].value == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("lungs", [LUNGS, None])
def test_a_finding_in_a_lung_fires_neither_way(lungs: np.ndarray | None) -> None:
    labels = labels_of()
    border, outside = found(labels, films(labels, np.s_[15:25, 10:15]), lungs)
    assert not border.fires
    assert not outside.fires
    assert (border.figures["AUROC, whole image"].value or 0) > 0.9


def test_what_lies_between_border_and_lungs_fires_one_way() -> None:
    labels = labels_of()
    border, outside = found(labels, films(labels, np.s_[31:34, 10:30]), LUNGS)
    assert not border.fires
    assert outside.fires
    assert outside.counts == {"images with a mask of the lungs": CASES}


def test_a_finding_in_the_corner_of_a_lung_fires_only_where_the_lungs_are_not_known() -> None:
    """An effusion at the bottom of a narrow field: without masks the guard cannot know better."""
    labels = labels_of()
    lungs = np.zeros((SIDE, SIDE), dtype=bool)
    lungs[5:38, 3:18] = lungs[5:38, 22:37] = True
    images = films(labels, np.s_[35:38, 5:15])
    assert [finding.fires for finding in found(labels, images, lungs)] == [False, False]
    border, _ = found(labels, images, None)
    assert border.fires
    assert "unless the disease reaches there" in border.sentence


def test_nothing_fires_where_nothing_is_there() -> None:
    labels = labels_of()
    border, outside = found(labels, films(labels, np.s_[0:5, 0:5], strength=0), LUNGS)
    assert not border.fires
    assert not outside.fires


def test_what_is_blanked_leaves_no_trace_of_itself() -> None:
    image = films(np.ones(1), np.s_[0:1, 0:1])[0]
    other = image.copy()
    other[8:30, 8:32] = 1000
    np.testing.assert_array_equal(border_only(image), border_only(other))
    inside = np.zeros(image.shape, dtype=bool)
    inside[8:30, 8:32] = True
    np.testing.assert_array_equal(blanked(image, inside), blanked(other, inside))
    assert blanked(image, inside)[10, 10] == pytest.approx(image[~inside].mean())
    np.testing.assert_array_equal(blanked(image, inside)[~inside], image[~inside])


def test_the_border_is_what_is_outside_the_inner_seventy_hundredths() -> None:
    image = np.zeros((100, 200), dtype=np.float32)
    image[15:85, 30:170] = 1
    assert (border_only(image) == 0).all()
    image[14, 100] = 1
    assert (border_only(image)[:15] > 0).any()


def test_the_lungs_are_blanked_as_one_rectangle() -> None:
    image = np.arange(SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    inside = without_lungs(image, LUNGS)[10:30, 8:32]
    assert np.ptp(inside) == 0
    assert without_lungs(image, LUNGS)[30, 8] == image[30, 8]
    assert without_lungs(image, None)[20, 20] != image[20, 20]
    assert without_lungs(image, None)[0, 0] == image[0, 0]


def test_masks_of_a_cohort_are_found(tmp_path: Path) -> None:
    Image.fromarray(LUNGS.astype(np.uint8) * 255).convert("1").save(tmp_path / "a.png")
    (tmp_path / "masks.csv").write_text("case_id,finding,path\na,lungs,a.png\nb,mass,a.png\n")
    masks = read_masks(tmp_path)
    np.testing.assert_array_equal(lungs_of(masks, "a"), LUNGS)
    assert lungs_of(masks, "b") is None
    assert lungs_of(masks, "c") is None


def test_a_case_without_an_image_is_left_out_and_a_misfit_mask_is_not_used() -> None:
    images = films(labels_of(4), np.s_[0:5, 0:5])
    rows = region_rows(
        [(images[0], LUNGS[:5]), (None, None), (images[2], LUNGS), (images[3], None)], coarse
    )
    assert rows.masked == 1
    assert np.isnan(rows.whole).any(axis=1).tolist() == [False, True, False, False]
    assert rows.border.shape == rows.outside.shape == (4, 64)


def test_too_few_images_are_skipped() -> None:
    none = np.empty((CASES, 0))
    skipped = image_regions(dataset_of(labels_of()), RegionRows(none, none, none, 0), QUICK)
    assert [f.reason for f in skipped if isinstance(f, Skipped)] == ["no case has an image"] * 2
    blank = np.full((CASES, 3), np.nan)
    skipped = image_regions(dataset_of(labels_of()), RegionRows(blank, blank, blank, 0), QUICK)
    assert all(isinstance(f, Skipped) and "too few" in f.reason for f in skipped)
