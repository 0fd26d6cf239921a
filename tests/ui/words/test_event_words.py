"""Every kind of event reads as a sentence, also one that somebody spoilt."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from clinical.case.assessment import AuditEvent, EventKind
from ui.words.event_words import SENTENCES, sentence


def event(kind: EventKind, payload: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        1, "2031-03-04T09:40:00+00:00", "dr.test", kind, "CASE-001", payload, "0", "1"
    )


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        (
            "PROTOCOL",
            {"first_read": True, "second_share": 0.5},
            "before they see the model's suggestions; 50% of",
        ),
        ("IMPORTED", {"inputs": ["image"]}, "Imported the case for reading without a model"),
        (
            "IMPORTED",
            {"inputs": ["image", "notes"], "added": "new"},
            "Added the case on the page, with image, notes",
        ),
        ("IMPORTED", {"inputs": ["image"], "added": "correction"}, "Corrected the case on the"),
        (
            "IMPORTED",
            {"inputs": ["image"], "added": "received"},
            "Put the case together from what was received, with image",
        ),
        (
            "IMPORTED",
            {"inputs": ["image"], "added": "received again"},
            "Put the case together anew",
        ),
        ("ASSIGNED", {"reader": "dr.b"}, "Assigned the case to dr.b"),
        ("ASSIGNED", {"reader": ""}, "Withdrew the assignment of the case"),
        (
            "FIRST_READ",
            {"differential": [{"diagnosis": "heart_failure", "confidence": "high"}]},
            "Committed a first read: heart failure",
        ),
        (
            "HYPOTHETICAL",
            {"left_out": ["image"], "changed": []},
            "what the model would say without image",
        ),
        ("UNDONE", {"takes_back": 7, "diagnosis": "copd_exacerbation"}, "Took back event 7"),
        ("SIGNED", {"decisions": [4], "role": "reader"}, "Signed 1 decision as reader"),
        ("SIGNED", {"decisions": [4, 5], "identity": "password"}, ", after entering the password"),
        ("TIMED", {"active_seconds": 61.4}, "Spent 61 s on the case"),
        ("AMENDED", {"reason": "discussed"}, "Reopened the signed case: I have discussed"),
        ("ADJUDICATED", {"present": []}, "Adjudicated: none of the diagnoses"),
        ("EXPORTED", {"what": "case_pdf", "cases": 1}, "Saved the case as a PDF"),
        ("EXPORTED", {"what": "case_dicom", "cases": 1}, "Made DICOM objects of the case"),
        (
            "MODEL",
            {"change": "added", "name": "adults", "digest": 8 * "0123abcd"},
            "Added the model adults (0123abcd0123abcd); it is asked first",
        ),
        ("MODEL", {"change": "retired", "name": "adults"}, "Retired the model adults"),
        (
            "MODEL",
            {"change": "removed", "name": "adults", "assessments": 4},
            "its 4 assessments cannot be replayed without it",
        ),
        (
            "SENT",
            {"name": "report", "to": "pacs", "outcome": "delivered"},
            "Delivered report to pacs",
        ),
        (
            "SENT",
            {"name": "report", "to": "pacs", "outcome": "refused", "reason": "status A900"},
            "pacs refused report: status A900",
        ),
        (
            "REPORTED",
            {"readings": 12, "cases": 9, "intact": True},
            "Created an agreement report (12 readings, 9 cases); the ledger was intact",
        ),
    ],
)
def test_what_happened_in_words(kind: EventKind, payload: dict[str, Any], words: str) -> None:
    assert words in sentence(event(kind, payload))


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_a_spoilt_payload_is_shown_all_the_same(kind: EventKind) -> None:
    assert kind in SENTENCES
    spoilt = dict.fromkeys(("differential", "decisions", "reader", "inputs", "present", "flags"), 7)
    assert sentence(event(kind, spoilt))
