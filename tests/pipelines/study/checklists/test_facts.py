"""Every fact is taken from the files, and says so when they do not hold it."""

from __future__ import annotations

import pytest
from finished_study import Json, interval, manifest, metrics

from pipelines.study.checklists.facts import FACTS
from pipelines.study.checklists.finished import Finished, listed, named, span
from pipelines.study.usefulness import RECALIBRATED


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
            "Cases in each fold: 19 to 20 for training, 20 tested. Positive of known outcomes,"
            " tested: heart failure 5 of 20, 5 of 20; rare 0 of 19, 0 of 19.",
        ),
        (
            "outcomes",
            "Outcomes: heart failure: 10 positive of 40 known; rare: 0 positive of 38 known.",
        ),
        ("prevalence", "In this study: heart failure 25.0%; rare 0.0%."),
        ("unknown_outcomes", "Of 40 cases, the outcome is unknown in: heart failure 0; rare 2."),
        ("missing", "Of 40 cases, an input is there: history in 40; image in 31."),
        ("sites", "Sites: north (20); south (20); groups too small to report: 1."),
        (
            "groups",
            "Tested patients by group, sex: female (20), male (20); site: north (20), south (20);"
            " 2 cases without site.",
        ),
        (
            "images_across",
            "1 test image identical, and 0 nearly so, to a training image.",
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
            f"Triptych 0.1.0, commit {'e' * 40}, with uncommitted changes, SHA-256 of the"
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
            "Not done: learning curve (it needs more trainings). One cohort; another hospital or"
            " device may give different figures.",
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


def of_split(split: str) -> Json:
    found = metrics()
    found["study"]["split"] = split
    return found


def test_other_sites_are_told_only_where_sites_were_left_out() -> None:
    assert said("elsewhere") == ""
    assert said("elsewhere", of_split("site")).endswith("fold 1 0.750; fold 2 0.850.")
    assert "each site left out in turn" in said("training_and_test", of_split("site"))


def test_figures_of_another_cohort_are_not_said_to_be_of_the_same() -> None:
    made = manifest()
    made["external"] = {"reader": "folder", "shares_patients": False}
    found = of_split("external")
    assert said("inside") == said("elsewhere", found, made)
    assert said("inside", found, made) == said("fair_inside", found, made) == ""
    assert said("fair_elsewhere", found, made) == said("fair_inside") != ""
    assert "tested on another, read as “folder”" in said("training_and_test", found, made)
    assert "Two cohorts" in said("limits", found, made)


def test_a_model_that_was_there_already_is_not_said_to_be_trained() -> None:
    made, found = manifest(), of_split("checkpoint")
    made["study"]["settings"], made["inputs"], made["model"] = {}, {}, {"digest": "9" * 64}
    for label in found["labels"].values():
        del label["use"][RECALIBRATED]
        label["operating_point"]["maps"] = {}
    told = {name: said(name, found, made) for name in FACTS}
    silent = ("inside", "model_settings", "training_settings", "inputs", "missing", "recalibrated")
    silent += ("seeds", "training_rules", "training_source", "training_groups", "ensemble")
    assert [name for name in silent if told[name]] == []
    assert "developed" not in told["title"]
    assert told["objective"].startswith("To test a model")
    assert told["retrospective"].startswith("Retrospective: tested on")
    assert "nothing was trained on the cohort" in told["training_and_test"]
    assert told["code"].endswith(f"Model that was tested: {'9' * 64}.")


def test_tested_patients_are_not_said_to_be_those_that_were_learnt_from() -> None:
    found = metrics()
    assert said("training_groups", found) == said("groups", found) != ""
    first, second = found["flow"]["parts"]
    found["flow"]["parts"] = [{**first, "name": "training"}, {**second, "name": "tested: given"}]
    assert said("training_groups", found) == ""


def test_one_group_of_two_labels_is_one_group() -> None:
    found = metrics()
    (own,) = (g for g in found["subgroups"]["groups"] if g["column"] == "inputs")
    found["subgroups"]["groups"].append({**own, "label": "rare", "auroc": interval(0.9)})
    told = said("by_inputs", found)
    assert told.startswith("AUROC: from 0.800")
    assert told.endswith("no other of the sets of inputs that cases have is large enough.")


def test_what_more_patients_would_buy_is_told_where_a_curve_was_fitted() -> None:
    found = metrics()
    assert said("more_patients", found) == ""
    fit = {"rate": 0.5, "largest": 1000, "gain": interval(0.02), "because": ""}
    found["learning_curve"] = {"points": [], "sizes": [], "fit": fit}
    assert "2,000 rather than 1,000 patients" in said("more_patients", found)
    assert "+0.020 [-0.080, +0.120]" in said("more_patients", found)


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
    assert [named([]), named(["copd"]), named(["a_b", "b", "c"])] == ["", "COPD", "a b, b and c"]
    assert [span([3, 3]), span([1, 4])] == ["3", "1 to 4"]
    assert listed([str(n) for n in range(10)]).endswith("7; 2 more in metrics.json")
