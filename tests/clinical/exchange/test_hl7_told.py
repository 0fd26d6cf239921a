"""Persons, merges, diagnoses, allergies, reports and documents of HL7 v2."""

from __future__ import annotations

import random
from datetime import date

import hl7_laboratory
import pytest
from hl7_laboratory import BERLIN
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.exchange.facts import (
    HistoryFact,
    Merge,
    NoteFact,
    PatientIdentifier,
    Person,
    Told,
)
from clinical.exchange.hl7_told import Habits, told


def only(kind: str, *segments: str, use: str = "P", version: str = "2.5.1") -> Told:
    header = rf"MSH|^~\&|ADT|H|T|H|20240531143000+0200||{kind}|M1|{use}|{version}"
    (one,) = told("\r".join((header, *segments)).encode(), BERLIN)
    return one


def places(one: Told) -> list[str]:
    return [refusal.place for refusal in one.refused]


MR = PatientIdentifier("4711", "H")


class TestPerson:
    def test_an_update_tells_numbers_sex_and_day_of_birth_and_no_name(self) -> None:
        one = only("ADT^A08", "EVN|A08", "PID|1||4711^^^H^MR||Muster^Eva||19500229|F", "PV1|1|I")

        assert one.person == Person((MR,), "F", None)  # 1950 had no 29 February
        assert one.unused == (("PV1", 1),)
        assert "Muster" not in repr(one)

    @pytest.mark.parametrize(
        ("pid_3", "numbers"),
        [
            ("4711^^^H^MR", (MR,)),
            ("4711^3^M11^H^MR", (MR,)),  # a check digit is no part of the number
            ("9^^^S^PI~4711^^^H^MR", (PatientIdentifier("9", "S"), MR)),
            ("9^^^S^XX~4711^^^H^MR", (MR, PatientIdentifier("9", "S"))),
            ("9^^^H^VN~8^^^H^AN~4711^^^H^MR", (MR,)),  # of a visit, of an account
            ("4711^^^H&1.2.3&ISO^MR", (MR,)),
            ("4711^^^&1.2.3&ISO^MR", (PatientIdentifier("4711", "1.2.3"),)),
            ("4711", (PatientIdentifier("4711"),)),
            ("4711^^^H^MR~4711^^^H^MR", (MR,)),
            ("4711^^^H^MR~123-45-6789^^^USA^SS", (MR,)),
        ],
    )
    def test_medical_record_numbers_come_first(
        self, pid_3: str, numbers: tuple[PatientIdentifier, ...]
    ) -> None:
        one = only("ADT^A08", f"PID|1||{pid_3}||||19500228|F")

        assert one.person == Person(numbers, "F", date(1950, 2, 28))

    @pytest.mark.parametrize("pid_3", ["", '""', "^^^H^MR", "123-45-6789^^^USA^SS", "9^^^H^VN"])
    def test_nobody_can_be_matched_without_a_number(self, pid_3: str) -> None:
        one = only("ADT^A08", f"PID|1||{pid_3}||Muster^Eva", "DG1|1||J18.9^^I10")

        assert one.person is None
        assert one.facts == ()
        assert places(one) == ["PID[1]-3"]

    def test_a_message_without_a_patient_tells_of_nobody(self) -> None:
        assert places(only("ADT^A08", "EVN|A08")) == ["PID"]


class TestMerges:
    @pytest.mark.parametrize("event", ["A18", "A34", "A40", "A47"])
    def test_what_goes_by_the_retired_number_goes_by_the_kept_one(self, event: str) -> None:
        one = only(f"ADT^{event}", "PID|1||4711^^^H^MR", "MRG|12^^^H^MR~13^^^H^MR")

        assert one.merges == (
            Merge(MR, PatientIdentifier("12", "H")),
            Merge(MR, PatientIdentifier("13", "H")),
        )

    def test_old_senders_say_the_event_in_evn_1(self) -> None:
        one = only("ADT", "EVN|A34", "PID|1||4711^^^H^MR", "MRG|12^^^H^MR", version="2.1")

        assert one.merges == (Merge(MR, PatientIdentifier("12", "H")),)

    def test_each_authority_has_its_own_number(self) -> None:
        one = only("ADT^A40", "PID|1||4711^^^H^MR~5^^^S^PI", "MRG|6^^^S^PI~12^^^H^MR~1^^^H^VN")

        five, six = PatientIdentifier("5", "S"), PatientIdentifier("6", "S")
        assert set(one.merges) == {Merge(five, six), Merge(MR, PatientIdentifier("12", "H"))}

    def test_several_patients_of_one_message_are_merged_each_by_itself(self) -> None:
        header = r"MSH|^~\&|ADT|H|||20240531||ADT^A40|M1|P|2.5.1"
        lines = (header, "PID|1||1^^^H", "MRG|2^^^H", "PID|2||3^^^H", "MRG|4^^^H")

        found = told("\r".join(lines).encode(), BERLIN)

        merged = [(m.kept.value, m.retired.value) for one in found for m in one.merges]
        assert merged == [("1", "2"), ("3", "4")]

    @pytest.mark.parametrize(
        ("mrg", "place"),
        [
            ("MRG|12^^^X^MR", "MRG[1]-1"),
            ("MRG|", "MRG[1]-1"),
            ("ZZZ|1", "MRG"),
        ],
    )
    def test_what_cannot_be_joined_is_refused(self, mrg: str, place: str) -> None:
        one = only("ADT^A40", "PID|1||4711^^^H^MR", mrg)

        assert one.merges == ()
        assert places(one) == [place]

    def test_a_number_that_is_merged_with_itself_changes_nothing(self) -> None:
        assert only("ADT^A40", "PID|1||4711^^^H^MR", "MRG|4711^^^H^MR").merges == ()

    def test_an_update_with_a_stray_merge_segment_merges_nothing(self) -> None:
        one = only("ADT^A08", "PID|1||4711^^^H^MR", "MRG|12^^^H^MR")

        assert one.merges == ()


