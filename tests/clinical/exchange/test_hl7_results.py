"""Laboratory messages as they are sent, against what they say by their making."""

from __future__ import annotations

import string

import hl7_laboratory
import pytest
from hl7_laboratory import BERLIN, ROWS

from clinical.exchange.facts import MeasurementFact, PatientIdentifier
from clinical.exchange.hl7_told import told


def facts(data: bytes) -> list[MeasurementFact]:
    (one,) = told(data, BERLIN)
    return [fact for fact in one.facts if isinstance(fact, MeasurementFact)]


def oru(*segments: str, header: str = "", end: str = "\r") -> bytes:
    """A message with these segments after PID."""
    first = header or r"MSH|^~\&|LAB|H|T|H|20240531143000+0200||ORU^R01^ORU_R01|M1|P|2.5.1"
    return end.join((first, "PID|1||1^^^H^MR", *segments)).encode()


ORDER = "OBR|1|P1|F1^LAB|24323-8^Panel^LN|||20240531120000"


def potassium(value: str = "5.4", status: str = "F", sub: str = "", more: str = "") -> str:
    return f"OBX|1|NM|2823-3^Potassium^LN|{sub}|{value}|mmol/L|||||{status}{more}"


@pytest.mark.parametrize("seed", range(200))
def test_a_message_says_what_it_was_made_to_say(seed: int) -> None:
    sent = hl7_laboratory.message(seed)

    (one,) = told(sent.data, BERLIN)

    assert one.person is not None
    assert PatientIdentifier("4711-0815", "CLINIC") in one.person.identifiers
    read = [
        hl7_laboratory.Fact(f.place, f.code, f.system, f.value, f.unit, f.status, f.time)
        for f in one.facts
        if isinstance(f, MeasurementFact)
    ]
    assert read == list(sent.facts)
    assert sorted(refusal.place for refusal in one.refused) == sorted(sent.refused)
    assert len({fact.identity for fact in one.facts}) == len(one.facts)


def test_the_messages_hold_every_oddity_of_the_table() -> None:
    sent = b"".join(hl7_laboratory.message(seed).data for seed in range(200))

    for row in ROWS:
        # The fragment before the first number tells most rows; the marks differ between senders.
        assert row["obx"].split("|")[2].strip().encode() in sent
    assert sent.count(b"OBX") > 2000


def test_a_refusal_holds_nothing_of_the_message() -> None:
    own = set(string.punctuation + string.digits) | {"", "a", "D", "F", "C", "P", "X", "W"}
    for seed in range(60):
        sent = hl7_laboratory.message(seed)
        for one in told(sent.data, BERLIN):
            for refusal in one.refused:
                words = f"{refusal.reason} {refusal.remedy}"
                assert hl7_laboratory.NAME not in words
                assert hl7_laboratory.PATIENT not in words
                values = {fact.value for fact in sent.facts} - own
                assert not values & set(words.split())


class TestIdentity:
    def test_a_correction_has_the_identity_of_what_it_corrects(self) -> None:
        (first,) = facts(oru(ORDER, potassium("5.4")))
        (again,) = facts(oru(ORDER.replace("OBR|1", "OBR|7"), potassium("4.5", "C")))
        (gone,) = facts(oru(ORDER, potassium("", "D")))

        assert first.identity == again.identity == gone.identity
        assert (first.status, again.status, gone.status) == ("final", "corrected", "cancelled")

    def test_another_order_sub_id_observation_or_sender_is_another_result(self) -> None:
        other = (
            oru(ORDER.replace("F1", "F2"), potassium()),
            oru(ORDER, potassium(sub="2")),
            oru(ORDER, potassium().replace("2823-3", "2951-2")),
            oru(ORDER, potassium(), header=r"MSH|^~\&|POC|H|T|H|2024||ORU^R01|M|P|2.5"),
            oru(ORDER, potassium()),
        )

        assert len({fact.identity for data in other for fact in facts(data)}) == len(other)

    def test_without_a_number_of_the_order_patient_service_and_time_stand_for_it(self) -> None:
        bare = "OBR|1|||24323-8^Panel^LN|||20240531120000"
        (first,) = facts(oru(bare, potassium("5.4")))
        (corrected,) = facts(oru(bare, potassium("4.5", "C")))
        (later,) = facts(oru(bare.replace("1200", "1300"), potassium()))

        assert first.identity == corrected.identity != later.identity

    def test_an_instance_identifier_decides_alone(self) -> None:
        named = "|" * 10 + "R77^LAB"
        (first,) = facts(oru(ORDER, potassium(more=named)))
        (moved,) = facts(oru(ORDER.replace("F1", "F9"), potassium(more=named)))

        assert first.identity == moved.identity

    def test_it_does_not_tell_the_number_of_the_order(self) -> None:
        (fact,) = facts(oru(ORDER, potassium()))

        assert "F1" not in fact.identity
        assert len(fact.identity) == 32


