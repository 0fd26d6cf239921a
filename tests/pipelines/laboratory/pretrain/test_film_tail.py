from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clinical.modalities.radiograph.film_network import FILM_CHANNELS, FilmTail
from pipelines.laboratory.pretrain import films
from pipelines.laboratory.pretrain.film_tail import card, pretrain, save
from pipelines.laboratory.pretrain.fit import Lessons, fit, judge, read

pytestmark = pytest.mark.long

SEED = 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    return list(films.kept(tmp_path_factory.mktemp("films"), 6, SEED, jobs=1))


@pytest.fixture(scope="module")
def lessons(files: Sequence[Path]) -> Lessons:
    return read(files)


def _silent(step: int, steps: int, loss: float) -> None:
    del step, steps, loss


def test_outlines_are_one_where_a_finding_is_strongest(lessons: Lessons) -> None:
    strongest = lessons.outlines.amax(dim=-1)
    lungs = films.OUTLINED.index("lungs")
    assert bool((strongest[:, lungs] == 1).all())
    assert set(strongest.unique().tolist()) <= {0.0, 1.0}


def test_fitting_brings_the_loss_down(lessons: Lessons, tmp_path: Path) -> None:
    losses: list[float] = []
    fit(lessons, 0, tmp_path, "key", lambda _, __, loss: losses.append(loss), epochs=8)
    assert losses[-1] < 0.8 * losses[0]


def test_a_stopped_fit_goes_on_where_it_was(lessons: Lessons, tmp_path: Path) -> None:
    def stop_in_the_second(step: int, steps: int, loss: float) -> None:
        if step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(lessons, 0, tmp_path / "stopped", "key", stop_in_the_second, epochs=2)
    resumed = fit(lessons, 0, tmp_path / "stopped", "key", _silent, epochs=2)
    whole = fit(lessons, 0, tmp_path / "whole", "key", _silent, epochs=2)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


def test_the_command_writes_the_tail_and_a_card(tmp_path: Path) -> None:
    pretrain(tmp_path, 5, SEED, epochs=1, jobs=1)
    tail = FilmTail()
    tail.load_state_dict(
        {k: v.float() for k, v in load_file(tmp_path / "film_tail.safetensors").items()}
    )
    assert tail(torch.zeros(1, 40, 8, 8)).shape == (1, FILM_CHANNELS, 4, 4)
    text = (tmp_path / "film_tail.md").read_text(encoding="utf-8")
    assert "4 simulated films" in text
    assert not list((tmp_path / "unfinished").iterdir())


def test_what_is_saved_is_the_tail_in_half_precision(lessons: Lessons, tmp_path: Path) -> None:
    teacher = fit(lessons, 0, tmp_path, "key", _silent, epochs=1)
    save(teacher, tmp_path / "tail.safetensors")
    kept = load_file(tmp_path / "tail.safetensors")
    assert set(kept) == set(teacher.tail.state_dict())
    assert {value.dtype for value in kept.values()} == {torch.float16}


def test_a_finding_that_no_film_shows_has_no_figure(lessons: Lessons, tmp_path: Path) -> None:
    teacher = fit(lessons, 0, tmp_path, "key", _silent, epochs=1)
    never = torch.zeros_like(lessons.present)
    judged = judge(teacher, Lessons(lessons.stem, lessons.outlines, never))
    assert all(np.isnan(area) for area in judged.values())
    assert "| mass | - |" in card(judged, 5, 1, SEED, 1)