class TestHistory:
    def test_diagnoses_and_allergies_are_facts(self) -> None:
        one = only(
            "ADT^A08",
            "PID|1||4711^^^H^MR",
            "DG1|1||J44.9^COPD^I10||20190304|F",
            "DG1|2|I9|486||2019|W",
            "DG1|3|||old fracture",
            "AL1|1|DA|7980^Penicillin^RXNORM|SV|Rash|2010",
        )

        read = [
            (f.kind, f.code, f.system, f.display, f.onset and f.onset.date(), f.status)
            for f in one.facts
            if isinstance(f, HistoryFact)
        ]
        assert read == [
            ("diagnosis", "J44.9", "I10", "COPD", date(2019, 3, 4), "final"),
            ("diagnosis", "486", "I9", "486", date(2019, 1, 1), "preliminary"),
            ("diagnosis", "old fracture", "", "old fracture", None, "final"),
            ("allergy", "7980", "RXNORM", "Penicillin", date(2010, 1, 1), "final"),
        ]

    def test_they_are_known_from_the_message_on(self) -> None:
        segments = ("PID|1||4711^^^H^MR", "DG1|1||J44.9^COPD^I10")
        (fact,) = only("ADT^A08", *segments).facts
        (earlier,) = only("ADT^A08", "EVN|A08|202405311200", *segments).facts

        assert isinstance(fact, HistoryFact)
        assert isinstance(earlier, HistoryFact)
        assert fact.recorded
        assert fact.recorded.isoformat() == "2024-05-31T14:30:00+02:00"
        assert earlier.recorded
        assert earlier.recorded.isoformat() == "2024-05-31T12:00:00+02:00"

    def test_a_deleted_diagnosis_cancels_the_one_of_its_number(self) -> None:
        pid, dg1 = "PID|1||4711^^^H^MR", "DG1|1||J44.9^COPD^I10" + "|" * 17 + "D77"
        (first,) = only("ADT^A08", pid, dg1).facts
        (gone,) = only("ADT^A08", pid, dg1.replace("J44.9", "J44.1") + "|D").facts

        assert first.identity == gone.identity
        assert gone.status == "cancelled"

    def test_an_entry_without_a_name_is_refused(self) -> None:
        one = only("ADT^A08", "PID|1||4711^^^H^MR", "DG1|1", "AL1|1|DA")

        assert places(one) == ["DG1[1]-3", "AL1[1]-3"]

    def test_the_same_code_of_another_patient_is_another_fact(self) -> None:
        dg1 = "DG1|1||J44.9^COPD^I10"
        (one,) = only("ADT^A08", "PID|1||1^^^H^MR", dg1).facts
        (other,) = only("ADT^A08", "PID|1||2^^^H^MR", dg1).facts

        assert one.identity != other.identity


class TestReports:
    ORDER = "OBR|1||F1^RIS|71046^Chest X-ray^C4|||202405311200" + "|" * 15 + "202405311300"

    def notes(self, *lines: str) -> list[NoteFact]:
        one = only("ORU^R01", "PID|1||4711^^^H^MR", self.ORDER, *lines)
        assert places(one) == []
        return [fact for fact in one.facts if isinstance(fact, NoteFact)]

    def test_the_lines_of_a_report_are_one_text_for_each_section(self) -> None:
        findings, impression = self.notes(
            r"OBX|1|TX|71046&GDT^Chest X-ray^C4||Heart \T\ lungs||||||F",
            "OBX|2|TX|71046&GDT^Chest X-ray^C4||||||||F",
            "OBX|3|TX|71046&GDT^Chest X-ray^C4||are clear.~No effusion.||||||F",
            "OBX|4|CE|71046&IMP^Chest X-ray^C4||^Normal chest||||||F",
        )

        assert (findings.section, impression.section) == ("findings", "impression")
        assert findings.text == "Heart & lungs\n\nare clear.\nNo effusion."
        assert impression.text == "Normal chest"
        assert findings.time.isoformat() == "2024-05-31T13:00:00+02:00"  # OBR-22: told then
        assert (findings.place, impression.place) == ("OBX[1]", "OBX[4]")

    def test_formatted_text_has_its_lines(self) -> None:
        (note,) = self.notes(r"OBX|1|FT|18782-3^Study^LN||one\.br\two||||||P")

        assert (note.section, note.text, note.status) == ("findings", "one\ntwo", "preliminary")

    def test_a_report_is_titled_by_its_observation_or_its_order(self) -> None:
        named, unnamed = self.notes(
            "OBX|1|TX|X1^Befund^99R||alles gut||||||F", "OBX|2|TX|||sehr gut||||||F"
        )

        assert (named.section, unnamed.section) == ("Befund", "Chest X-ray")

    def test_a_corrected_report_has_the_identity_of_the_first(self) -> None:
        line = "OBX|1|TX|71046&IMP^Chest X-ray^C4||pneumonia||||||{}"
        (first,), (corrected,), (gone,) = (self.notes(line.format(s)) for s in "FCD")

        assert first.identity == corrected.identity == gone.identity
        assert [n.status for n in (first, corrected, gone)] == ["final", "corrected", "cancelled"]
        assert gone.text == ""


