"""The rule of mirrored films, learnt and measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clinical.errors import CohortError
from clinical.model.mirrored import MARKED
from pipelines.cli import main
from pipelines.commands.demo import SAMPLE_DATA
from pipelines.explanations import mirrored
from pipelines.explanations.mirrored import Films


def films(count: int = 400, apart: float = 2.0) -> Films:
    """Films of two sites; `apart` is how much their halves differ, against what is chance."""
    rows = np.random.default_rng(1).normal(size=(count, 6))
    rows[:, :2] += apart
    people = tuple(f"p{n // 2}" for n in range(count))
    return Films(rows, people, tuple("AB"[n % 2] for n in range(count)))


def test_a_rule_finds_mirrored_films_and_leaves_others_alone() -> None:
    rule, lines = mirrored.rule_of(films(), "image", "radiograph", "two clinics")
    assert rule.films == 400
    assert [line.site for line in lines] == ["", "A", "B"]
    for line in lines:
        assert line.found.value is not None
        assert line.found.value > 0.9
        assert line.marked.value is not None
        assert line.marked.value <= 2 * MARKED
    assert lines[0].marked.value is not None
    assert lines[0].marked.value <= MARKED


def test_weights_of_a_film_never_come_from_its_patient() -> None:
    """One patient's films are so odd that weights with them would give another score."""
    plain = films()
    odd = plain.sides.copy()
    odd[:2] *= -50
    others = mirrored.crossed(Films(odd, plain.patients, plain.sites))[:2]
    kept = Films(plain.sides, plain.patients, plain.sites)
    np.testing.assert_allclose(others, -50 * mirrored.crossed(kept)[:2], atol=0.01)


def test_films_that_look_alike_from_both_sides_teach_nothing() -> None:
    with pytest.raises(CohortError, match="no rule is made"):
        mirrored.rule_of(films(apart=0.0), "image", "radiograph", "two clinics")


def test_few_films_teach_nothing() -> None:
    with pytest.raises(CohortError, match="40 frontal films; a rule needs 200"):
        mirrored.rule_of(films(40), "image", "radiograph", "two clinics")


def test_the_command_counts_films_of_the_cohort_that_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["films", "judge-sides", str(SAMPLE_DATA), "--out", str(tmp_path)], {}) == 0
    told = json.loads((tmp_path / mirrored.REPORT).read_text(encoding="utf-8"))
    together = told[0]
    assert together["found"]["cases"] > 30
    assert together["found"]["value"] > 0.75
    assert together["marked"]["value"] < 0.1
    assert "Called mirrored" in capsys.readouterr().out
