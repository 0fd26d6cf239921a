"""Masks by diagnosis and on the grid of patches: the geometry is that of the encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clinical.errors import CohortError
from clinical.modalities.radiograph import encoder
from pipelines.training import masks


def save(root: Path, name: str, mask: np.ndarray) -> None:
    Image.fromarray(mask.astype(np.uint8) * 255).convert("1").save(root / name)


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    left, right = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    left[20:40, 0:10] = True
    right[0:20, 30:40] = True
    save(tmp_path, "left.png", left)
    save(tmp_path, "right.png", right)
    save(tmp_path, "none.png", np.zeros((40, 40), bool))
    (tmp_path / masks.TABLE).write_text(
        "case_id,finding,path\n"
        "a,consolidation,left.png\n"
        "a,interstitial,right.png\n"
        "b,effusion,none.png\n"
        "b,lungs,left.png\n",
        encoding="utf-8",
    )
    return tmp_path


def test_a_cohort_without_masks_has_none(tmp_path: Path) -> None:
    assert masks.read_masks(tmp_path) == {}


def test_a_mask_that_is_not_there_is_named(cohort: Path) -> None:
    (cohort / "left.png").unlink()
    with pytest.raises(CohortError, match=r"left\.png"):
        masks.visible(masks.read_masks(cohort)["a"], "bacterial_pneumonia")


def test_a_diagnosis_shows_where_any_of_its_findings_does(cohort: Path) -> None:
    found = masks.read_masks(cohort)
    bacterial = masks.visible(found["a"], "bacterial_pneumonia")
    viral = masks.visible(found["a"], "viral_pneumonia")
    assert bacterial is not None
    assert viral is not None
    assert (bacterial.sum(), viral.sum()) == (200, 400)


def test_what_is_empty_or_has_no_place_is_not_visible(cohort: Path) -> None:
    found = masks.read_masks(cohort)
    assert masks.visible(found["b"], "pleural_effusion") is None
    assert masks.visible(found["a"], "pulmonary_embolism") is None
    assert masks.visible(found["a"], "pneumothorax") is None


def test_every_patch_knows_the_share_that_is_covered() -> None:
    mask = np.zeros((6, 6), bool)
    mask[0:3, 0:2] = True
    np.testing.assert_allclose(masks.on_grid(mask, 2), [[2 / 3, 0], [0, 0]], atol=1e-6)
    # Four patches over six pixels: borders lie inside pixels, areas stay exact.
    grid = masks.on_grid(mask, 4)
    assert grid.sum() * 1.5**2 == pytest.approx(6)
    np.testing.assert_allclose(grid[0], [1, 1 / 3, 0, 0], atol=1e-6)


@pytest.mark.parametrize("shape", [(60, 40), (40, 60), (61, 40), (40, 61)])
def test_the_grid_lies_where_the_encoder_puts_its_patches(shape: tuple[int, int]) -> None:
    """A bright square is brightest for the encoder in the patch where the mask says it is."""
    mask = np.zeros(shape, bool)
    mask[:15, -15:] = True
    seen = encoder.network_input(mask.astype(np.float32), 64)[0].numpy()
    seen = (seen - seen.min()) / (seen.max() - seen.min())
    pooled = seen.reshape(4, 16, 4, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(masks.on_grid(mask, 4), pooled, atol=0.06)


def test_regions_are_only_where_the_diagnosis_is_true_and_visible(cohort: Path) -> None:
    labels = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0]])
    names = ("bacterial_pneumonia", "viral_pneumonia", "pleural_effusion")
    found = masks.regions(masks.read_masks(cohort), ["a", "b"], labels, names, 4)
    assert found.shape == (2, 3, 16)
    assert np.flatnonzero(found.max(axis=2)).tolist() == [0]
    np.testing.assert_array_equal(np.flatnonzero(found[0, 0]), [8, 12])
    assert found[0, 0].max() == 1
