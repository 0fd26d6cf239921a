"""Whose case a card is about: by number and authority, and by the numbers that became one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clinical.exchange import cds_patient
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import open_chart
from clinical.exchange.facts import Merge, PatientIdentifier, Person, Told

RULES = Rules(authority="HOSP", senders={"north": "NORTH"})


def person(value: str, authority: str = "") -> Person:
    return Person((PatientIdentifier(value, authority),))


def test_a_number_without_an_authority_is_that_of_its_sender() -> None:
    assert cds_patient.patients(person("1001"), "ehr", RULES) == {"1001"}
    assert cds_patient.patients(person("1001"), "north", RULES) == {"1001@NORTH"}
    assert cds_patient.patients(person(" "), "ehr", RULES) == set()


def test_where_no_authority_is_stated_a_bare_number_matches_nothing_of_others() -> None:
    assert cds_patient.patients(person("1001"), "ehr", Rules()) == {"1001@from ehr"}


def test_the_id_on_a_server_is_no_number_of_the_hospital() -> None:
    patient = {"resourceType": "Patient", "id": "1001"}
    found = cds_patient.person_in(patient, "1001", "https://ehr.example/fhir/")
    assert found is not None
    assert cds_patient.patients(found, "ehr", RULES) == {"1001@https://ehr.example/fhir"}


def test_numbers_that_were_merged_are_one_patient(tmp_path: Path) -> None:
    kept, retired = (PatientIdentifier(number, "HOSP") for number in ("2002", "1001"))
    told = Told(Person((kept,)), merges=(Merge(kept, retired),))
    with open_chart(tmp_path) as chart:
        chart.hear("m1", told, "adt", datetime.now(UTC))
    chart_read = cds_patient.chart_in(tmp_path)
    assert chart_read is not None
    with chart_read:
        for number in ("2002", "1001"):
            found = cds_patient.patients(person(number, "HOSP"), "ehr", RULES, chart_read)
            assert found == {"1001", "2002"}
        assert cds_patient.patients(person("1001", "NORTH"), "ehr", RULES, chart_read) == {
            "1001@NORTH"
        }


def test_an_inbox_without_a_chart_knows_no_merges(tmp_path: Path) -> None:
    assert cds_patient.chart_in(tmp_path) is None
    assert cds_patient.chart_in(None) is None
