"""The JSON form of an assessment, of this version and of the one before; the set in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clinical import canonical
from clinical.case.assessment import (
    NO_SETS,
    Assessment,
    PredictionSet,
    as_json,
    assessment_digest,
    from_json,
    set_sentence,
)


@pytest.fixture
def found(example: Any) -> Assessment:
    assessment: Assessment = example.assessment(example.case())
    inside = ("bacterial_pneumonia", "pulmonary_embolism")
    suggestions = tuple(replace(s, in_set=s.diagnosis in inside) for s in assessment.suggestions)
    return replace(assessment, suggestions=suggestions, prediction_set=PredictionSet(0.9, 575))


def test_an_assessment_comes_back_from_json(found: Assessment) -> None:
    assert as_json(found)["schema_version"] == "1.2"
    assert from_json(as_json(found)) == found


def test_a_record_from_before_there_were_sets_keeps_its_digest(found: Assessment) -> None:
    record = as_json(found)
    record["schema_version"] = "1.0"
    del record["prediction_set"]
    for suggestion in record["suggestions"]:
        del suggestion["in_set"], suggestion["logit"]
    old = from_json(record)
    assert old.prediction_set == NO_SETS
    assert all(s.in_set is None for s in old.suggestions)
    assert as_json(old) == record
    assert assessment_digest(old) == canonical.digest(record)


def test_a_record_from_before_logits_were_kept_keeps_its_digest(found: Assessment) -> None:
    record = as_json(found)
    record["schema_version"] = "1.1"
    for suggestion in record["suggestions"]:
        del suggestion["logit"]
    old = from_json(record)
    assert old.prediction_set == found.prediction_set
    assert assessment_digest(old) == canonical.digest(record)


def test_another_version_is_refused(found: Assessment) -> None:
    with pytest.raises(ValueError, match=r"schema '0\.9'"):
        from_json({**as_json(found), "schema_version": "0.9"})


def test_the_set_in_plain_words(found: Assessment) -> None:
    assert set_sentence(found) == (
        "Listed: bacterial pneumonia, pulmonary embolism. A list is made to hold every true"
        " diagnosis in 90% of cases (from 575 validation cases); what is not on it is not ruled"
        " out."
    )
    pooled = replace(found, prediction_set=PredictionSet(0.9, 80, pooled=True))
    assert "because too few had these" in set_sentence(pooled)
    nothing = replace(found, suggestions=())
    assert "none of the diagnoses the model knows" in set_sentence(nothing)
    assert set_sentence(replace(found, prediction_set=NO_SETS)) == (
        "No set of diagnoses is given: the model was trained without prediction sets."
    )
