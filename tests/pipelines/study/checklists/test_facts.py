"""Every fact is taken from the files, and says so when they do not hold it."""

from __future__ import annotations

import pytest
from finished_study import Json, interval, manifest, metrics

from pipelines.study.checklists.facts import FACTS
from pipelines.study.checklists.finished import Finished, listed, named, number, span


def said(fact: str, found: Json | None = None, made: Json | None = None) -> str:
    return FACTS[fact](Finished(found or metrics(), made or manifest()))


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        ("eligibility", "Rules, in order: 1. include adults: age 18 to 120."),
        (
            "reading",
            "45 cases listed, 2 cases not readable (the file is broken (2 cases)), rows and files"
            " set aside while reading: 4. skipped.csv and problems.csv name them.",
        ),
        (
            "parts",
            "Cases in each fold: 19 to 20 learnt from, 20 tested. Positive of known outcomes,"
            " tested: heart failure 5 of 20, 5 of 20; rare 0 of 19, 0 of 19.",
        ),
        (
            "outcomes",
            "Outcomes: heart failure: 10 positive of 40 known; rare: 0 positive of 38 known.",
        ),
        ("prevalence", "In this study: heart failure 25.0%; rare 0.0%."),
        ("unknown_outcomes", "Of 40 cases, the outcome is unknown in: heart failure 0; rare 2."),
        ("missing", "Of 40 cases, an input is there: history in 40; image in 31."),
        ("sites", "Sites: north (20); south (20); groups too small to be told: 1."),
        (
            "groups",
            "Patients by group, sex: female (20), male (20); site: north (20), south (20);"
            " 2 cases without site.",
        ),
        (
            "images_across",
            "1 test image identical, and 0 nearly identical, to one that was learnt from.",
        ),
        (
            "objective",
            "To develop and test a model of heart failure and rare and to say whether it is better"
            " than late fusion on the same cases, with a margin of 0.01 macro AUROC.",
        ),
        (
            "output",
            "A probability of heart failure and rare. Threshold of an alert: heart failure: of its"
            " fold, 0.250 to 0.750.",
        ),
        (
            "recalibration",
            "Recalibration chosen by log loss on validation patients of each fold: heart failure:"
            " platt in 2 folds.",
        ),
        (
            "model_settings",
            "Settings of the model: modalities by their shape, width 48, image size 384.",
        ),
        (
            "code",
            f"Triptych 0.1.0, commit {'e' * 40}, with changes that are in no commit, SHA-256 of the"
            f" source {'d' * 64}.",
        ),
        (
            "discrimination",
            "Macro AUROC 0.800 [0.700, 0.900]. heart failure: AUROC 0.800 [0.700, 0.900], average"
            " precision 0.800 [0.700, 0.900]; rare: AUROC not defined, average precision not"
            " defined.",
        ),
        (
            "by_site",
            "AUROC over 2 sites: from 0.750 [0.650, 0.850] (heart failure, site: north) to 0.850"
            " [0.750, 0.950] (heart failure, site: south).",
        ),
        (
            "by_inputs",
            "AUROC: 0.800 [0.700, 0.900] (heart failure, inputs: history + image); no other of the"
            " sets of inputs that cases have is large enough.",
        ),
        ("by_fold", "Macro AUROC of single folds: from 0.750 (fold 1) to 0.850 (fold 2)."),
        (
            "gaps",
            "1 of 2 gaps between groups below 0.05 after Holm: heart failure, sex, AUROC 0.200"
            " [0.100, 0.300], highest male, lowest female, p 0.030.",
        ),
        (
            "sets",
            "Prediction sets that promise 90%: all true diagnoses in the set in 0.900 [0.800,"
            " 1.000] of 10 cases, mean size 1.25.",
        ),
        (
            "guards",
            "1 guard against shortcuts and leaks fired: rare can be told from what is missing.",
        ),
        (
            "next_study",
            "A next study needs by Riley's criteria (for regression, a floor): heart failure: 1,200"
            " patients for 10 parameters.",
        ),
        (
            "limits",
            "Not done: learning curve (it needs more trainings). One cohort, Clinic of two.",
        ),
    ],
)
def test_a_fact_is_what_the_files_hold(fact: str, text: str) -> None:
    assert said(fact) == text


def test_a_single_label_is_not_named_again() -> None:
    found = metrics()
    del found["labels"]["rare"]
    assert said("discrimination", found).startswith("AUROC 0.800 [0.700, 0.900], average")


def test_nothing_is_claimed_of_sites_that_are_not_stated() -> None:
    found = metrics()
    found["subgroups"]["groups"] = []
    assert said("sites", found) == said("by_site", found) == said("groups", found) == ""


def test_one_site_says_nothing_of_differences() -> None:
    found = metrics()
    found["subgroups"]["groups"] = [g for g in found["subgroups"]["groups"] if g["name"] != "south"]
    assert said("by_site", found).startswith("One site")


def test_other_sites_are_told_only_where_sites_were_left_out() -> None:
    found = metrics()
    assert said("other_site", found) == ""
    found["study"]["split"] = "site"
    assert said("other_site", found).endswith("fold 1 0.750; fold 2 0.850.")
    assert "each site left out in turn" in said("training_and_test", found)


def test_guards_that_were_switched_off_are_said_to_be() -> None:
    found = metrics()
    found["study"]["guards"], found["guards"] = False, []
    assert said("guards", found) == said("guard_method", found)
    assert "switched off" in said("guards", found)


def test_silent_guards_prove_nothing() -> None:
    found = metrics()
    found["guards"] = [row for row in found["guards"] if row["skipped"]]
    assert said("guards", found) == (
        "No guard against shortcuts and leaks fired, which proves nothing."
    )


def test_gaps_that_are_not_defined_are_not_counted() -> None:
    found = metrics()
    for gap in found["subgroups"]["gaps"]:
        gap["size"], gap["adjusted"] = interval(None), None
    assert said("gaps", found) == "No column has two groups that are large enough to compare."
    assert "large enough" in said("gap_method", found)


def test_times_are_not_told_because_they_differ_in_a_rerun() -> None:
    slower = manifest()
    slower["times"] = {"judge": 99.0}
    assert {name: said(name) for name in FACTS} == {name: said(name, made=slower) for name in FACTS}


def test_words_for_counts_and_names() -> None:
    assert [number(1, "case"), number(2000, "case")] == ["1 case", "2,000 cases"]
    assert [named([]), named(["copd"]), named(["a_b", "b", "c"])] == ["", "COPD", "a b, b and c"]
    assert [span([3, 3]), span([1, 4])] == ["3", "1 to 4"]
    assert listed([str(n) for n in range(10)]).endswith("7; 2 more in metrics.json")
