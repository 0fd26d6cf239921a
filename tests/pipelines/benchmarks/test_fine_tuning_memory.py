"""The measurement that docs/fine-tuning.md quotes counts films and reads the memory."""

from __future__ import annotations

from pathlib import Path

from tiny_backbone import TINY

from clinical.modalities.radiograph.backbones import measured, network_of
from pipelines.benchmarks import fine_tuning
from pipelines.fine_tuning.learning import Pupil


def test_films_that_have_gone_by_are_counted(tmp_path: Path) -> None:
    lessons = fine_tuning.films(tmp_path / "films", 40, side=64, different=4)
    assert len(set(lessons.files)) == 4
    seen: list[tuple[int, float]] = []
    recipe = measured(TINY)
    pupil = Pupil(recipe, network_of(recipe), lessons.labels)
    fine_tuning.stream(tmp_path, lessons, 3, lambda *one: seen.append(one), pupil=pupil)
    assert [films for films, _ in seen] == [40, 80, 120]
    assert all(10 < used < 20_000 for _, used in seen)
