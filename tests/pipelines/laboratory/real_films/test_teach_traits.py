"""Teaching and judging what a film seems to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from clinical.modalities.radiograph import traits as shipped
from clinical.modalities.radiograph.traits import (
    DOUBTS,
    MIRRORED,
    NO_CHEST,
    POSTURES,
    QUARTERS,
    SEEN,
    UPSIDE_DOWN,
)
from pipelines.laboratory.real_films import other_pictures, traits
from pipelines.laboratory.real_films.gather import gather
from pipelines.laboratory.real_films.traits import DONE, Judged, Network, limits_of, table


def judged(source: str, sure: float, films: int = 400) -> Judged:
    """A source of which one film as it is has every doubt, and each thing done is seen."""
    plain = np.zeros(films)
    plain[0] = sure
    chances = {}
    for name in DONE:
        right = traits.RIGHT.get(name, name)
        chances[name] = {
            doubt: np.ones(films) if doubt == right else plain for doubt in (*DOUBTS, MIRRORED)
        }
    return Judged(source, chances, "not defined")


def test_numpy_runs_the_network_that_was_taught() -> None:
    torch.manual_seed(1)
    network = Network().eval()
    films = np.random.default_rng(1).random((3, SEEN, SEEN), dtype=np.float32)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        wanted = network(torch.from_numpy(films)[:, None]).numpy()
    np.testing.assert_allclose(shipped.run(films, weights), wanted, atol=1e-5)


def test_no_source_has_more_false_doubts_than_the_share() -> None:
    limits = limits_of([judged("a", 0.7), judged("b", 0.9)], share=1 / 400)
    assert set(limits.values()) == {0.9}
    assert set(limits_of([judged("a", 0.2)]).values()) == {0.5}


def test_the_table_says_false_doubts_and_what_is_found() -> None:
    told = table([judged("a", 0.9)], dict.fromkeys(DOUBTS, 0.8))
    assert "| a | 400 | 0.2% | 0.2% |" not in told
    assert told.splitlines()[2].startswith("| a | 400 | 0.2% |")
    assert told.splitlines()[0].count(": found") == len(DONE) - 2


@pytest.mark.parametrize("posture", range(POSTURES))
def test_a_posture_is_what_was_done(posture: int) -> None:
    film = np.arange(16, dtype=np.uint8).reshape(4, 4)
    put = traits._put(film, posture)
    back = np.rot90(put, -(posture % QUARTERS))
    np.testing.assert_array_equal(back[:, ::-1] if posture >= QUARTERS else back, film)


def test_turning_by_half_is_what_upside_down_means() -> None:
    film = np.arange(16, dtype=np.uint8).reshape(4, 4)
    np.testing.assert_array_equal(DONE[UPSIDE_DOWN](film), traits._put(film, 2))
    np.testing.assert_array_equal(DONE["flipped top to bottom"](film), traits._put(film, 6))
    np.testing.assert_array_equal(DONE[MIRRORED](film), traits._put(film, QUARTERS))


def test_pictures_that_are_no_chest_are_pictures_and_differ() -> None:
    films = np.random.default_rng(2).integers(0, 255, (2, 256, 256), dtype=np.uint8)
    found = other_pictures.drawn(films, 30, np.random.default_rng(3))
    assert found.shape == (30, 256, 256)
    assert all(int(np.ptp(one)) > 100 for one in found)
    again = other_pictures.drawn(films, 30, np.random.default_rng(3))
    np.testing.assert_array_equal(found, again)
    assert len({one.tobytes() for one in found}) == 30


@pytest.mark.long
def test_weights_are_taught_kept_and_written_with_their_card(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    gather(root, cohort)
    monkeypatch.setattr(traits, "SIMULATED_FILMS", 3)
    monkeypatch.setattr(traits, "_OTHER_PICTURES", 8)
    told = traits.teach(cohort, out, steps=2)
    assert "| simulated | 3 |" in told
    assert NO_CHEST in (out / "traits.md").read_text(encoding="utf-8")
    kept = (out / "without-nih.npz").stat().st_mtime_ns
    first = (out / "traits.safetensors").read_bytes()
    traits.teach(cohort, out, steps=2)
    assert (out / "without-nih.npz").stat().st_mtime_ns == kept
    assert (out / "traits.safetensors").read_bytes() == first
