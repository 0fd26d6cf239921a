"""How a case was put together, as its readers see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clinical.exchange import assembly_rules
from clinical.exchange.assembly_rules import Rules
from ui.words import assembled_words

DECISION = datetime(2024, 3, 1, 9, 40, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "rules": assembly_rules.for_record(Rules()),
    "films": [28],
    "priors": 0,
    "results": {"count": 0},
    "history": 0,
    "notes": 0,
    "moved": 0,
    "left_out": [],
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "From 1 film of 09:12."),
        ({"films": [24, 28]}, "From 2 films of 09:12 to 09:16."),
        (
            {"results": {"count": 14, "first": 80, "last": 35}, "history": 2, "priors": 1},
            "From 1 film of 09:12, 14 results of 08:20 to 09:05, 2 items of history, 1 film of"
            " earlier visits.",
        ),
        (
            {"results": {"count": 1, "first": 1500, "last": 1500}},
            "From 1 film of 09:12, 1 result of 2024-02-29 08:40.",
        ),
        (
            {"moved": 28},
            "From 1 film of 09:12. The decision moved from 09:12 to 09:40, when the last result of"
            " before the film was told.",
        ),
        (
            {"left_out": [["results", "told after the decision", 2]]},
            "From 1 film of 09:12. Left out: 2 results told after the decision.",
        ),
    ],
)
def test_one_line(changes: dict[str, Any], words: str) -> None:
    assert assembled_words.sentence({**PLAIN, **changes}, DECISION) == words


def test_every_rule_of_a_record_is_said() -> None:
    said = list(assembled_words.rules(PLAIN))
    assert len(said) == len(PLAIN["rules"]) - 1  # but for the digest
    assert ("Laboratory values", "of the last 72 hours") in said
    assert ("History", "recorded at any time") in said
    assert ("Results that are not final", "are used") in said
    assert ("Modality of the film", "CR, DX") in said
    assert ("Decision", "when the last film was taken") in said


def test_a_rule_of_a_later_version_is_said_as_it_stands() -> None:
    later = {**PLAIN, "rules": {**PLAIN["rules"], "decision": "signature"}}
    assert ("Decision", "signature") in list(assembled_words.rules(later))
