"""Who is who: by number and by who gave it out."""

from __future__ import annotations

from itertools import permutations

import pytest

from clinical.exchange.assembly_rules import Rules
from clinical.exchange.facts import Merge, PatientIdentifier, Person
from clinical.exchange.matching import Merged, resolved, shown, whose

OURS = Rules(
    authority="HOSP", senders={"NORTH_PACS": "NORTH"}, authorities={"urn:oid:1.2.3": "HOSP"}
)


@pytest.mark.parametrize(
    ("authority", "sender", "rules", "counts_as"),
    [
        ("HOSP", "LAB", OURS, "HOSP"),
        ("NORTH", "LAB", OURS, "NORTH"),
        ("urn:oid:1.2.3", "LAB", OURS, "HOSP"),
        ("", "LAB", OURS, "HOSP"),
        ("", "NORTH_PACS", OURS, "NORTH"),
        ("", "NORTH_PACS@10.0.0.7", OURS, "NORTH"),
        ("HOSP", "NORTH_PACS", OURS, "HOSP"),
        ("", "LAB", Rules(), "from LAB"),
        ("HOSP", "LAB", Rules(), "HOSP"),
    ],
)
def test_the_authority_of_a_number(
    authority: str, sender: str, rules: Rules, counts_as: str
) -> None:
    found = resolved(PatientIdentifier(" 1001 ", authority), sender, rules)
    assert found == PatientIdentifier("1001", counts_as)


def test_without_rules_no_sender_shares_a_number_that_has_no_authority() -> None:
    plain = PatientIdentifier("1001")
    assert resolved(plain, "LAB", Rules()) != resolved(plain, "PACS", Rules())


def test_of_several_numbers_the_hospitals_own_counts() -> None:
    person = Person((PatientIdentifier("77", "LAB"), PatientIdentifier("1001", "HOSP")))
    assert whose(person, "LAB", OURS) == PatientIdentifier("1001", "HOSP")
    assert whose(person, "LAB", Rules()) == PatientIdentifier("77", "LAB")
    assert whose(Person((PatientIdentifier(" "),)), "LAB", OURS) is None
    assert whose(None, "LAB", OURS) is None


def test_a_case_carries_the_number_and_that_of_another_hospital_with_its_name() -> None:
    assert shown(PatientIdentifier("1001", "HOSP"), OURS) == "1001"
    assert shown(PatientIdentifier("1001", "NORTH"), OURS) == "1001@NORTH"


def test_a_chain_of_merges_is_one_patient_in_every_order() -> None:
    a, b, c, d = (PatientIdentifier(value, "HOSP") for value in "abcd")
    chain = [Merge(kept=b, retired=a), Merge(kept=c, retired=b), Merge(kept=c, retired=d)]
    for order in permutations(chain):
        merged = Merged(((merge, "ADT") for merge in order), OURS)
        assert {merged.patient(n) for n in (a, b, c, d)} == {c}
    assert Merged((), OURS).patient(a) == a


def test_a_circle_of_merges_is_one_patient_too() -> None:
    a, b = PatientIdentifier("a", "HOSP"), PatientIdentifier("b", "HOSP")
    merged = Merged([(Merge(a, b), "ADT"), (Merge(b, a), "ADT")], OURS)
    assert merged.patient(a) == merged.patient(b) == a


def test_a_merge_of_one_authority_is_none_of_another() -> None:
    kept, retired = PatientIdentifier("1", "HOSP"), PatientIdentifier("2", "HOSP")
    merged = Merged([(Merge(kept, retired), "ADT")], OURS)
    assert merged.patient(PatientIdentifier("2", "NORTH")) == PatientIdentifier("2", "NORTH")
