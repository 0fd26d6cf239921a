from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_films import films_of

from pipelines.laboratory.real_films import judge
from pipelines.laboratory.real_films.gather import gather
from pipelines.laboratory.real_films.judge import (
    EVERY_VIEW,
    left_out,
    probe,
    table,
    verdict,
    write,
    zones,
)
from pipelines.laboratory.real_films.readers import Look
from pipelines.statistics.metrics import Interval

LOOK = Look("one channel", "", (0, 3))


BOTH = [("a", "AP", 1.0, 30), ("a", "AP", 0.0, 20), ("b", "AP", 1.0, 20), ("b", "AP", 0.0, 30)]


def test_what_one_source_teaches_is_tested_on_the_other() -> None:
    found = list(left_out(films_of(BOTH), "probe", probe(LOOK), "b", samples=50))
    assert [(one.view, one.learnt, one.auroc.cases) for one in found] == [
        (EVERY_VIEW, 50, 50),
        ("AP", 50, 50),
    ]
    assert verdict(found[0].auroc) == "better than chance"


def test_a_reader_that_is_upside_down_elsewhere_is_told_so() -> None:
    films = films_of(BOTH, upside_down="b")
    found = next(left_out(films, "probe", probe(LOOK), "b", samples=50))
    assert verdict(found.auroc) == "worse than chance"


def test_films_that_may_only_test_teach_nothing() -> None:
    films = films_of([*BOTH, ("c", "AP", 1.0, 9), ("c", "AP", 0.0, 9)])
    test = tuple("test" if source == "c" else "learn" for source in films.sources)
    closed = replace(films, splits=test)
    assert next(left_out(closed, "probe", probe(LOOK), "b", samples=5)).learnt == 50
    assert next(left_out(closed, "probe", probe(LOOK), "c", samples=5)).auroc.cases == 18


def test_a_source_without_both_labels_cannot_be_judged() -> None:
    films = films_of([*BOTH, ("c", "PA", float("nan"), 5)])
    found = next(left_out(films, "probe", probe(LOOK), "c", samples=5))
    assert (found.auroc.value, verdict(found.auroc)) == (None, "cannot be judged")
    assert "| not defined |" in table([found])


def test_what_was_fitted_is_kept_and_not_fitted_again(tmp_path: Path) -> None:
    films = replace(films_of(BOTH), cache=tmp_path)
    first = next(left_out(films, "probe", probe(LOOK), "b", samples=5))
    (file,) = tmp_path.rglob("*.npy")
    np.save(file, 1 - np.load(file))
    again = next(left_out(films, "probe", probe(LOOK), "b", samples=5))
    assert first.auroc.value is not None
    assert again.auroc.value == pytest.approx(1 - first.auroc.value)
    assert next(left_out(films, "probe", probe(LOOK), "a", samples=5)).learnt == 50
    assert len(list(tmp_path.rglob("*.npy"))) == 2


def test_brightness_of_the_lungs_is_a_reader_too() -> None:
    found = next(left_out(films_of(BOTH), "zones", zones((0, 1)), "b", samples=50))
    assert verdict(found.auroc) == "better than chance"


def test_an_interval_that_holds_chance_shows_nothing() -> None:
    assert verdict(Interval(0.6, 0.49, 0.7, 9, 4)) == "not shown to be better than chance"
    assert verdict(Interval(0.6, 0.51, 0.7, 9, 4)) == "better than chance"


def test_results_are_written_as_numbers_and_as_a_table(tmp_path: Path) -> None:
    found = list(left_out(films_of(BOTH), "probe", probe(LOOK), "b", samples=50))
    write(found, tmp_path)
    data = json.loads((tmp_path / "left-out.json").read_text(encoding="utf-8"))
    assert data[0]["auroc"]["positives"] == 20
    text = (tmp_path / "left-out.md").read_text(encoding="utf-8")
    assert text.count("better than chance") == 2


@pytest.mark.long
def test_a_gathered_cohort_is_judged_whole(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = tmp_path / "cohort"
    gather(root, cohort)
    monkeypatch.setattr(judge, "READERS", {"probe": probe(Look("all", "", (0, 560)))})
    monkeypatch.setattr(judge, "CROPS", ("",))
    results = judge.judge(cohort, tmp_path / "out", samples=5)
    assert {one.source for one in results} == {"nih", "kermany", "hannover", "covid"}
    assert list((tmp_path / "out" / "cache").rglob("*.npy"))
