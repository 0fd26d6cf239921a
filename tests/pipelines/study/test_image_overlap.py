"""The same film is found again however it was saved; two films of one patient are not the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Array, Arrays, Measurements
from pipelines.laboratory.simulate.radiograph import Consolidation, RadiographSpec, render
from pipelines.study.image_alignment import aligned
from pipelines.study.image_fingerprint import (
    FINE,
    WHOLE,
    Fingerprint,
    details,
    fingerprint,
    fingerprints,
    hashes,
    ranks,
)
from pipelines.study.image_overlap import find_overlap, near_pairs

Pixels = NDArray[np.float32]
PEOPLE = 12


@cache
def film(person: int, visit: int = 0) -> Pixels:
    """A simulated radiograph: the same body at every visit, in another pose; ill at the second."""
    spec = RadiographSpec("male" if person % 2 else "female", 25.0 + 2 * person)
    if visit:
        spec = replace(spec, consolidations=(Consolidation("right", "lower", 0.6, 0.8),))
    rng, body = np.random.default_rng([person, visit]), np.random.default_rng(person)
    return render(spec, rng, rows=256, body=body).pixels.astype(np.float32)


def resized(pixels: Pixels, rows: int, columns: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BICUBIC))


def noisy(pixels: Pixels, share: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, share * np.ptp(pixels), pixels.shape)
    return (pixels + noise).astype(np.float32)


def gamma(pixels: Pixels, power: float) -> Pixels:
    return np.clip(pixels / pixels.max(), 0, 1) ** power


def cropped(pixels: Pixels, top: float, bottom: float, left: float, right: float) -> Pixels:
    rows, columns = pixels.shape
    return pixels[
        round(rows * top) : rows - round(rows * bottom),
        round(columns * left) : columns - round(columns * right),
    ]


CHANGES = {
    "noise": lambda x: noisy(x, 0.02),
    "half the size": lambda x: resized(x, 128, 128),
    "another aspect": lambda x: resized(x, 300, 200),
    "brighter": lambda x: gamma(x, 0.6),
    "darker": lambda x: gamma(x, 1.6),
    "steeper": lambda x: np.clip(x, *np.quantile(x, [0.02, 0.98])),
    "eight bits": lambda x: np.floor(x / 16),
    "cropped at the top": lambda x: cropped(x, 0.05, 0, 0, 0),
    "cropped all round": lambda x: cropped(x, 0.02, 0.03, 0.025, 0.01),
    "cropped to one corner": lambda x: cropped(x, 0, 0.05, 0.05, 0),
    "all at once": lambda x: noisy(
        gamma(resized(cropped(x, 0.03, 0.01, 0, 0.04), 200, 200), 0.8), 0.01
    ),
}


def prints_of(**films: Pixels) -> list[Fingerprint]:
    return [fingerprint(name, "image", Array(pixels)) for name, pixels in films.items()]


def test_an_identical_film_is_found_and_called_identical() -> None:
    prints = prints_of(a=film(0), b=film(1), c=film(0), d=film(2))
    found = find_overlap(prints, train={"a", "b"}, test={"c", "d"})
    (twin,) = found.twins
    assert (twin.test, twin.train, twin.exact, twin.correlation, twin.images) == (
        ("c", "a", True, 1.0, 1)
    )
    assert (found.exact, found.near) == ((twin,), ())
    assert str(found) == (
        "2 test images were compared with 2 training images: 1 are identical to one and 0"
        " near-identical (1 pairs, 1 test cases)."
    )


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("changed_side", ["train", "test"])
def test_a_film_saved_differently_is_near_identical(change: str, changed_side: str) -> None:
    for person in range(3):
        pair = {"train": film(person), "test": film(person)}
        pair[changed_side] = CHANGES[change](film(person))
        prints = prints_of(train=pair["train"], test=pair["test"], other=film(person + 5))
        found = find_overlap(prints, train={"train", "other"}, test={"test"})
        assert [twin.train for twin in found.near] == ["train"], f"person {person}"
        assert found.exact == ()


def test_two_visits_of_one_patient_and_two_patients_are_not_the_same_film() -> None:
    first = np.stack([ranks(film(person)) for person in range(PEOPLE)])
    second = np.stack([ranks(film(person, visit=1)) for person in range(PEOPLE)])
    assert near_pairs(first, second) == {}
    among = {pair for pair in near_pairs(first, first) if pair[0] != pair[1]}
    assert among == set()


def test_cases_of_neither_side_and_of_the_same_side_are_not_compared() -> None:
    prints = prints_of(a=film(0), b=film(0), c=film(0), d=film(1))
    found = find_overlap(prints, train={"a", "b"}, test={"d"})
    assert (found.train_images, found.test_images, found.twins) == (2, 1, ())
    assert find_overlap(prints, train={"a"}, test={"nobody"}).twins == ()


def test_a_film_that_is_often_in_training_is_one_twin_with_its_closest_copy_named() -> None:
    prints = prints_of(
        worse=noisy(film(0), 0.03), better=noisy(film(0), 0.005), same=film(0), test=film(0)
    )
    (twin,) = find_overlap(prints, {"worse", "better", "same"}, {"test"}).twins
    assert (twin.train, twin.exact, twin.images) == ("same", True, 3)
    (twin,) = find_overlap(prints, {"worse", "better"}, {"test"}).twins
    assert (twin.train, twin.exact, twin.images) == ("better", False, 2)
    assert 0.95 <= twin.correlation < 1


def test_blank_images_are_identical_but_never_near_identical() -> None:
    blank = np.zeros((64, 64), np.float32)
    prints = prints_of(a=blank, b=blank + 1, c=blank)
    (twin,) = find_overlap(prints, train={"a", "b"}, test={"c"}).twins
    assert (twin.train, twin.images) == ("a", 1)
    assert not details(ranks(blank)[None]).any()


def test_ranks_do_not_know_brightness_or_contrast() -> None:
    np.testing.assert_allclose(ranks(film(0)), ranks(film(0) * 3 + 100), atol=1)
    assert ranks(film(0)).shape == (96, 96)
    assert (ranks(film(0)).min(), ranks(film(0)).max()) == (0, 255)


def test_the_hash_says_which_neighbour_is_brighter() -> None:
    ramp = np.tile(np.arange(96, dtype=np.uint8), (96, 1))
    found = np.bitwise_count(hashes(np.stack([ramp, ramp[:, ::-1], ramp.T, ramp.T[::-1]])))
    assert found.tolist() == [[64, 0], [0, 0], [0, 64], [0, 0]]


def test_a_window_is_moved_to_where_the_crop_was_taken() -> None:
    grids = np.stack([ranks(film(person)) for person in range(3)])
    crops = np.stack([ranks(cropped(film(n), 0.02, 0.01, 0.01, 0.02)) for n in range(3)])
    start = np.tile(WHOLE, (3, 1))
    before = np.einsum("pd,pd->p", details(grids, blur=FINE), details(crops, blur=FINE))
    assert (before < 0.9).all()
    assert (aligned(grids, crops, start) > 0.97).all()
    # Three at once are the same as one by one.
    single = [aligned(grids[n : n + 1], crops[n : n + 1], start[:1])[0] for n in range(3)]
    np.testing.assert_allclose(aligned(grids, crops, start), single, atol=1e-4)


def test_detail_of_the_whole_is_a_correlation_of_what_is_left_after_a_blur() -> None:
    grid = ranks(film(0))
    blocks = grid.reshape(32, 3, 32, 3).mean(axis=(1, 3))
    expected = blocks - gaussian_filter(blocks, 2.0, mode="nearest")
    expected = (expected - expected.mean()).ravel()
    np.testing.assert_allclose(
        details(grid[None], WHOLE)[0], expected / np.linalg.norm(expected), atol=1e-4
    )


def test_a_cohort_gives_one_fingerprint_for_each_image_that_could_be_read() -> None:
    image = Array(film(0))
    stack = Array(np.stack([film(0), film(0)]), axes=("frame", "row", "column"))
    when = datetime(2022, 1, 1)
    readings = [
        Case(
            "a",
            "p1",
            when,
            {
                "image": Arrays((image,)),
                "prior": Arrays((stack,)),
                "measurements": Measurements(()),
            },
        ),
        SkippedCase("b", Problem("images.csv", "the file is broken.")),
        Case("c", "p2", when, {}),
        Problem("images.csv", "no such file."),
    ]
    found = list(fingerprints(readings))
    assert [(one.case_id, one.modality) for one in found] == [("a", "image"), ("a", "prior")]
    assert found[0].digest == image.digest != found[1].digest
    np.testing.assert_array_equal(found[0].grid, found[1].grid)


def test_a_copy_is_found_among_a_thousand_others() -> None:
    generator = np.random.default_rng(0)
    coarse = generator.random((1200, 12, 12), dtype=np.float32)
    grids = np.stack([ranks(resized(one, 96, 96)) for one in coarse])
    copy = np.clip(grids[17].astype(int) + 1, 0, 255).astype(np.uint8)
    found = near_pairs(np.stack([*grids[:200], copy]), grids[200:])
    assert found == {}
    assert set(near_pairs(copy[None], grids)) == {(0, 17)}
