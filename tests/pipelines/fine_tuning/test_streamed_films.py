"""Films on disk and how they are streamed: scaled once, looked at anew in every epoch."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_backbone import film
from tiny_films import write_films

from clinical.case.case import Case
from clinical.modalities.radiograph import encoder
from pipelines.fine_tuning.films import PLAIN, Stream, in_batches, keeper, lessons_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = encoder.Settings(image_size=64)


def case_of(number: int) -> Case:
    return Case(f"c{number}", f"p{number}", NOW, {"image": film(number, bright=True)})


def test_a_film_is_kept_once_as_the_networks_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, tuple[str, ...]] = {}
    cached = keeper(SETTINGS, tmp_path, files)(case_of(1))
    assert not cached.images
    assert not cached.case.inputs
    (file,) = files["c1"]
    kept = np.load(file)
    assert kept.dtype == np.uint8
    (seen,) = encoder.looks(film(1, bright=True), SETTINGS)
    np.testing.assert_allclose(kept / 255, seen[0].numpy(), atol=0.5 / 255 + 1e-6)

    def never(*_: object) -> None:
        raise AssertionError("it was there")

    monkeypatch.setattr(encoder, "looks", never)
    again: dict[str, tuple[str, ...]] = {}
    keeper(SETTINGS, tmp_path, again)(case_of(1))
    assert again == files


def test_another_crop_or_size_is_another_file(tmp_path: Path) -> None:
    found = set()
    for settings in (SETTINGS, encoder.Settings(image_size=96)):
        files: dict[str, tuple[str, ...]] = {}
        keeper(settings, tmp_path, files)(case_of(1))
        found.update(files["c1"])
    assert len(found) == 2


def looks(folder: Path, epoch: int, batches: list[list[int]], readers: int = 0) -> torch.Tensor:
    stream = Stream(write_films(folder, 8), 3, readers, pinned=False)
    return torch.cat([grey for grey, _ in stream.epoch(epoch, batches)])


def test_a_film_looks_different_in_each_epoch_and_the_same_in_each_batch(tmp_path: Path) -> None:
    first = looks(tmp_path, 0, [[0, 1], [2, 3]])
    assert first.shape == (4, 1, 64, 64)
    assert not torch.equal(first, looks(tmp_path, 1, [[0, 1], [2, 3]]))
    assert torch.equal(first[[0, 2]], looks(tmp_path, 0, [[0, 2]]))


@pytest.mark.slow
def test_a_film_looks_the_same_in_each_process(tmp_path: Path) -> None:
    """Two further processes have to load PyTorch and MONAI first."""
    batches = [[0, 1], [2, 3], [4, 5]]
    assert torch.equal(looks(tmp_path, 0, batches), looks(tmp_path, 0, batches, readers=2))


def test_whoever_judges_sees_films_as_they_are(tmp_path: Path) -> None:
    (plain,) = looks(tmp_path, PLAIN, [[2]])
    wanted = np.load(write_films(tmp_path, 8).files[2]).astype(np.float32) / 255
    np.testing.assert_array_equal(plain[0].numpy(), wanted)


def test_every_film_comes_once_an_epoch_in_another_order() -> None:
    batches = in_batches(20, 8, seed=1, epoch=0)
    assert [len(batch) for batch in batches] == [8, 8, 4]
    assert sorted(chain.from_iterable(batches)) == list(range(20))
    assert batches != in_batches(20, 8, seed=1, epoch=1)


def test_a_last_batch_too_small_to_share_is_left_out() -> None:
    assert [len(batch) for batch in in_batches(19, 8, seed=1, epoch=0)] == [8, 8]
    assert [len(batch) for batch in in_batches(3, 8, seed=1, epoch=0)] == [3]


def test_lessons_are_all_films_of_some_cases() -> None:
    labels = np.array([[1.0], [0.0], [np.nan]])
    files = {"a": ("a1", "a2"), "c": ("c1",)}
    lessons = lessons_of(np.array([0, 1, 2, 2]), ["a", "b", "c"], labels, files)
    assert lessons.files == ("a1", "a2", "c1", "c1")
    np.testing.assert_array_equal(lessons.labels[:, 0], [1, 1, np.nan, np.nan])
