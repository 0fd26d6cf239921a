"""What was on the screen: only numbers and known names are taken, and it reads as a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.review import viewed
from clinical.review.viewed import Viewed

LOOK: dict[str, Any] = {
    "image": "frontal",
    "function": "LINEAR",
    "centre": 40,
    "width": 400,
    "inverted": False,
    "diagnosis": "bacterial_pneumonia",
}
NOW: dict[str, Any] = {
    **LOOK,
    "plane": 1,
    "zoom": 80,
    "box": [0, 0, 560, 640],
    "turn": [0, -1, 1, 0],
    "prior": False,
    "opacity": 50,
    "threshold": 25,
}
REPORT: dict[str, Any] = {
    "visit": 3,
    "now": NOW,
    "seen": [{**LOOK, "seconds": 12.4}, {**LOOK, "diagnosis": "", "seconds": 4}],
}
WORDS = (
    "window 40/400, heat map of bacterial pneumonia at 50%, "
    "after 12 s with that of bacterial pneumonia and 4 s without a heat map"
)


def read(report: object) -> Viewed | None:
    return viewed.read(report, ["frontal"], ["bacterial_pneumonia", "heart_failure"])


def test_a_report_becomes_a_payload_and_a_sentence() -> None:
    found = read(REPORT)
    assert found is not None
    payload = viewed.as_json(found)
    assert payload["seen"] == REPORT["seen"]
    assert {name: payload[name] for name in NOW} == NOW
    assert viewed.said(payload) == WORDS


@pytest.mark.parametrize(
    "change",
    [
        {"image": "another patient"},
        {"diagnosis": "<b>free text</b>"},
        {"function": "CUBIC"},
        {"centre": float("nan")},
        {"width": "400"},
        {"zoom": True},
        {"turn": [2, 0, 0, 1]},
        {"box": [0, 0, 560]},
    ],
)
def test_a_report_with_anything_else_in_it_is_not_taken(change: dict[str, Any]) -> None:
    assert read({**REPORT, "now": {**NOW, **change}}) is None


@pytest.mark.parametrize("report", [None, [], {}, {"now": NOW}, {"now": 3, "seen": []}])
def test_what_is_no_report_is_none(report: object) -> None:
    assert read(report) is None


def test_of_many_looks_the_first_are_kept() -> None:
    many = [{**LOOK, "centre": number, "seconds": 2} for number in range(50)]
    found = read({**REPORT, "seen": many})
    assert found is not None
    assert len(found.seen) == viewed.MOST_SEEN


def test_a_spoiled_record_is_told_all_the_same() -> None:
    assert viewed.said("gone") == ""
    assert viewed.said({"centre": "x", "seen": [1, {"seconds": "long"}]}) == (
        "window ?/?, no heat map"
    )
