from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.jobs.cache import kept, place

ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


def never() -> np.ndarray:
    raise AssertionError("made again")


def test_an_array_is_made_once(tmp_path: Path) -> None:
    file = place(tmp_path, "w" * 64, "k" * 64)
    np.testing.assert_array_equal(kept(file, lambda: ARRAY), ARRAY)
    np.testing.assert_array_equal(kept(file, never), ARRAY)
    assert [found.name for found in tmp_path.rglob("*.npy")] == ["k" * 64 + ".npy"]


@pytest.mark.parametrize(
    "torn", [lambda b: b"", lambda b: b[:20], lambda b: b[:-4], lambda b: b"\0" * len(b)]
)
def test_a_torn_file_is_made_again(tmp_path: Path, torn: Callable[[bytes], bytes]) -> None:
    file = tmp_path / "a.npy"
    kept(file, lambda: ARRAY)
    whole = file.read_bytes()
    file.write_bytes(torn(whole))
    np.testing.assert_array_equal(kept(file, lambda: ARRAY), ARRAY)
    assert file.read_bytes() == whole


def test_without_a_folder_nothing_is_kept() -> None:
    assert place(None, "w", "k") is None
    assert kept(None, lambda: ARRAY) is ARRAY
