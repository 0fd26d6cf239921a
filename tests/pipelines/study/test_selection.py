"""Who is in a study: each rule on cases that a person can check by eye."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import (
    Array,
    Arrays,
    Events,
    Measurement,
    Measurements,
    Shape,
    Text,
    Texts,
)
from clinical.errors import ConfigError
from clinical.tables.clock import OFFSET_EPOCH
from pipelines.study.rules import Kind, rules
from pipelines.study.selection import Counts, Selection, select, select_from, selected, to_json
from pipelines.training.dataset import CachedCase, Dataset

DIAGNOSES = ("icu", "death")


def case(
    number: int, patient: str = "", *, when: str = "", site: str = "", **inputs: Shape
) -> Case:
    moment = datetime.fromisoformat(when) if when else None
    return Case(f"c{number}", patient or f"p{number}", moment, inputs, site)


def lab(*values: float | None) -> Measurements:
    return Measurements(
        tuple(Measurement("2160-0", "creatinine", v, "mg/dL", None, str(v), "") for v in values)
    )


def person(age: float | None = None, sex: Any = None) -> Events:
    return Events((), age, sex)


def labels_of(cases: list[Case], *known: tuple[int, str]) -> np.ndarray:
    labels = np.full((len(cases), len(DIAGNOSES)), np.nan)
    for row, name in known:
        labels[row, DIAGNOSES.index(name)] = row % 2
    return labels


def apply(kind: Kind, cases: list[Case], *known: tuple[int, str], **condition: Any) -> Selection:
    rule = rules({kind: [{"name": "the rule", **condition}]}, "rules.toml")
    return select(rule, cases, labels_of(cases, *known), DIAGNOSES)


def kept(kind: Kind, cases: list[Case], *known: tuple[int, str], **condition: Any) -> list[int]:
    return apply(kind, cases, *known, **condition).kept.tolist()


def test_a_modality_is_present_unless_all_of_it_was_refused() -> None:
    image = Arrays((Array(np.zeros((4, 4), np.float32)),))
    cases = [case(0, image=image), case(1, lab=lab(1.0, None)), case(2, lab=lab(None)), case(3)]
    assert kept("include", cases, has="image") == [0]
    assert kept("include", cases, has="lab") == [1]
    assert kept("exclude", cases, has="lab") == [0, 2, 3]


def test_items_are_counted_where_they_could_be_used() -> None:
    notes = Texts((Text("history", "a"), Text("plan", "b")))
    cases = [case(0, lab=lab(1, 2, 3)), case(1, lab=lab(1, 2, None)), case(2), case(3, notes=notes)]
    assert kept("include", cases, at_least={"modality": "lab", "items": 3}) == [0]
    assert kept("include", cases, at_least={"modality": "lab", "items": 2}) == [0, 1]
    assert kept("include", cases, at_least={"modality": "notes", "items": 2}) == [3]


def test_images_that_were_taken_out_of_the_case_are_still_had() -> None:
    cases = [case(0), case(1)]
    rule = rules({"include": [{"name": "film", "has": "image"}]}, "rules.toml")
    found = select(rule, cases, labels_of(cases), DIAGNOSES, arrays=[("image",), ()])
    assert found.kept.tolist() == [0]


def test_age_bounds_are_inclusive_and_an_unknown_age_is_counted() -> None:
    ages = [17.9, 18.0, 64.0, 64.1, None]
    cases = [case(n, history=person(age)) for n, age in enumerate(ages)] + [case(5)]
    inside = apply("include", cases, age=[18, 64])
    assert inside.kept.tolist() == [1, 2]
    assert inside.steps[0].unjudged == 2
    outside = apply("exclude", cases, age=[18, 64])
    assert outside.kept.tolist() == [0, 3, 4, 5]
    assert outside.steps[0].unjudged == 2


def test_sex_and_site() -> None:
    cases = [
        case(0, history=person(sex="female"), site="A"),
        case(1, history=person(sex="male"), site="B"),
        case(2, history=person(), site="C"),
        case(3),
    ]
    assert kept("include", cases, sex="female") == [0]
    assert kept("exclude", cases, sex="female") == [1, 2, 3]
    assert kept("include", cases, site=["A", "C"]) == [0, 2]
    excluded = apply("exclude", cases, site="A")
    assert (excluded.kept.tolist(), excluded.steps[0].unjudged) == ([1, 2, 3], 1)


def test_an_outcome_is_known_whichever_it_is() -> None:
    cases = [case(0), case(1), case(2)]
    assert kept("include", cases, (0, "icu"), (1, "icu"), (2, "death"), known="icu") == [0, 1]
    assert kept("exclude", cases, (0, "icu"), known="icu") == [1, 2]


def test_a_decision_counts_on_the_day_of_its_own_clock() -> None:
    cases = [
        case(0, when="2022-01-01T00:30:00+02:00"),  # still 2021 in UTC
        case(1, when="2021-12-31T23:59:00"),
        case(2, when="2022-12-31T23:59:00-05:00"),  # already 2023 in UTC
        case(3, when=OFFSET_EPOCH.isoformat()),  # stands for a date that nobody knows
        case(4),
    ]
    found = apply("include", cases, decided=["2022-01-01", "2022-12-31"])
    assert found.kept.tolist() == [0, 2]
    assert found.steps[0].unjudged == 2


def test_the_first_case_is_the_earliest_not_the_topmost() -> None:
    cases = [
        case(0, "a", when="2022-05-01"),
        case(1, "a", when="2022-03-01"),
        case(2, "b", when="2022-01-01T12:00:00+02:00"),
        case(3, "b", when="2022-01-01T11:00:00"),  # UTC, so later
        case(4, "c"),  # the only one needs no date
        case(5, "d", when="2022-01-01"),
        case(6, "d"),
        case(7, "e", when="2022-01-01"),
        case(8, "e", when="2022-01-01"),
    ]
    found = apply("include", cases, first_case_of_patient=True)
    assert found.kept.tolist() == [1, 2, 4, 7]
    assert found.steps[0].unjudged == 2
    assert kept("exclude", cases, first_case_of_patient=True) == [0, 3, 5, 6, 8]


def test_the_first_case_is_sought_among_those_that_are_left() -> None:
    cases = [
        case(0, "a", when="2022-01-01", history=person(17.0)),
        case(1, "a", when="2023-01-01", history=person(18.0)),
        case(2, "a", when="2024-01-01", history=person(19.0)),
    ]
    both = rules(
        {
            "include": [
                {"name": "adults", "age": [18, 120]},
                {"name": "first", "first_case_of_patient": True},
            ]
        },
        "rules.toml",
    )
    found = select(both, cases, labels_of(cases), DIAGNOSES)
    assert found.kept.tolist() == [1]
    assert [(s.before, s.removed, s.left) for s in found.steps] == [
        (Counts(3, 1), Counts(1, 0), Counts(2, 1)),
        (Counts(2, 1), Counts(1, 0), Counts(1, 1)),
    ]


def test_a_name_that_no_case_has_is_an_error_even_in_an_exclusion() -> None:
    cases = [case(0, site="Hannover", image=Arrays((Array(np.zeros((4, 4), np.float32)),)))]
    for condition, message in (
        ({"has": "imge"}, "no case has modality 'imge'.*did you mean 'image'"),
        ({"at_least": {"modality": "imge", "items": 1}}, "did you mean 'image'"),
        ({"site": ["Hanover"]}, "no case has site 'Hanover'.*did you mean 'Hannover'"),
        ({"known": "icuu"}, "no case has diagnosis 'icuu'.*did you mean 'icu'"),
    ):
        with pytest.raises(ConfigError, match=message):
            apply("exclude", cases, **condition)


def test_no_rule_keeps_everyone_and_no_one_may_be_left() -> None:
    cases = [case(0, history=person(30.0)), case(1, history=person(40.0))]
    assert select((), cases, labels_of(cases), DIAGNOSES).kept.tolist() == [0, 1]
    nobody = apply("include", cases, age=[90, 120])
    assert nobody.kept.tolist() == []
    assert nobody.steps[0].left == Counts(0, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_counts_add_up_whatever_the_rules(data: st.DataObject) -> None:
    drawn = st.tuples(
        st.integers(0, 5),
        st.one_of(st.none(), st.integers(0, 100)),
        st.sampled_from(["", "A", "B"]),
        st.one_of(st.none(), st.integers(1, 12)),
    )
    rows = data.draw(st.lists(drawn, min_size=1, max_size=20))
    cases = [
        replace(
            case(n, f"p{who}", site=site, history=person(age)),
            decision_time=datetime(2022, month, 1, tzinfo=UTC) if month else None,
        )
        for n, (who, age, site, month) in enumerate(rows)
    ]
    cases += [case(98, "x", site="A"), case(99, "y", site="B")]
    conditions: list[dict[str, Any]] = [
        {"age": [20, 60]},
        {"site": ["A"]},
        {"first_case_of_patient": True},
        {"decided": ["2022-03-01", "2022-09-30"]},
    ]
    tables: dict[str, list[dict[str, Any]]] = {"include": [], "exclude": []}
    for n, condition in enumerate(conditions):
        tables[data.draw(st.sampled_from(["include", "exclude"]))].append(
            {"name": str(n), **condition}
        )
    found = select(rules(tables, "rules.toml"), cases, labels_of(cases), DIAGNOSES)
    assert found.steps[0].before == Counts(len(cases), len({c.patient_id for c in cases}))
    for step, following in zip(found.steps, found.steps[1:], strict=False):
        assert step.left == following.before
    for step in found.steps:
        assert step.left.cases + step.removed.cases == step.before.cases
        assert step.left.patients + step.removed.patients == step.before.patients
        assert step.unjudged <= (step.removed if step.kind == "include" else step.left).cases
    assert found.steps[-1].left.cases == len(found.kept)


def test_an_inclusion_and_the_same_exclusion_share_out_the_judged_cases() -> None:
    cases = [case(n, history=person(age)) for n, age in enumerate([10.0, 30.0, None, 50.0])]
    into, out = kept("include", cases, age=[20, 40]), kept("exclude", cases, age=[20, 40])
    assert sorted([*into, *out]) == [0, 1, 2, 3]


def test_a_dataset_is_cut_to_the_selection_with_all_that_belongs_to_it() -> None:
    cases = [
        case(n, history=person(10.0 * n), image=Arrays((Array(np.zeros((4, 4))),)))
        for n in range(4)
    ]
    dataset = Dataset(
        tuple(CachedCase(c.without("image"), {"image": ()}, c.case_id) for c in cases),
        DIAGNOSES,
        np.arange(8.0).reshape(4, 2),
        (SkippedCase("c9", Problem("images.csv", "no such file.")),),
        (),
        np.arange(8, dtype=np.float32).reshape(4, 2, 1),
        ("train", "train", "test", "test"),
    )
    adults = rules({"include": [{"name": "adults", "age": [18, 120]}]}, "rules.toml")
    film = rules({"include": [{"name": "film", "has": "image"}]}, "rules.toml")
    found = select_from(dataset, (*film, *adults))
    cut = selected(dataset, found)
    assert [c.case.case_id for c in cut.cases] == ["c2", "c3"]
    assert cut.labels.tolist() == [[4, 5], [6, 7]]
    assert cut.regions is not None
    assert cut.regions.ravel().tolist() == [4, 5, 6, 7]
    assert cut.splits == ("test", "test")
    assert cut.skipped == dataset.skipped
    assert json.loads(json.dumps(to_json(found)))[1]["removed"] == {"cases": 2, "patients": 2}