class TestTwiceInOneMessage:
    def test_the_same_twice_is_there_once(self) -> None:
        assert len(facts(oru(ORDER, potassium(), potassium()))) == 1

    def test_what_was_wrong_yields_to_what_is_right(self) -> None:
        (fact,) = facts(oru(ORDER, potassium("9.9", "W"), potassium("4.5", "C")))

        assert (fact.value, fact.status) == ("4.5", "corrected")

    def test_preliminary_yields_to_final(self) -> None:
        (fact,) = facts(oru(ORDER, potassium("4.4", "P"), potassium("4.5", "F")))

        assert (fact.value, fact.status) == ("4.5", "final")

    def test_different_times_are_a_series(self) -> None:
        at = "|||2024053112{:02}00"
        series = [potassium(f"4.{n}", more=at.format(n)) for n in (1, 2, 3)]

        found = facts(oru(ORDER, *series))

        assert [fact.value for fact in found] == ["4.1", "4.2", "4.3"]
        assert len({fact.identity for fact in found}) == 3

    def test_two_values_at_one_time_contradict_each_other(self) -> None:
        (one,) = told(oru(ORDER, potassium("4.4"), potassium("4.5")), BERLIN)

        assert one.facts == ()
        assert [refusal.place for refusal in one.refused] == ["OBX[1]-4", "OBX[2]-4"]


class TestTime:
    @pytest.mark.parametrize(
        ("header", "obr", "read"),
        [
            ("20240531143000+0200", "202405311200", "2024-05-31T12:00:00+02:00"),
            ("20240531143000+0200", "202405311200-0500", "2024-05-31T12:00:00-05:00"),
            ("20240531143000", "2024053112", "2024-05-31T12:00:00+02:00"),
            ("20240531143000+0200", "202401311200", "2024-01-31T12:00:00+01:00"),  # winter
            ("20240531123000+0000", "202401311200", "2024-01-31T12:00:00+00:00"),
            ("20240531143000", "20240531", "2024-05-31T00:00:00+02:00"),
            ("20240531143000", "20240531120000.1234567", "2024-05-31T12:00:00.123456+02:00"),
            ("20240531143000", "2024-05-31T12:00:00Z", "2024-05-31T12:00:00+00:00"),
        ],
    )
    def test_a_stamp_is_read_in_its_zone(self, header: str, obr: str, read: str) -> None:
        first = rf"MSH|^~\&|LAB|H|T|H|{header}||ORU^R01|M1|P|2.5.1"
        order = ORDER.replace("20240531120000", obr)

        (fact,) = facts(oru(order, potassium(), header=first))

        assert fact.time.isoformat() == read

    @pytest.mark.parametrize("obr", ["202413011200", "202405", "unknown", "99991231", "00010101"])
    def test_a_stamp_that_is_none_is_refused(self, obr: str) -> None:
        (one,) = told(oru(ORDER.replace("20240531120000", obr), potassium()), BERLIN)

        assert [refusal.place for refusal in one.refused] == ["OBR[1]-7"]

    def test_without_obr_7_the_specimen_says_when(self) -> None:
        spm = "SPM|1|||BLDV" + "|" * 13 + "202405311130"
        (fact,) = facts(oru("OBR|1|P1|F1", potassium(), spm))

        assert fact.time.isoformat() == "2024-05-31T11:30:00+02:00"
        assert fact.specimen == "BLDV"

    def test_a_result_is_known_from_obr_22_on_else_from_the_message(self) -> None:
        (message,) = facts(oru(ORDER, potassium()))
        (order,) = facts(oru(ORDER + "|" * 15 + "20240531142000", potassium()))
        (day,) = facts(oru(ORDER + "|" * 15 + "20240531", potassium()))

        known = [fact.issued.isoformat() for fact in (message, order, day) if fact.issued]
        assert known == [
            "2024-05-31T14:30:00+02:00",
            "2024-05-31T14:20:00+02:00",
            "2024-05-31T23:59:59+02:00",  # nobody seems to have known it earlier on that day
        ]

    def test_a_cancelled_result_needs_no_time_of_its_own(self) -> None:
        (fact,) = facts(oru("OBR|1|P1|F1", potassium("", "X")))

        assert fact.time.isoformat() == "2024-05-31T14:30:00+02:00"


