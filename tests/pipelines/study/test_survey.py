"""What a cohort is before any case is read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import DIAGNOSES, write_cohort

from clinical.errors import CohortError
from pipelines.study import survey as surveys
from pipelines.study.survey import Question, survey


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    return write_cohort(tmp_path / "cohort", cases=6)


def test_cases_in_order_with_the_labels_that_are_known(cohort: Path) -> None:
    asked = ("failure", "scurvy", *DIAGNOSES[:1])
    found = survey(Question("folder", cohort, 4, asked))
    assert found.case_ids == ("c0000", "c0001", "c0002", "c0003")
    assert found.labels.shape == (4, 3)
    assert np.isnan(found.labels).any(axis=0).tolist() == [False, True, False]
    assert found.unknown == ("scurvy",)
    assert len(set(found.digests)) == 4
    assert found.problems == ()


def test_rows_of_no_case_are_told_once(cohort: Path) -> None:
    with (cohort / "notes.csv").open("a") as table:
        table.write("c9999,complaint,Nobody is unwell.,\n")
    (problem,) = survey(Question("folder", cohort, 0, DIAGNOSES)).problems
    assert (problem.file, problem.case_id) == ("notes.csv", "")


def test_a_cohort_that_knows_none_of_the_diagnoses_is_refused(cohort: Path) -> None:
    with pytest.raises(CohortError, match="use the model's names: scurvy"):
        survey(Question("folder", cohort, 0, ("scurvy",)))


def test_without_digests_of_its_own_any_file_changes_every_case(
    cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "DIGESTS", {})
    question = Question("folder", cohort, 0, DIAGNOSES)
    before = survey(question).digests
    assert survey(question).digests == before
    os.utime(cohort / "notes.csv", ns=(1, 1))
    assert set(survey(question).digests).isdisjoint(before)
