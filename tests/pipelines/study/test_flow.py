"""Every case is on the way somewhere: what is listed is read, removed, left out or in a part."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Events
from pipelines.study.flow import NOT_USED, Share, flow, heading, markdown, removed_words
from pipelines.study.rules import rules
from pipelines.study.selection import Counts, Selection, Step, select_from
from pipelines.training.dataset import CachedCase, Dataset

ADULTS = rules({"include": [{"name": "Adults", "age": [18, 120]}]}, "rules.toml")


def cohort(ages: list[float | None], reasons: tuple[str, ...] = ()) -> Dataset:
    """Two cases of each patient, every third case positive, the first one unknown."""
    cases = tuple(
        CachedCase(
            Case(f"c{n}", f"p{n // 2}", None, {"history": Events((), age)}), MappingProxyType({})
        )
        for n, age in enumerate(ages)
    )
    labels = (np.arange(len(ages)) % 3 == 0).astype(float)[:, None]
    labels[:1] = np.nan
    skipped = tuple(SkippedCase(f"s{n}", Problem("f", reason)) for n, reason in enumerate(reasons))
    return Dataset(cases, ("icu",), labels, skipped, ())


def at(*rows: int) -> np.ndarray:
    return np.array(rows, dtype=np.intp)


def test_counts_along_the_way() -> None:
    dataset = cohort([17.0, 18.0, 30.0, 31.0, None, 50.0, 60.0, 70.0], ("broken.", "broken."))
    selection = select_from(dataset, ADULTS)
    # Cases 1, 2, 3, 5, 6 and 7 are left: positions 0 to 5 of the selected ones.
    found = flow(dataset, selection, {"training": at(1, 2, 3), "test": at(4, 5)}, {"undated": 1})
    assert (found.listed, found.skipped, found.read) == (10, {"broken": 2}, Counts(8, 4))
    assert found.chosen == Counts(6, 4)
    assert found.left_out == {"undated": 1}
    training, test = found.parts
    assert (training.counts, training.labels) == (Counts(3, 2), {"icu": Share(1, 3)})
    assert (test.counts, test.labels) == (Counts(2, 1), {"icu": Share(1, 2)})
    assert found.listed == sum(found.skipped.values()) + found.read.cases
    assert found.read.cases == found.chosen.cases + sum(s.removed.cases for s in found.steps)
    assert found.chosen.cases == sum(p.counts.cases for p in found.parts) + 1


def test_a_case_that_no_one_speaks_of_is_still_counted() -> None:
    dataset = cohort([30.0] * 6)
    everyone = Selection(np.arange(6), ())
    assert flow(dataset, everyone, {"training": at(0, 1), "test": at(4)}).left_out == {NOT_USED: 3}
    partly = flow(dataset, everyone, {"training": at(0, 1), "test": at(4)}, {"x": 2, "y": 0})
    assert partly.left_out == {"x": 2, NOT_USED: 1}
    # Without a split nothing is left out of it.
    assert flow(dataset, everyone, {}).left_out == {}
    with pytest.raises(ValueError, match="1 more cases are said to be left out than were"):
        flow(dataset, everyone, {"training": at(0, 1, 2), "test": at(4)}, {"x": 3})


def test_rare_reasons_are_counted_together() -> None:
    reasons = ["often."] * 3 + ["twice."] * 2 + [f"rare {n}." for n in range(9)]
    found = flow(cohort([30.0], tuple(reasons)), Selection(at(0), ()), {})
    assert list(found.skipped.items()) == [
        ("often", 3),
        ("twice", 2),
        ("rare 0", 1),
        ("rare 1", 1),
        ("rare 2", 1),
        ("6 other reasons", 6),
    ]
    assert sum(found.skipped.values()) == len(reasons) == found.listed - 1


def test_an_unknown_outcome_is_not_negative() -> None:
    dataset = cohort([30.0])
    (part,) = flow(dataset, Selection(at(0), ()), {"test": at(0)}).parts
    assert part.labels == {"icu": Share(0, 0)}
    assert (str(Share(0, 0)), Share(0, 0).percent) == ("none known", "")
    assert (str(Share(1, 8)), Share(1, 8).percent) == ("1 of 8", "(12.5%)")


def test_what_a_rule_did_in_words() -> None:
    one = Step("Adults", "include", "age", Counts(9, 5), Counts(1, 1), Counts(8, 4), 0)
    assert (heading(one), removed_words(one)) == (
        "Not included: Adults",
        ("1 case removed; 1 patient has no case left",),
    )
    missing = Step("Adults", "include", "age", Counts(9, 5), Counts(4, 2), Counts(5, 3), 3)
    assert removed_words(missing) == (
        "4 cases removed; 2 patients have no case left",
        "3 of these: not judged, the value is missing",
    )
    kept = Step("Old", "exclude", "age", Counts(9, 5), Counts(0, 0), Counts(9, 5), 3)
    assert (heading(kept), removed_words(kept)) == (
        "Excluded: Old",
        ("no case removed", "3 kept: not judged, the value is missing"),
    )


def test_the_markdown_has_every_step_and_every_part() -> None:
    dataset = cohort([17.0, 18.0, 30.0, 31.0, None, 50.0], ("a | b.",))
    found = flow(dataset, select_from(dataset, ADULTS), {"training": at(0, 1, 2), "test": at(3)})
    assert (
        markdown(found)
        == """\
| step | condition | removed | left | not judged |
|---|---|---|---|---|
| Cases of the cohort | | | 7 cases | |
| Could not be read | a \\| b | 1 case removed | | |
| Read | | | 6 cases of 3 patients | |
| Not included: Adults | age 18 to 120 years | 2 cases removed; 0 patients have no case left \
| 4 cases of 3 patients | 1, removed |
| Eligible | | | 4 cases of 3 patients | |

| part | cases | patients | icu, positive |
|---|---|---|---|
| training | 3 | 2 | 1 of 3 (33.3%) |
| test | 1 | 1 | 0 of 1 (0.0%) |
"""
    )
