"""A label that is told by the border or by what surrounds the lungs is told by a shortcut."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_shortcuts import CASES, QUICK, dataset_of, labels_of

from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.image_parts import Parts, border_only, without_lungs
from pipelines.study.guards.image_regions import RegionRows, image_regions, region_rows

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


def in_corners(image: np.ndarray) -> np.ndarray:
    """The four quarters of a quarter of the side, as one image of its size."""
    only = np.zeros_like(image)
    for place in (np.s_[:10, :10], np.s_[:10, -10:], np.s_[-10:, :10], np.s_[-10:, -10:]):
        only[place] = image[place]
    return only


def seen(image: np.ndarray, lungs: np.ndarray | None) -> Parts:
    outside = without_lungs(image, lungs)
    shown = (image, border_only(image, lungs), outside, in_corners(outside))
    return Parts(np.stack([coarse(part) for part in shown]), lungs is not None)


def found(
    labels: np.ndarray, images: list[np.ndarray], lungs: np.ndarray | None
) -> tuple[GuardResult, ...]:
    dataset = dataset_of(labels)
    names = [cached.case.case_id for cached in dataset.cases]
    looked = {name: seen(image, lungs) for name, image in zip(names, images, strict=True)}
    results = image_regions(dataset, region_rows(names, looked), QUICK)
    asked = tuple(finding for finding in results if isinstance(finding, GuardResult))
    assert [finding.subject for finding in asked] == [
        "gout, border alone",
        "gout, without the lungs",
        "gout, corners alone",
    ]
    return asked


@pytest.mark.parametrize("lungs", [LUNGS, None])
def test_a_mark_in_a_corner_fires_all_ways(lungs: np.ndarray | None) -> None:
    labels = labels_of()
    border, outside, corners = found(labels, films(labels, np.s_[0:5, 0:5]), lungs)
    assert border.fires
    assert outside.fires
    assert corners.fires
    assert "corners of the image alone" in corners.sentence
    assert border.figures["AUROC, whole image"].value == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("lungs", [LUNGS, None])
def test_a_finding_in_a_lung_fires_no_way(lungs: np.ndarray | None) -> None:
    labels = labels_of()
    border, outside, corners = found(labels, films(labels, np.s_[15:25, 10:15]), lungs)
    assert not border.fires
    assert not outside.fires
    assert not corners.fires
    assert (border.figures["AUROC, whole image"].value or 0) > 0.9


def test_what_lies_between_border_and_lungs_fires_one_way() -> None:
    labels = labels_of()
    border, outside, corners = found(labels, films(labels, np.s_[31:34, 10:30]), LUNGS)
    assert not border.fires
    assert outside.fires
    assert not corners.fires
    assert outside.counts == {"images with a mask of the lungs": CASES}


def test_a_finding_in_the_corner_of_a_lung_fires_only_where_the_lungs_are_not_known() -> None:
    """An effusion at the bottom of a narrow field: without masks the guard cannot know better."""
    labels = labels_of()
    lungs = np.zeros((SIDE, SIDE), dtype=bool)
    lungs[5:38, 3:18] = lungs[5:38, 22:37] = True
    images = films(labels, np.s_[35:38, 5:15])
    assert [finding.fires for finding in found(labels, images, lungs)] == [False] * 3
    border, *_ = found(labels, images, None)
    assert border.fires
    assert "unless the disease extends there" in border.sentence


def test_nothing_fires_where_nothing_is_there() -> None:
    labels = labels_of()
    asked = found(labels, films(labels, np.s_[0:5, 0:5], strength=0), LUNGS)
    assert not any(finding.fires for finding in asked)


def test_the_size_of_the_blanked_lungs_is_a_finding_and_no_shortcut() -> None:
    """The part shows where the rectangle ends, which tells the label, and nothing else of it."""
    labels, generator = labels_of(), np.random.default_rng(14)
    dataset = dataset_of(labels)
    names = [cached.case.case_id for cached in dataset.cases]
    edges = generator.normal(size=(len(names), 4)) + labels[:, None]
    shown = edges @ generator.normal(size=(4, 20)) + (edges**2) @ generator.normal(size=(4, 20))
    shown = shown + 0.1 * generator.normal(size=shown.shape)

    def asked(mark: float, known: bool) -> list[bool]:
        rows = np.stack([shown + 3 * labels[:, None], *[shown + mark * labels[:, None]] * 3])
        looked = {
            name: Parts(rows[:, n], known, tuple(edges[n].tolist()) if known else ())
            for n, name in enumerate(names)
        }
        found = image_regions(dataset, region_rows(names, looked), QUICK)
        return [finding.fires for finding in found if isinstance(finding, GuardResult)]

    assert asked(mark=0, known=True) == [False] * 3
    assert asked(mark=0, known=False) == [True] * 3
    assert asked(mark=3, known=True) == [True] * 3


def test_a_case_that_was_not_looked_at_is_left_out() -> None:
    first, third = films(labels_of(2), np.s_[0:5, 0:5])
    looked = {"c": seen(third, None), "a": seen(first, LUNGS), "other": seen(first, LUNGS)}
    rows = region_rows(["a", "b", "c"], looked)
    assert rows.masked == 1
    assert np.isnan(rows.whole).any(axis=1).tolist() == [False, True, False]
    assert rows.border.shape == rows.outside.shape == rows.corners.shape == (3, 64)
    np.testing.assert_array_equal(rows.whole[2], coarse(third).astype(np.float64))


def test_where_no_image_was_looked_at_nothing_is_asked() -> None:
    dataset = dataset_of(labels_of())
    rows = region_rows([cached.case.case_id for cached in dataset.cases], {})
    assert all(isinstance(finding, Skipped) for finding in image_regions(dataset, rows, QUICK))


def test_too_few_images_are_skipped() -> None:
    none = np.empty((CASES, 0))
    skipped = image_regions(dataset_of(labels_of()), RegionRows(none, none, none, none, 0), QUICK)
    assert [f.reason for f in skipped if isinstance(f, Skipped)] == ["no case has an image"] * 3
    blank = np.full((CASES, 3), np.nan)
    skipped = image_regions(
        dataset_of(labels_of()), RegionRows(blank, blank, blank, blank, 0), QUICK
    )
    assert all(isinstance(f, Skipped) and "too few" in f.reason for f in skipped)
