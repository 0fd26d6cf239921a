"""Table 1: everything is counted with what is missing, for each part of a study by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from clinic_of_two import make_dataset

from clinical.case.shapes import Events
from pipelines.study.characteristics import characteristics, most_frequent, predictors_table
from pipelines.study.sections.participants import cell
from pipelines.training.dataset import Dataset


def small() -> Dataset:
    """Six cases; the last one without history, and so without age and sex."""
    dataset = make_dataset(6)
    last = dataset.cases[5]
    cases = (*dataset.cases[:5], replace(last, case=last.case.without("history")))
    labels = dataset.labels.copy()
    labels[:, 0] = [1, 0, np.nan, 1, 1, 0]
    days = np.full(labels.shape, np.nan)
    days[:4, 0] = [1, 2, 30, 4]
    return replace(dataset, cases=cases, labels=labels, days=days)


PARTS = {"learnt from": np.arange(4), "tested": np.arange(4, 6)}


def line(found: dict[str, Any], group: str, name: str) -> list[dict[str, Any]]:
    (row,) = [row for row in found["rows"] if (row["group"], row["name"]) == (group, name)]
    parts: list[dict[str, Any]] = row["parts"]
    return parts


def test_each_part_has_its_own_figures_and_says_what_is_missing() -> None:
    dataset = small()
    found = characteristics(dataset, PARTS)
    assert [(part["name"], part["cases"], part["patients"]) for part in found["parts"]] == [
        ("learnt from", 4, 2),
        ("tested", 2, 1),
    ]
    learnt, tested = line(found, "people", "age at the decision, years")
    ages = [c.case.inputs["history"] for c in dataset.cases[:4]]
    known = [one.age_years for one in ages if isinstance(one, Events) and one.age_years]
    assert learnt["middle"] == np.median(known)
    assert (learnt["missing"], tested["known"], tested["missing"]) == (0, 1, 1)
    assert line(found, "people", "sex: female")[1] == {"count": 1, "known": 1, "missing": 1}
    assert [part["count"] for part in line(found, "inputs", "history")] == [4, 1]
    outcome = line(found, "outcomes", "inflammation")
    assert outcome[0] == {"count": 2, "known": 3, "missing": 1}


def test_days_are_of_outcomes_that_are_known() -> None:
    learnt, tested = line(
        characteristics(small(), PARTS), "days from decision to outcome", "inflammation"
    )
    # Day 30 belongs to an outcome that is not known.
    assert (learnt["middle"], learnt["known"], tested["known"]) == (2, 3, 0)
    assert cell(tested) == "none known"


def test_predictors_are_told_by_input_and_the_last_value_counts() -> None:
    found = characteristics(small(), PARTS)
    crp = next(one for one in found["predictors"] if one["code"] == "1988-5")
    assert (crp["modality"], crp["kind"], crp["unit"]) == ("measurements", "measured", "mg/L")
    assert [part["known"] for part in crp["parts"]] == [4, 2]
    coded = next(one for one in found["predictors"] if one["kind"] == "coded")
    assert coded["parts"][1]["missing"] == 1
    assert len(most_frequent(found["predictors"], 2)) == 2
    table = predictors_table(found).splitlines()
    assert table[0].startswith("input,kind,code,name,unit,part")
    assert len(table) == 1 + 2 * len(found["predictors"])


def test_a_figure_says_its_share_and_what_is_missing() -> None:
    assert cell({"count": 1, "known": 4, "missing": 0}) == "1 (25.0%)"
    assert cell({"count": 1, "known": 4, "missing": 6}) == "1 (25.0%); 60% missing"
    spread = {"low": 1.0, "middle": 2.5, "high": 1234.0, "known": 3, "missing": 1}
    assert cell(spread) == "2.5 [1, 1234]; 25% missing"