class TestDocuments:
    TXA = "TXA|1|11506-3^Progress note^LN|TX|202405311200||||||||D1^DOC|{parent}||||{done}||AV"

    def one(self, event: str, done: str = "AU", parent: str = "", text: str = "stable") -> Told:
        txa = self.TXA.format(done=done, parent=parent)
        obx = f"OBX|1|TX|11506-3^Progress note^LN||{text}||||||F"
        return only(f"MDM^{event}", "EVN|T02|202405311300", "PID|1||4711^^^H^MR", txa, obx)

    def test_a_document_is_a_note_with_its_number(self) -> None:
        (note,) = self.one("T02").facts

        assert isinstance(note, NoteFact)
        assert (note.section, note.text, note.status) == ("Progress note", "stable", "final")
        assert note.time.isoformat() == "2024-05-31T13:00:00+02:00"

    def test_what_nobody_signed_is_preliminary(self) -> None:
        assert self.one("T02", done="DI").facts[0].status == "preliminary"

    def test_an_edit_corrects_and_a_cancellation_cancels(self) -> None:
        first, edited, gone = (self.one(event).facts[0] for event in ("T02", "T08", "T11"))

        assert first.identity == edited.identity == gone.identity
        assert (edited.status, gone.status) == ("corrected", "cancelled")

    def test_a_replacement_cancels_its_parent(self) -> None:
        new, old = self.one("T10", parent="D0^DOC").facts

        assert (new.status, old.status) == ("corrected", "cancelled")
        assert new.identity != old.identity

    def test_what_is_no_text_is_refused(self) -> None:
        assert places(self.one("T02", text="")) == ["TXA[1]"]
        assert places(only("MDM^T02", "PID|1||1^^^H", "OBX|1|TX|||a||||||F")) == ["TXA"]
        lines = ("TXA|1|N|TX" + "|" * 9 + "D1", "OBX|1|ED|||^PDF||||||F")
        assert places(only("MDM^T02", "PID|1||1^^^H", *lines)) == ["OBX[1]-2", "TXA[1]"]


@pytest.mark.parametrize(
    ("kind", "use", "version", "place"),
    [
        ("ORM^O01", "P", "2.5.1", "MSH-9"),
        ("", "P", "2.5.1", "MSH-9"),
        ("ADT^A37", "P", "2.5.1", "MSH-9"),
        ("ADT^A29", "P", "2.5.1", "MSH-9"),
        ("MDM^T01", "P", "2.5.1", "MSH-9"),
        ("ORU^R01", "T", "2.5.1", "MSH-11"),
        ("ORU^R01", "P", "3.0", "MSH-12"),
    ],
)
def test_what_is_not_read_is_said_by_its_header(
    kind: str, use: str, version: str, place: str
) -> None:
    one = only(kind, "PID|1||4711^^^H^MR", use=use, version=version)

    assert one == Told(None, refused=one.refused)
    assert places(one) == [place]


def test_messages_for_training_are_taken_on_purpose() -> None:
    data = rb"MSH|^~\&|L|H|||2024||ADT^A08|1|T|2.5" + b"\rPID|1||1^^^H^MR"

    assert told(data, BERLIN, Habits(processing=("P", "T")))[0].person is not None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_told_or_refused(data: bytes) -> None:
    for body in (data, rb"MSH|^~\&|L|H|||2024||ORU^R01|1|P|2.5" + b"\r" + data):
        found = told(body, BERLIN)
        assert found
        assert all(isinstance(one, Told) for one in found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 199), st.integers(0, 2**32))
def test_any_damage_to_a_message_is_told_or_refused(number: int, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(hl7_laboratory.message(number).data)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data))
        kind = rng.randrange(3)
        if kind == 0:
            data[at] = rng.choice(b'|^~\\&\r\n\x00\xff0Z"')
        elif kind == 1:
            del data[at : at + rng.randint(1, 20)]
        else:
            data[at:at] = data[at : at + rng.randint(1, 40)]
        data = data or bytearray(b"M")

    assert all(isinstance(one, Told) for one in told(bytes(data), BERLIN))
