"""What docs/gpu.md says of a GPU is what the command counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.modalities.radiograph.backbones import recipe_named
from pipelines.benchmarks import gpu

ROOT = Path(__file__).parents[3]


def test_the_page_has_the_table_of_the_command() -> None:
    assert gpu.table() in (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")


def test_operations_are_those_of_the_architecture() -> None:
    """A vision transformer by hand: 12 layers of 12 d^2 weights, and attention of all on all."""
    need = gpu.need_of(recipe_named("rad-dino"), 518)
    tokens, width = 37 * 37 + 1, 768
    linear = 2 * tokens * 12 * 12 * width**2
    attention = 12 * 2 * 2 * tokens**2 * width
    patches = 2 * 37 * 37 * width * 3 * 14**2
    assert need.operations == pytest.approx(linear + attention + patches, rel=0.001)
    assert need.numbers == 37 * 37 * 768


def test_minutes_and_gigabytes_follow() -> None:
    need = gpu.Need("any", 224, operations=989_000_000_000, numbers=500_000)
    assert need.minutes(6000, 1.0) == pytest.approx(0.1)
    assert need.gigabytes(1000) == 1
