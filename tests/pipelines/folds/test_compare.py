"""The figures of a comparison, on scores made so that the answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import STUDY, make_dataset

from pipelines.folds.compare import half_of, judge, verdict
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden, untaught
from pipelines.folds.splits import Fold
from pipelines.statistics.metrics import Interval
from pipelines.training.dataset import Dataset
from pipelines.training.soft_targets import read_posteriors

CASES = 400
STUDY_OF_SCORES = replace(
    STUDY, evaluation=replace(STUDY.evaluation, bootstrap=200, repeats=2, margin=0.005)
)


def scores(quality: float, seeds: int = 2, seed: int = 0) -> np.ndarray:
    """Probabilities that tell the labels better the higher `quality` is; the noise is shared."""
    labels = make_dataset(CASES).labels
    noise = np.random.default_rng(5).normal(size=labels.shape)
    own = np.random.default_rng(seed).normal(size=(seeds, *labels.shape))
    return 1 / (1 + np.exp(-(quality * (labels - 0.4) + noise + 0.05 * own)))


def members(dataset: Dataset) -> np.ndarray:
    """Sets that hold every true diagnosis, but in the second repeat not of the first 40 cases; the
    last 10 cases have no set."""
    sets = np.stack([dataset.labels, dataset.labels])
    sets[1, :40] = 0
    sets[:, -10:] = np.nan
    return sets


@pytest.fixture(scope="module")
def tested() -> OutOfFold:
    dataset = make_dataset(CASES)
    fold = Fold("fold 1", np.arange(0), np.arange(CASES))
    weak = scores(1.0)
    weak[:, :100] = np.nan  # a modality that a quarter of the cases lack
    return OutOfFold(
        dataset,
        ((fold,), (fold,)),
        {
            OURS: scores(2.0),
            alone("measurements"): weak,
            alone("history"): scores(0.2),
            "late fusion": scores(2.0, seeds=1, seed=9),
            "boosting": scores(3.0, seeds=1),
            "oracle: all": scores(3.0, seeds=1),
            hidden("notes"): scores(2.0, seed=2),
            untaught("notes"): scores(2.0, seed=3),
            hidden("history"): scores(0.0),
            untaught("history"): scores(2.0),
        },
        # On test patients the other one might be better; validation patients choose.
        {alone("measurements"): 0.7, alone("history"): 0.6},
        {AS_THEY_ARE: members(dataset)},
        {"training": 3.14},
    )


def test_every_comparison_has_its_verdict(tested: OutOfFold) -> None:
    result = judge(tested, STUDY_OF_SCORES)
    found = {comparison.second: comparison for comparison in result.comparisons}
    assert result.best_single == alone("measurements")
    assert found[alone("measurements")].verdict == "better"
    assert found["late fusion"].verdict == "non-inferior at a margin of 0.005"
    assert found["boosting"].verdict == "inferior by more than 0.005"
    assert set(found["boosting"].labels) == set(tested.dataset.diagnoses)


def test_macro_is_the_mean_over_diagnoses_within_each_sample(tested: OutOfFold) -> None:
    result = judge(tested, STUDY_OF_SCORES)
    rows = [area.value or 0 for area in result.auroc[OURS].values()]
    macro = result.macro[OURS]
    assert macro.value == pytest.approx(np.mean(rows))
    # Two diagnoses together are known better than either.
    width = (macro.high or 0) - (macro.low or 0)
    assert width < max((a.high or 0) - (a.low or 0) for a in result.auroc[OURS].values())
    assert result.seeds[OURS].mean == pytest.approx(macro.value)
    assert len(result.seeds[OURS].values) == 2
    assert "late fusion" not in result.seeds


def test_the_gap_to_the_oracle_is_measured_where_the_single_modality_is_there(
    tested: OutOfFold,
) -> None:
    closed = judge(tested, STUDY_OF_SCORES).gap_closed
    assert closed is not None
    assert closed.value is not None
    assert 0.4 < closed.value < 0.9
    assert (closed.low or 0) < closed.value < (closed.high or 0)
    perfect = replace(tested, scores={**tested.scores, OURS: tested.scores["oracle: all"]})
    assert judge(perfect, STUDY_OF_SCORES).gap_closed == Interval(
        pytest.approx(1), pytest.approx(1), pytest.approx(1), 0, 0
    )


def test_a_case_is_covered_if_all_that_is_true_of_it_is_in_its_set(tested: OutOfFold) -> None:
    found = judge(tested, STUDY_OF_SCORES).coverage[AS_THEY_ARE]
    labels = tested.dataset.labels
    judged = labels[:-10].any(axis=1)
    missed = labels[:40].any(axis=1).sum() / 2
    assert found.share.cases == judged.sum()
    assert found.share.value == pytest.approx(1 - missed / judged.sum())
    assert found.size == pytest.approx(np.stack([labels, labels])[:, :-10].sum(2).mean(), abs=0.2)


def test_a_modality_is_removed_from_half_the_patients(tested: OutOfFold) -> None:
    removal = judge(tested, STUDY_OF_SCORES).removal
    assert set(removal) == {"history", "notes"}
    assert removal["notes"].verdict == "non-inferior at a margin of 0.01"
    assert removal["history"].verdict == "inferior by more than 0.01"
    half = half_of(["a", "a", "b", "c", "d"], "notes", 0)
    assert half[0] == half[1]
    assert len({p for p, h in zip("aabcd", half, strict=True) if h}) == 2
    people = [str(n) for n in range(50)]
    assert (half_of(people, "notes", 0) != half_of(people, "image", 0)).any()


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.001, 0.01, 0.02, "better"),
        (-0.004, 0.0, 0.004, "non-inferior at a margin of 0.005"),
        (-0.004, -0.002, -0.001, "non-inferior at a margin of 0.005, though lower"),
        (-0.02, -0.001, 0.02, "not shown to be non-inferior at a margin of 0.005"),
        (-0.02, -0.01, -0.006, "inferior by more than 0.005"),
        (None, None, None, "cannot be judged: too few cases of either outcome"),
    ],
)
def test_verdicts_in_plain_words(
    low: float | None, value: float | None, high: float | None, words: str
) -> None:
    assert verdict(Interval(value, low, high, 10, 5), 0.005) == words


def test_posteriors_are_joined_by_case(tmp_path: Path) -> None:
    from clinical.errors import CohortError

    file = tmp_path / "oracle.csv"
    file.write_text(
        "case_id,evidence,diagnosis,probability\n"
        "c2,all,failure,0.25\nc1,image,failure,0.5\nc9,all,failure,0.9\nc2,all,gout,0.1\n"
    )
    found = read_posteriors(file, ["c1", "c2"], ["inflammation", "failure"])
    assert found["all"][1, 1] == 0.25
    assert np.isnan(found["all"]).sum() == 3
    assert found["image"][0, 1] == 0.5
    file.write_text("case_id,evidence,diagnosis,probability\nc2,all,failure,1.5\n")
    with pytest.raises(CohortError, match="row 2, column probability"):
        read_posteriors(file, ["c2"], ["failure"])
    with pytest.raises(CohortError, match="does not exist"):
        read_posteriors(tmp_path / "none.csv", [], [])
    file.write_text("case_id,diagnosis,probability\nc2,failure,0.5\n")
    with pytest.raises(CohortError, match="'evidence'"):
        read_posteriors(file, ["c2"], ["failure"])