@pytest.mark.parametrize(
    ("obr_15", "spm", "specimen"),
    [
        ("UR^Urine^HL70487", "", "UR"),
        ("UR&Urine&HL70487^^", "", "UR"),
        ("^Serum", "", "Serum"),
        ("", "SPM|1|||123^Urine^99L", "Urine"),
        ("", "SPM|1|||moon^Moon dust^99L", "moon"),
        ("", "", ""),
    ],
)
def test_the_specimen_is_named_by_a_known_word(obr_15: str, spm: str, specimen: str) -> None:
    segments = [ORDER + "|" * 8 + obr_15, potassium(), *([spm] if spm else [])]

    (fact,) = facts(oru(*segments))

    assert fact.specimen == specimen


def test_results_before_any_order_need_their_own_time() -> None:
    (one,) = told(oru(potassium(), potassium(sub="2", more="|||202405311200")), BERLIN)

    assert [refusal.place for refusal in one.refused] == ["OBX[1]-14"]
    assert [fact.place for fact in one.facts] == ["OBX[2]"]


def test_the_status_of_the_order_stands_in_for_that_of_a_result() -> None:
    order = ORDER + "|" * 18 + "P"
    assert order.split("|")[25] == "P"

    (fact,) = facts(oru(order, "OBX|1|NM|2823-3^Potassium^LN||5.4|mmol/L"))

    assert fact.status == "preliminary"


def test_what_holds_no_fact_is_counted() -> None:
    (one,) = told(oru(ORDER, "NTE|1", potassium("", "I"), "ZLB|1", "NTE|2"), BERLIN)

    assert one.unused == (("NTE", 2), ("OBX without a result", 1), ("ZLB", 1))


def test_two_patients_in_one_message_are_told_apart() -> None:
    data = oru(ORDER, potassium("4.1"), "PID|2||2^^^H^MR", ORDER, potassium("4.2"))

    found = told(data, BERLIN)

    assert [one.person.identifiers[0].value for one in found if one.person] == ["1", "2"]
    assert [one.facts[0].place for one in found] == ["OBX[1]", "OBX[2]"]


def test_a_file_of_messages_says_in_which_something_stands() -> None:
    one = oru(ORDER, potassium("", "F"))
    data = b"FHS|^~\\&|\rBHS|^~\\&|\r" + one + b"\r" + one + b"\rBTS|2\rFTS|1\r"

    found = told(data, BERLIN)

    places = [refusal.place for part in found for refusal in part.refused]
    assert places == ["message[1] OBX[1]-5", "message[2] OBX[1]-5"]
    assert [part.unused for part in found] == [(), ()]
