"""Parts of an image, blanked so that nothing inside tells, and their features on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinical.case.shapes import Array
from clinical.modalities.radiograph import encoder
from pipelines.study.guards.image_parts import (
    CORNER,
    FINE,
    SIDE,
    blanked,
    border_only,
    corners,
    edges_of,
    lungs_of,
    parts,
    shrunk,
    without_lungs,
)
from pipelines.training.masks import read_masks

ROWS = 40
LUNGS = np.zeros((ROWS, ROWS), dtype=bool)
LUNGS[10:30, 8:16] = LUNGS[10:30, 24:32] = True


def film(rows: int = ROWS, columns: int = ROWS) -> np.ndarray:
    return np.random.default_rng(14).normal(size=(rows, columns)).astype(np.float32)


def test_what_is_blanked_leaves_no_trace_of_itself() -> None:
    image = film()
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
    image = np.arange(ROWS * ROWS, dtype=np.float32).reshape(ROWS, ROWS)
    inside = without_lungs(image, LUNGS)[10:30, 8:32]
    assert np.ptp(inside) == 0
    assert without_lungs(image, LUNGS)[30, 8] == image[30, 8]
    assert without_lungs(image, None)[20, 20] != image[20, 20]
    assert without_lungs(image, None)[0, 0] == image[0, 0]


def test_the_edges_of_the_lungs_are_shares_of_the_image() -> None:
    assert edges_of(LUNGS) == (10 / 40, 10 / 40, 8 / 40, 8 / 40)
    assert parts(Array(film()), LUNGS, None).edges == edges_of(LUNGS)
    assert parts(Array(film()), None, None).edges == ()
    assert edges_of(LUNGS[:30, :]) == (10 / 30, 0, 8 / 40, 8 / 40)


def test_masks_of_a_cohort_are_found(tmp_path: Path) -> None:
    Image.fromarray(LUNGS.astype(np.uint8) * 255).convert("1").save(tmp_path / "a.png")
    (tmp_path / "masks.csv").write_text("case_id,finding,path\na,lungs,a.png\nb,mass,a.png\n")
    masks = read_masks(tmp_path)
    np.testing.assert_array_equal(lungs_of(masks, "a"), LUNGS)
    assert lungs_of(masks, "b") is None
    assert lungs_of(masks, "c") is None


@pytest.mark.parametrize("shape", [(FINE, FINE), (FINE, 300), (200, FINE), (60, 100)])
def test_a_mark_is_seen_in_its_own_corner_alone(shape: tuple[int, int]) -> None:
    """Padding is no corner, and an image that is small or narrow has four all the same."""
    plain = film(*shape)
    near = [round(0.06 * side) for side in shape]
    for number, (down, across) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        marked = plain.copy()
        centre = [
            side - at if far else at
            for side, at, far in zip(shape, near, (down, across), strict=True)
        ]
        marked[centre[0] - 2 : centre[0] + 2, centre[1] - 2 : centre[1] + 2] = 3 * plain.max()
        changed = (corners(marked, None) - corners(plain, None)).abs().amax(dim=(1, 2, 3))
        assert changed.shape == (4,)
        assert int(changed.argmax()) == number


def test_a_corner_is_a_quarter_of_the_longer_side_without_the_lungs() -> None:
    image = film(FINE, FINE)
    lungs = np.zeros(image.shape, dtype=bool)
    lungs[100:400, 100:400] = True
    inside = image.copy()
    inside[100:400, 100:400] = 50
    first, second = corners(image, lungs), corners(inside, lungs)
    assert first.shape == (4, 3, CORNER, CORNER)
    np.testing.assert_array_equal(first, second)
    between = image.copy()
    between[:, CORNER : FINE - CORNER] = 0
    np.testing.assert_allclose(
        corners(between, np.zeros_like(lungs)), corners(image, None), atol=0.2
    )


def test_features_are_of_the_whole_the_border_the_rest_and_the_corners(tmp_path: Path) -> None:
    image = film(300, 200)
    inner = image.copy()
    inner[100:200, 80:120] = 3
    plain, changed = (parts(Array(pixels), None, tmp_path).features for pixels in (image, inner))
    assert plain.shape == (4, 2 * encoder.CHANNELS)
    assert not np.array_equal(plain[0], changed[0])
    np.testing.assert_array_equal(plain[1:], changed[1:])


def test_a_second_look_reads_the_features_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, without = Array(film()), parts(Array(film()), LUNGS, None)
    first = parts(image, LUNGS, tmp_path)
    other = parts(image, None, tmp_path)
    monkeypatch.setattr(encoder, "features_of", None)
    second = parts(image, LUNGS, tmp_path)
    assert first.masked
    assert second.masked
    assert not other.masked
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.features, without.features)
    assert not np.array_equal(first.features[2], other.features[2])


def test_a_mask_of_another_size_or_without_lungs_is_as_none(tmp_path: Path) -> None:
    image = Array(film())
    plain = parts(image, None, tmp_path)
    for mask in (LUNGS[:5], np.zeros_like(LUNGS)):
        found = parts(image, mask, tmp_path)
        assert not found.masked
        np.testing.assert_array_equal(found.features, plain.features)
    assert len(list(tmp_path.rglob("*.npy"))) == 1


def test_a_large_image_is_made_small_by_means() -> None:
    image = np.zeros((4 * SIDE, 2 * SIDE), dtype=np.float32)
    image[:, : SIDE // 2] = 8
    small = shrunk(image)
    assert small.shape == (SIDE, SIDE // 2)
    assert (small[:, : SIDE // 8] == 8).all()
    assert (small[:, SIDE // 8 :] == 0).all()
    assert shrunk(film()) is not None
    assert shrunk(film()).shape == (ROWS, ROWS)
