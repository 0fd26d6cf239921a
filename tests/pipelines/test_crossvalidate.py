"""Cross-validation: finished folds are kept, results are out of fold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clinic_of_two import STUDY, make_dataset

from pipelines.crossvalidate import OURS, cross_validate, to_json

STUDY_OF_FOLDS = replace(
    STUDY,
    training=replace(STUDY.training, epochs=12),
    evaluation=replace(STUDY.evaluation, folds=2, bootstrap=100),
)


def test_folds_are_kept_and_the_rerun_gives_the_same(tmp_path: Path) -> None:
    dataset = make_dataset(160)
    lines: list[str] = []
    first = cross_validate(dataset, STUDY_OF_FOLDS, tmp_path, lines.append)
    assert all("kept" not in line for line in lines)
    lines.clear()
    second = cross_validate(dataset, STUDY_OF_FOLDS, tmp_path, lines.append)
    assert all("kept" in line for line in lines)
    assert to_json(first) == to_json(second)
    assert (first.auroc[OURS]["inflammation"].value or 0) > 0.85
    alone = first.auroc[f"{OURS}: notes alone"]["inflammation"]
    assert (alone.low or 0) < 0.6
    assert first.auroc["histogram boosting on the table"]["failure"].cases == 160


def test_a_fold_of_another_study_is_not_reused(tmp_path: Path) -> None:
    dataset = make_dataset(100)
    short = replace(STUDY_OF_FOLDS, training=replace(STUDY.training, epochs=1))
    lines: list[str] = []
    cross_validate(dataset, short, tmp_path, lines.append)
    cross_validate(dataset, replace(short, seed=77), tmp_path, lines.append)
    assert all("kept" not in line for line in lines)
