"""Codes of a history in one form, and those that nobody can place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.terms import codes


@pytest.mark.parametrize(
    ("written", "system", "code"),
    [
        ("I509", "", "I50.9"),
        ("I50.9", "", "I50.9"),
        ("i509 ", "", "I50.9"),
        ("J189", "10", "J18.9"),
        ("I10", "", "I10"),
        ("E119", "", "E11.9"),
        ("E039", "", "E03.9"),
        ("J18.-", "", "J18"),
        ("C34.9†", "", "C34.9"),
        ("J18.9G", "", "J18.9"),
        ("J18.9 G", "ICD-10-GM", "J18.9"),
        ("S72001A", "", "S72.001A"),
        ("M1A.9XX0", "", "M1A.9XX0"),
        ("ICD-10-CM:J18.9", "", "J18.9"),
        ("icd10:J189", "", "J18.9"),
        ("ICD10 J18.9", "", "J18.9"),
        ("http://hl7.org/fhir/sid/icd-10-cm|J18.9", "", "J18.9"),
        ("urn:oid:2.16.840.1.113883.6.90|I50.22", "", "I50.22"),
        ("V451", "ICD-10", "V45.1"),
        ("4280", "9", "ICD-9-CM:428.0"),
        ("4280", "ICD-9-CM", "ICD-9-CM:428.0"),
        ("428.0", "", "ICD-9-CM:428.0"),
        ("99591", "icd9", "ICD-9-CM:995.91"),
        ("486", "ICD-9", "ICD-9-CM:486"),
        ("V4501", "ICD-9", "ICD-9-CM:V45.01"),
        ("E8859", "ICD9CM", "ICD-9-CM:E885.9"),
        ("E885.9", "", "ICD-9-CM:E885.9"),
        ("2.16.840.1.113883.6.103^4280", "", "ICD-9-CM:428.0"),
        ("233604007", "", "233604007"),
        ("http://snomed.info/sct|233604007", "", "233604007"),
        ("233604007", "SNOMED CT", "233604007"),
        ("n02be01", "", "N02BE01"),
        ("N02B", "ATC", "N02B"),
        ("ATC:N02BE01", "", "N02BE01"),
        ("icd-11:CA40.0", "", "ICD-11:CA40.0"),
        ("local:smoker", "", "local:smoker"),
        ("appendicitis:Nausea", "", "appendicitis:Nausea"),
        ("never seen", "", "never seen"),
    ],
)
def test_a_code_has_one_form(written: str, system: str, code: str) -> None:
    assert codes.canonical(written, system) == codes.Coded(code)


@pytest.mark.parametrize(
    ("written", "system", "why"),
    [
        ("4280", "", "bare number"),
        ("233604008", "", "bare number"),  # the check digit is not that of SNOMED CT
        ("V4501", "", "several systems"),
        ("V45.01", "", "several systems"),
        ("E876", "", "several systems"),
        ("N02B", "", "several systems"),
        ("J18.9A", "", "excluded"),
        ("J18.9 V", "ICD-10", "suspected"),
        ("J18.9", "ICD-9", "not of the form of ICD-9-CM"),
        ("4280", "SNOMED CT", "not of the form of SNOMED CT"),
        ("ICD-10:J18.9", "ICD-9", "the code says ICD-10 and its column ICD-9-CM"),
        ("J18.9", "our own", "not one that is known"),
    ],
)
def test_a_code_that_nobody_can_place_is_kept_and_said(written: str, system: str, why: str) -> None:
    found = codes.canonical(written, system)

    assert found.code == written
    assert why in found.problem


@given(st.text(), st.sampled_from(["", "ICD-10", "9", "SNOMED", "ATC", "x"]))
def test_no_text_raises_and_one_form_stays_as_it_is(written: str, system: str) -> None:
    found = codes.canonical(written, system)

    if not found.problem:
        assert codes.canonical(found.code, system).code == found.code
