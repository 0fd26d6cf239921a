"""A signed reading as ORU^R01: its segments, its escapes, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import read_case
from sqlalchemy import Engine

from clinical.case.reading import Subject
from clinical.errors import ReviewError
from clinical.exchange.hl7_reading import Envelope, escaped, message
from clinical.export.leaving import Leaving, leaving

SUBJECT = Subject("MRN-77", True, "CLINIC", "Müller^Jürgen^Karl", "19531224", "M", "ACC-1", "1.2.3")


@pytest.fixture
def signed(workspace: Engine, example: Any) -> Leaving:
    digest, _ = example.recorded(workspace)
    read_case.signed(workspace, example, digest)
    return leaving(workspace, "case-1", [])


def segments(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8")
    assert text.endswith("\r")
    assert "\n" not in text
    return [line.split("|") for line in text.split("\r")[:-1]]


def test_the_segments_are_those_of_a_result(signed: Leaving) -> None:
    found = segments(message(signed.reading, SUBJECT, Envelope("TRIPTYCH", "READING", "RIS", "H")))
    kinds = [fields[0] for fields in found]
    assert kinds[:3] == ["MSH", "PID", "OBR"]
    assert set(kinds[3:]) == {"OBX", "NTE"}
    header, patient, order = found[:3]
    assert header[1:6] == ["^~\\&", "TRIPTYCH", "READING", "RIS", "H"]
    assert header[8:12] == ["ORU^R01^ORU_R01", signed.reading.digest[:20], "P", "2.5.1"]
    assert header[17] == "UNICODE UTF-8"
    assert patient[3] == "MRN-77^^^CLINIC^MR"
    assert patient[5] == "Müller^Jürgen Karl"
    assert (patient[7], patient[8]) == ("19531224", "M")
    assert (order[2], order[18], order[25]) == ("ACC-1", "ACC-1", "F")
    assert order[4] == "18748-4^Diagnostic imaging study^LN"
    assert order[32] == "dr.ada"


def test_what_holds_comes_first_and_then_each_suggestion(signed: Leaving) -> None:
    found = [fields for fields in segments(message(signed.reading, SUBJECT)) if fields[0] == "OBX"]
    assert [int(fields[1]) for fields in found] == list(range(1, len(found) + 1))
    assert found[0][2:6] == [
        "CWE",
        "29308-4^Diagnosis^LN",
        "",
        "75570004^Viral pneumonia^SCT^J12.9^Viral pneumonia^I10",
    ]
    assert {fields[11] for fields in found} == {"F"}
    told = {(fields[4], fields[3].split("^")[0]): fields for fields in found[1:]}
    assert told["1", "probability"][5] == "0.83"
    assert told["1", "probability"][6] == "1^no units^UCUM"
    assert told["1", "probability"][18] == "a" * 64 + "^99TRIPTYCH"
    assert told["1", "verdict"][5] == "modified"
    assert told["1", "verdict"][16] == "dr.ada"
    assert told["1", "instead"][5].startswith("75570004^Viral pneumonia^SCT")
    assert ("4", "probability") not in told
    assert told["4", "state"][5] == "withheld"


def test_every_message_says_that_it_is_for_research(signed: Leaving) -> None:
    notes = [fields for fields in segments(message(signed.reading, SUBJECT)) if fields[0] == "NTE"]
    assert notes[0][3] == "Research use only. Not a medical device."


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\F\b"),
        ("a^b", r"a\S\b"),
        ("a&b", r"a\T\b"),
        ("a~b", r"a\R\b"),
        (r"C:\F\x", r"C:\E\F\E\x"),
        ("one\ntwo\r\nthree\rfour", r"one\.br\two\.br\three\.br\four"),
        ("bell\x07", "bell "),
        ("肺炎 µ", "肺炎 µ"),
    ],
)
def test_escapes(text: str, written: str) -> None:
    assert escaped(text) == written


def test_marks_in_names_and_numbers_stay_inside_their_fields(signed: Leaving) -> None:
    odd = replace(SUBJECT, patient_id="A|B^C&D~E\\F", name="O'Neil|x^Y&Z")
    plain, found = (
        segments(message(signed.reading, SUBJECT)),
        segments(message(signed.reading, odd)),
    )
    assert len(found[1]) == len(plain[1])
    assert found[1][3] == r"A\F\B\S\C\T\D\R\E\E\F^^^CLINIC^MR"
    assert found[1][5] == r"O'Neil\F\x^Y\T\Z"


def test_a_patient_without_a_name_is_said_to_have_none(signed: Leaving) -> None:
    patient = segments(message(signed.reading, signed.subject))[1]
    assert patient[3] == "patient of case-1^^^^MR"
    assert patient[5] == "^^^^^^U"


@pytest.mark.parametrize("state", ["unread", "accepted", "rejected"])
def test_what_is_not_signed_is_no_result(workspace: Engine, example: Any, state: str) -> None:
    digest, _ = example.recorded(workspace)
    read_case.STATES[state](workspace, example, digest)
    found = leaving(workspace, "case-1", [])
    with pytest.raises(ReviewError, match="Only a signed reading"):
        message(found.reading, found.subject)


def test_the_same_reading_is_the_same_message(workspace: Engine, signed: Leaving) -> None:
    again = leaving(workspace, "case-1", [])
    assert message(again.reading, SUBJECT) == message(signed.reading, SUBJECT)


def test_our_own_reader_understands_it(signed: Leaving) -> None:
    hl7 = pytest.importorskip("clinical.exchange.hl7_message")
    odd = replace(SUBJECT, patient_id="A|B^C&D~E\\F")
    found = hl7.parse(message(signed.reading, odd))
    patient, first = found.named("PID")[0], found.named("OBX")[0]
    assert patient.first(3).part(1) == odd.patient_id
    assert patient.first(5).part(1) == "Müller"
    assert first.first(5).part(2) == "Viral pneumonia"
