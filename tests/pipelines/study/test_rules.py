"""Rules as a study writes them, and every way to write them wrongly."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

from clinical.errors import ConfigError
from pipelines.study.rules import (
    CONDITIONS,
    Age,
    AtLeast,
    Decided,
    FirstCase,
    Has,
    Known,
    OfSex,
    OfSite,
    Rule,
    describe,
    load_rules,
    rules,
)

EVERY_RULE = """
[[exclude]]
name = "Follow-up"
first_case_of_patient = true

[[include]]
name = "Film"
has = "image"

[[include]]
name = "Laboratory"
at_least = {modality = "measurements", items = 5}

[[include]]
name = "Adults"
age = [18, 120]

[[include]]
name = "Women"
sex = "female"

[[include]]
name = "Two sites"
site = ["A", "B"]

[[include]]
name = "One site"
site = "A"

[[include]]
name = "Outcome"
known = "icu"

[[include]]
name = "Period"
decided = ["2022-01-01", 2023-12-31]
"""


def test_every_condition_can_be_written_and_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(EVERY_RULE, encoding="utf-8")
    found = load_rules(file)
    # TOML does not say whether an exclusion stood before an inclusion: inclusions come first.
    assert found == (
        Rule("Film", "include", Has("image")),
        Rule("Laboratory", "include", AtLeast("measurements", 5)),
        Rule("Adults", "include", Age(18.0, 120.0)),
        Rule("Women", "include", OfSex("female")),
        Rule("Two sites", "include", OfSite(("A", "B"))),
        Rule("One site", "include", OfSite(("A",))),
        Rule("Outcome", "include", Known("icu")),
        Rule("Period", "include", Decided(date(2022, 1, 1), date(2023, 12, 31))),
        Rule("Follow-up", "exclude", FirstCase()),
    )
    assert [describe(rule.condition) for rule in found] == [
        "image present",
        "measurements: at least 5 items",
        "age 18 to 120 years",
        "sex female",
        "site A or B",
        "site A",
        "outcome icu known",
        "decided 2022-01-01 to 2023-12-31",
        "first case of the patient",
    ]
    written = {
        key for table in tomllib.loads(EVERY_RULE).values() for rule in table for key in rule
    }
    assert written - {"name"} == set(CONDITIONS)


def test_no_rules_are_no_rules() -> None:
    assert rules({}, "rules.toml") == ()


WRONG = {
    '[[exlude]]\nname = "x"\nhas = "image"': r"unknown key 'exlude'.*did you mean 'exclude'",
    '[include]\nname = "x"\nhas = "image"': r"include is not a list.*\[\[include\]\]",
    "include = [3]": r"\[\[include\]\] 1 is not a table",
    '[[include]]\nname = "x"\nhass = "image"': r"\[\[include\]\] 1: unknown key 'hass'.*'has'",
    '[[include]]\nhas = "image"': "has no name",
    '[[include]]\nname = " "\nhas = "image"': "has no name",
    '[[include]]\nname = "x"': "has 0 conditions",
    '[[include]]\nname = "x"\nsex = "male"\nhas = "image"': "has 2 conditions.*second rule",
    '[[include]]\nname = "x"\nhas = 3': "has is not text",
    '[[include]]\nname = "x"\nat_least = "image"': "at_least is not a table",
    '[[include]]\nname = "x"\nat_least = {modality = "m", item = 5}': "'item'.*'items'",
    '[[include]]\nname = "x"\nat_least = {modality = "m"}': "'items' is missing",
    '[[include]]\nname = "x"\nat_least = {modality = "m", items = 0}': "items is 0",
    '[[include]]\nname = "x"\nage = 18': "age is not a pair",
    '[[include]]\nname = "x"\nage = [18, "old"]': "age holds values that are not numbers",
    '[[include]]\nname = "x"\nage = [80, 18]': "lower bound first",
    '[[include]]\nname = "x"\nsex = "femal"': "'femal'.*did you mean 'female'",
    '[[include]]\nname = "x"\nsite = []': "names no site",
    '[[include]]\nname = "x"\nsite = [1]': "site is not text",
    '[[include]]\nname = "x"\nfirst_case_of_patient = false': "is not true",
    '[[include]]\nname = "x"\ndecided = ["2022-01-01"]': "decided is not a pair",
    '[[include]]\nname = "x"\ndecided = ["2022-13-01", "2023-01-01"]': "'2022-13-01' is not a date",
    '[[include]]\nname = "x"\ndecided = ["2023-01-01", "2022-01-01"]': "ends before it begins",
    '[[include]]\nname = "x"\nhas = "a"\n[[exclude]]\nname = "x"\nhas = "b"': "2 rules are named",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_meant_is_an_error_that_says_what_to_do(text: str) -> None:
    with pytest.raises(ConfigError, match=WRONG[text]) as caught:
        rules(tomllib.loads(text), "rules.toml")
    assert caught.value.remedy
    assert caught.value.message.startswith("rules.toml")


def test_a_file_that_is_absent_or_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_rules(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[[include", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_rules(tmp_path / "bad.toml")
