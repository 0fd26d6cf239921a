from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from clinical.modalities.radiograph.lungs import OUTLINED, SIDE, WEIGHTS, LungNetwork
from pipelines.jobs import resume
from pipelines.laboratory.pretrain import lung_films, lungs
from pipelines.laboratory.pretrain.lung_films import LungFilms, disturbed, plain

pytestmark = pytest.mark.long

SEED = 3


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> LungFilms:
    folder = tmp_path_factory.mktemp("films")
    return lung_films.read(list(lung_films.kept(folder, 4, SEED, jobs=1)))


def test_every_film_has_lungs_and_some_an_opacity(films: LungFilms) -> None:
    covered = films.outlines.float().mean(dim=(2, 3))
    assert bool((covered[:, OUTLINED.index("lungs")] > 0.05).all())
    assert bool((covered[:, OUTLINED.index("opacity")] > 0).any())


def test_what_is_drawn_depends_on_seed_and_number_alone(films: LungFilms) -> None:
    film, outlines = lung_films.draw(SEED, 2)
    np.testing.assert_array_equal(films.films[2].numpy(), film)
    np.testing.assert_array_equal(films.outlines[2].numpy(), outlines)


def test_a_disturbed_film_has_its_lungs_with_it(films: LungFilms) -> None:
    seen, outlines = disturbed(films, np.random.default_rng(0))
    assert seen.shape == (4, 1, SIDE, SIDE)
    assert outlines.shape == (4, len(OUTLINED), SIDE, SIDE)
    usual, _ = plain(films)
    assert float((seen - usual).abs().mean()) > 0.05
    # Where a film is nothing but its lungs, they are still bright after all that was done to it.
    lungs_alone = LungFilms(films.outlines[:, 0] * 255, films.outlines)
    seen, outlines = disturbed(lungs_alone, np.random.default_rng(0))
    inside = outlines[:, :1] > 0
    assert float(seen[inside].mean()) > float(seen[~inside].mean()) + 0.2


def test_a_stopped_lesson_goes_on_where_it_was(
    films: LungFilms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lungs, "STEPS_IN_EPOCH", 2)
    whole = lungs.fit(films, tmp_path / "whole", "key", epochs=2, seed=0)
    keep = resume.keep

    def stop_after_the_first(*args: Any) -> None:
        keep(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(resume, "keep", stop_after_the_first)
        with pytest.raises(KeyboardInterrupt):
            lungs.fit(films, tmp_path / "stopped", "key", epochs=2, seed=0)
    resumed = lungs.fit(films, tmp_path / "stopped", "key", epochs=2, seed=0)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


def test_the_command_writes_weights_and_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lungs, "STEPS_IN_EPOCH", 1)
    monkeypatch.setattr(lungs, "HELD_OUT", 1)
    lungs.teach(tmp_path, 3, epochs=1, seed=SEED, jobs=1)
    network = LungNetwork()
    kept = load_file(tmp_path / WEIGHTS.name)
    network.load_state_dict({name: value.float() for name, value in kept.items()})
    text = (tmp_path / "lungs.md").read_text(encoding="utf-8")
    assert "2 simulated films" in text
    assert "| lungs |" in text


def test_dice_is_one_where_all_is_right() -> None:
    truth = np.zeros((2, 4, 4), bool)
    truth[0, 1:3] = True
    assert lungs._dice(truth, truth) == 1
    assert lungs._dice(~truth, truth) == 0
