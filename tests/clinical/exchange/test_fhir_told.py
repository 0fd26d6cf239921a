"""FHIR R4 resources as what they tell of patients, element by element."""

from __future__ import annotations

import base64
import copy
import json
import random
from datetime import date
from typing import Any

import pytest
from hl7_laboratory import BERLIN
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.exchange.facts import (
    HistoryFact,
    MeasurementFact,
    Merge,
    NoteFact,
    PatientIdentifier,
    Person,
    Told,
)
from clinical.exchange.fhir_told import told

Json = dict[str, Any]
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
EHR = "https://ehr.example/fhir"


def concept(code: str, display: str = "", system: str = LOINC) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:oid:1.2.3", "value": "4711"}],
    "name": [{"family": "Mustermann"}],
    "gender": "female",
    "birthDate": "1950-02-28",
}
POTASSIUM: Json = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": concept("2823-3", "Potassium"),
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2024-05-31T12:00:00+02:00",
    "issued": "2024-05-31T12:40:00.000+02:00",
    "valueQuantity": {"value": 5.4, "unit": "mmol/l", "system": UCUM, "code": "mmol/L"},
}
CONDITION: Json = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": concept("active", system="x"),
    "verificationStatus": concept("confirmed", system="x"),
    "code": concept("13645005", "COPD", SNOMED),
    "subject": {"reference": "Patient/p1"},
    "onsetDateTime": "2019",
    "recordedDate": "2019-03-04",
}


def changed(resource: Json, *without: str, **elements: Any) -> Json:
    kept = {name: value for name, value in resource.items() if name not in without}
    return copy.deepcopy(kept) | elements


def bundle(*resources: Json, kind: str = "collection") -> bytes:
    return json.dumps(
        {
            "resourceType": "Bundle",
            "type": kind,
            "entry": [{"resource": one} for one in resources],
        }
    ).encode()


def read(*resources: Json) -> Told:
    """What is told of the one patient."""
    (one,) = told(bundle(PATIENT, *resources), BERLIN)
    return one


def fact(resource: Json) -> Any:
    one = read(resource)
    assert one.refused == ()
    (found,) = one.facts
    return found


def places(*resources: Json) -> list[str]:
    return [
        refusal.place
        for one in told(bundle(PATIENT, *resources), BERLIN)
        for refusal in one.refused
    ]


class TestPatients:
    def test_identifiers_sex_and_day_of_birth_and_no_name(self) -> None:
        (one,) = told(bundle(PATIENT), BERLIN, server=EHR)

        assert one.person == Person(
            (PatientIdentifier("4711", "urn:oid:1.2.3"), PatientIdentifier("p1", EHR)),
            "female",
            date(1950, 2, 28),
        )
        assert "Mustermann" not in repr(one)

    def test_medical_record_numbers_come_first_and_some_are_not_kept(self) -> None:
        numbers = [
            {"value": "1", "system": "a"},
            {"value": "2", "system": "b", "type": concept("MR")},
            {"value": "3", "system": "http://hl7.org/fhir/sid/us-ssn"},
            {"value": "4", "system": "c", "type": concept("SS")},
            {"value": "5", "system": "d", "use": "old"},
            {"system": "e"},
        ]
        (one,) = told(bundle(changed(PATIENT, "id", identifier=numbers)), BERLIN)

        assert one.person
        assert [n.value for n in one.person.identifiers] == ["2", "1"]

    @pytest.mark.parametrize(
        ("reference", "full_url"),
        [
            ("Patient/p1", ""),
            ("Patient/p1/_history/3", ""),
            (f"{EHR}/Patient/p1", f"{EHR}/Patient/p1"),
            ("Patient/p1", f"{EHR}/Patient/p1"),
            ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",) * 2,
        ],
    )
    def test_references_are_resolved_within_what_was_sent(
        self, reference: str, full_url: str
    ) -> None:
        observation = changed(POTASSIUM, subject={"reference": reference})
        # The holder stands before what it refers to, on the same server.
        entries = [
            {"resource": observation, "fullUrl": f"{EHR}/Observation/o1"},
            {"resource": PATIENT, "fullUrl": full_url} if full_url else {"resource": PATIENT},
        ]
        data = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})

        (one,) = told(data.encode(), BERLIN)

        assert one.person
        assert one.person.identifiers[0].value == "4711"
        assert len(one.facts) == 1

    @pytest.mark.parametrize(
        ("subject", "number"),
        [
            ({"reference": "Patient/77"}, PatientIdentifier("77", EHR)),
            ({"reference": "https://other/Patient/77"}, PatientIdentifier("77", "https://other")),
            ({"identifier": {"system": "urn:x", "value": "9"}}, PatientIdentifier("9", "urn:x")),
            (
                {"reference": "Patient?identifier=urn:x%7C9"},
                PatientIdentifier("9", "urn:x"),
            ),
        ],
    )
    def test_a_patient_who_was_not_sent_goes_by_what_refers_to_him(
        self, subject: Json, number: PatientIdentifier
    ) -> None:
        (one,) = told(bundle(changed(POTASSIUM, subject=subject)), BERLIN, server=EHR)

        assert one.person == Person((number,))

    def test_contained_patients_are_found(self) -> None:
        contained = [changed(PATIENT, id="inside")]
        observation = changed(POTASSIUM, subject={"reference": "#inside"}, contained=contained)

        (one,) = told(bundle(observation), BERLIN)

        assert one.person
        assert one.person.identifiers[0].value == "4711"

    @pytest.mark.parametrize(
        "subject", [{}, {"reference": "Group/1"}, {"display": "Eva"}, {"reference": "#none"}, "x"]
    )
    def test_nobody_is_refused(self, subject: Any) -> None:
        (one,) = told(bundle(changed(POTASSIUM, subject=subject)), BERLIN)

        assert (one.person, one.facts) == (None, ())
        assert [refusal.place for refusal in one.refused] == ["entry[0] Observation.subject"]

    def test_patients_are_told_apart(self) -> None:
        other = changed(POTASSIUM, id="o2", subject={"reference": "Patient/p2"})
        second = changed(PATIENT, id="p2", identifier=[{"value": "12", "system": "s"}])

        first, last = told(bundle(POTASSIUM, other, PATIENT, second), BERLIN)

        assert [len(first.facts), len(last.facts)] == [1, 1]
        assert first.facts[0].identity != last.facts[0].identity

    def test_a_link_to_the_patient_who_replaces_is_a_merge(self) -> None:
        link = [{"type": "replaced-by", "other": {"reference": "Patient/p2"}}]
        second = changed(
            PATIENT, id="p2", identifier=[{"system": "urn:oid:1.2.3", "value": "4712"}]
        )

        old, _ = told(bundle(changed(PATIENT, link=link), second), BERLIN, server=EHR)

        kept, retired = (PatientIdentifier(v, "urn:oid:1.2.3") for v in ("4712", "4711"))
        assert Merge(kept, retired) in old.merges
        assert Merge(PatientIdentifier("p2", EHR), PatientIdentifier("p1", EHR)) in old.merges

    def test_an_id_of_a_server_is_never_a_number_of_the_hospital(self) -> None:
        alone = changed(POTASSIUM, subject={"reference": "Patient/77"})
        (one,) = told(bundle(alone), BERLIN)

        assert one.person == Person((PatientIdentifier("77", "Patient.id"),))

    def test_a_correction_is_known_whether_its_patient_comes_with_it_or_not(self) -> None:
        entry = {"resource": PATIENT, "fullUrl": f"{EHR}/Patient/p1"}
        whole = {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [entry, {"resource": POTASSIUM, "fullUrl": f"{EHR}/Observation/o1"}],
        }
        (first,) = told(json.dumps(whole).encode(), BERLIN)
        (later,) = told(json.dumps(changed(POTASSIUM, status="corrected")).encode(), BERLIN)

        assert first.facts[0].identity == later.facts[0].identity


class TestObservations:
    def test_a_value_is_a_measurement(self) -> None:
        found = fact(POTASSIUM)

        assert isinstance(found, MeasurementFact)
        assert (found.code, found.system, found.display) == ("2823-3", "LOINC", "Potassium")
        assert (found.value, found.unit, found.status) == ("5.4", "mmol/L", "final")
        assert found.time.isoformat() == "2024-05-31T12:00:00+02:00"
        assert found.issued
        assert found.issued.isoformat() == "2024-05-31T12:40:00+02:00"
        assert found.place == "entry[1] Observation"

    @pytest.mark.parametrize(
        ("quantity", "value", "unit"),
        [
            ('{"value": 5.40, "unit": "mmol/l"}', "5.40", "mmol/l"),
            ('{"value": 5, "code": "X", "system": "urn:x", "unit": "cells"}', "5", "cells"),
            ('{"value": 0.1, "comparator": "<", "unit": "mg/L"}', "<0.1", "mg/L"),
            ('{"value": 1E+2}', "1E+2", ""),
        ],
    )
    def test_numbers_keep_their_digits(self, quantity: str, value: str, unit: str) -> None:
        data = bundle(PATIENT, changed(POTASSIUM, valueQuantity="HERE"))
        (one,) = told(data.replace(b'"HERE"', quantity.encode()), BERLIN)

        found = one.facts[0]
        assert isinstance(found, MeasurementFact)
        assert (found.value, found.unit) == (value, unit)

    @pytest.mark.parametrize(
        ("element", "value", "text"),
        [
            ("valueCodeableConcept", concept("260373001", "Detected", SNOMED), "Detected"),
            ("valueCodeableConcept", {"text": "weakly positive"}, "weakly positive"),
            ("valueString", " 11.2 ", "11.2"),
            ("valueInteger", 7, "7"),
        ],
    )
    def test_other_values_are_texts(self, element: str, value: Any, text: str) -> None:
        found = fact(changed(POTASSIUM, "valueQuantity", **{element: value}))

        assert (found.value, found.unit) == (text, "")

    @pytest.mark.parametrize(
        ("element", "value"),
        [
            ("valueBoolean", True),
            ("valueRatio", {"numerator": {"value": 1}}),
            ("valueQuantity", {"unit": "mmol/L"}),
            ("valueQuantity", {"value": "5.4"}),
            ("valueQuantity", "5.4"),
            ("valueCodeableConcept", {}),
            ("valueString", 5),
        ],
    )
    def test_values_that_are_not_read_are_refused(self, element: str, value: Any) -> None:
        resource = changed(POTASSIUM, "valueQuantity", **{element: value})

        assert places(resource) == [f"entry[1] Observation.{element}"]

    def test_no_value_needs_a_reason(self) -> None:
        bare = changed(POTASSIUM, "valueQuantity")

        assert places(bare) == ["entry[1] Observation.value"]
        one = read(changed(bare, dataAbsentReason=concept("unknown")))
        assert (one.facts, one.refused) == ((), ())
        assert one.unused == (("Observation with a reason for having no value", 1),)

    def test_each_component_is_a_measurement_of_its_own(self) -> None:
        pressure = changed(
            POTASSIUM,
            "valueQuantity",
            code=concept("85354-9", "Blood pressure panel"),
            component=[
                {"code": concept("8480-6", "Systolic"), "valueQuantity": {"value": 120}},
                {"code": concept("8462-4", "Diastolic"), "valueQuantity": {"value": 80}},
                {"code": concept("8478-0", "Mean"), "dataAbsentReason": concept("unknown")},
                {"code": concept("8478-0", "Mean")},
            ],
        )

        one = read(pressure)

        measured = [f for f in one.facts if isinstance(f, MeasurementFact)]
        assert [(f.code, f.value) for f in measured] == [("8480-6", "120"), ("8462-4", "80")]
        assert len({f.identity for f in measured}) == 2
        assert measured[1].place == "entry[1] Observation.component[1]"
        assert places(pressure) == ["entry[1] Observation.component[3].value"]
        assert dict(one.unused) == {
            "Observation of members or components": 1,
            "Observation with a reason for having no value": 1,
        }

    @pytest.mark.parametrize(
        ("status", "read_as"),
        [
            ("preliminary", "preliminary"),
            ("final", "final"),
            ("amended", "corrected"),
            ("corrected", "corrected"),
            ("cancelled", "cancelled"),
            ("entered-in-error", "cancelled"),
        ],
    )
    def test_a_status_says_what_became_of_it(self, status: str, read_as: str) -> None:
        first, later = fact(POTASSIUM), fact(changed(POTASSIUM, status=status))

        assert later.status == read_as
        assert first.identity == later.identity

    def test_a_status_that_says_nothing_is_refused(self) -> None:
        assert places(changed(POTASSIUM, status="unknown")) == ["entry[1] Observation.status"]
        assert read(changed(POTASSIUM, status="registered")).unused == (
            ("Observation without a result", 1),
        )

    def test_a_cancelled_one_needs_no_value_and_no_time(self) -> None:
        bare = changed(POTASSIUM, "valueQuantity", "effectiveDateTime", status="entered-in-error")

        assert fact(bare).value == ""

    @pytest.mark.parametrize(
        ("effective", "time"),
        [
            ({"effectiveDateTime": "2024-05-31"}, "2024-05-31T00:00:00+02:00"),
            ({"effectiveInstant": "2024-05-31T12:00:00.5Z"}, "2024-05-31T12:00:00.500000+00:00"),
            (
                {"effectivePeriod": {"start": "2024-05-30T08:00:00Z", "end": "2024-05-31T08:00Z"}},
                "2024-05-31T08:00:00+00:00",
            ),
            ({"effectivePeriod": {"start": "2024-05-30"}}, "2024-05-30T00:00:00+02:00"),
        ],
    )
    def test_the_time_is_that_of_the_measurement(self, effective: Json, time: str) -> None:
        found = fact(changed(POTASSIUM, "effectiveDateTime", **effective))

        assert found.time.isoformat() == time

    @pytest.mark.parametrize("time", ["2024", "2024-05", "yesterday", "9999-12-31", 5])
    def test_a_time_that_names_no_day_is_refused(self, time: Any) -> None:
        resource = changed(POTASSIUM, effectiveDateTime=time)

        assert places(resource) == ["entry[1] Observation.effective"]

    def test_what_was_told_on_a_day_was_known_at_its_end(self) -> None:
        found = fact(changed(POTASSIUM, issued="2024-05-31"))
        updated = fact(changed(POTASSIUM, "issued", meta={"lastUpdated": "2024-06-01T00:00:00Z"}))

        assert found.issued.isoformat() == "2024-05-31T23:59:59+02:00"
        assert updated.issued.isoformat() == "2024-06-01T00:00:00+00:00"

    def test_the_coding_that_is_understood_is_taken(self) -> None:
        codings = [
            {"system": "urn:lab", "code": "SAT"},
            {"system": LOINC, "code": "99999-9", "display": "a panel"},
            {"system": LOINC, "code": "59408-5", "display": "SpO2"},
        ]

        assert fact(changed(POTASSIUM, code={"coding": codings})).code == "59408-5"

    def test_a_name_alone_is_its_own_code(self) -> None:
        found = fact(changed(POTASSIUM, code={"text": "Kalium"}))

        assert (found.code, found.system) == ("Kalium", "")
        assert places(changed(POTASSIUM, code={})) == ["entry[1] Observation.code"]

    def test_the_specimen_is_looked_up(self) -> None:
        specimen = {"resourceType": "Specimen", "id": "s", "type": concept("UR", "Urine", "x")}
        observation = changed(POTASSIUM, specimen={"reference": "Specimen/s"})

        _, one = told(bundle(PATIENT, specimen, observation), BERLIN)

        assert isinstance(one.facts[0], MeasurementFact)
        assert one.facts[0].specimen == "UR"

    def test_a_meaning_that_is_changed_by_an_extension_is_refused(self) -> None:
        modified = changed(POTASSIUM, modifierExtension=[{"url": "urn:not", "valueBoolean": True}])

        assert places(modified) == ["entry[1] Observation.modifierExtension"]


class TestHistory:
    @pytest.mark.parametrize(
        ("certainty", "status", "present"),
        [
            ("confirmed", "final", True),
            ("refuted", "final", False),
            ("provisional", "preliminary", True),
            ("differential", "preliminary", True),
            ("entered-in-error", "cancelled", True),
        ],
    )
    def test_a_condition_is_as_certain_as_it_says(
        self, certainty: str, status: str, present: bool
    ) -> None:
        found = fact(changed(CONDITION, verificationStatus=concept(certainty)))

        assert isinstance(found, HistoryFact)
        assert (found.kind, found.status, found.present) == ("diagnosis", status, present)
        assert (found.code, found.system, found.display) == ("13645005", SNOMED, "COPD")
        assert found.onset
        assert found.onset.isoformat() == "2019-01-01T00:00:00+01:00"
        assert found.recorded
        assert found.recorded.isoformat() == "2019-03-04T23:59:59+01:00"

    def test_a_condition_that_is_none_is_refused(self) -> None:
        strange = changed(CONDITION, verificationStatus=concept("perhaps"))

        assert places(strange) == ["entry[1] Condition.verificationStatus"]
        assert places(changed(CONDITION, "code")) == ["entry[1] Condition.code"]

    def test_an_allergy_is_no_medicine(self) -> None:
        allergy = changed(
            CONDITION, "subject", resourceType="AllergyIntolerance", patient=CONDITION["subject"]
        )

        assert fact(allergy).kind == "allergy"
        assert not fact(changed(allergy, verificationStatus=concept("refuted"))).present

    def test_medicines_are_named_directly_or_by_reference(self) -> None:
        drug = concept("7980", "Penicillin", "http://www.nlm.nih.gov/research/umls/rxnorm")
        statement: Json = {
            "resourceType": "MedicationStatement",
            "id": "m1",
            "status": "active",
            "subject": {"reference": "Patient/p1"},
            "effectivePeriod": {"start": "2024-05-01"},
            "dateAsserted": "2024-05-02",
        }
        inside = {"resourceType": "Medication", "id": "m", "code": drug}

        named = fact(changed(statement, medicationCodeableConcept=drug))
        referred = fact(
            changed(statement, contained=[inside], medicationReference={"reference": "#m"})
        )
        shown = fact(changed(statement, medicationReference={"display": "Penicillin"}))

        assert (named.kind, named.code, named.present) == ("medicine", "7980", True)
        assert referred.code == "7980"
        assert shown.code == "Penicillin"
        assert named.onset.isoformat() == "2024-05-01T00:00:00+02:00"
        assert named.recorded.isoformat() == "2024-05-02T23:59:59+02:00"
        assert not fact(
            changed(statement, status="not-taken", medicationCodeableConcept=drug)
        ).present
        assert places(statement) == ["entry[1] MedicationStatement.medication"]
        assert places(changed(statement, status="unknown")) == [
            "entry[1] MedicationStatement.status"
        ]

    def test_orders_of_medicines_are_facts_and_plans_are_preliminary(self) -> None:
        order: Json = {
            "resourceType": "MedicationRequest",
            "id": "r1",
            "status": "active",
            "intent": "order",
            "authoredOn": "2024-05-31T08:00:00+02:00",
            "subject": {"reference": "Patient/p1"},
            "medicationCodeableConcept": {"text": "Amoxicillin"},
        }

        assert (fact(order).status, fact(order).kind) == ("final", "medicine")
        assert fact(changed(order, intent="plan")).status == "preliminary"
        assert fact(changed(order, status="cancelled")).status == "cancelled"
        assert read(changed(order, doNotPerform=True)).unused == (
            ("MedicationRequest that asks not to give", 1),
        )


def attached(text: bytes, kind: str = "text/plain") -> Json:
    return {"contentType": kind, "data": base64.b64encode(text).decode()}


REPORT: Json = {
    "resourceType": "DiagnosticReport",
    "id": "d1",
    "status": "final",
    "code": concept("18782-3", "Radiology study"),
    "subject": {"reference": "Patient/p1"},
    "issued": "2024-05-31T13:00:00+02:00",
    "presentedForm": [attached(b"Heart\r\nand lungs")],
    "conclusion": "Normal.",
}
DOCUMENT: Json = {
    "resourceType": "DocumentReference",
    "id": "t1",
    "status": "current",
    "type": concept("11506-3", "Progress note"),
    "subject": {"reference": "Patient/p1"},
    "date": "2024-05-31T13:00:00+02:00",
    "content": [{"attachment": attached("Größe".encode("latin-1"), "text/plain")}],
}


class TestTexts:
    def test_a_report_is_its_texts_and_its_conclusion(self) -> None:
        text, conclusion = (f for f in read(REPORT).facts if isinstance(f, NoteFact))

        assert (text.section, text.text) == ("findings", "Heart\nand lungs")
        assert (conclusion.section, conclusion.text) == ("impression", "Normal.")
        assert text.time.isoformat() == "2024-05-31T13:00:00+02:00"
        assert text.identity != conclusion.identity

    def test_a_report_of_results_alone_holds_no_fact(self) -> None:
        one = read(changed(REPORT, "presentedForm", "conclusion"))

        assert one.unused == (("DiagnosticReport of results alone", 1),)

    def test_a_withdrawn_report_cancels_both(self) -> None:
        first = read(REPORT).facts
        gone = read(changed(REPORT, status="entered-in-error")).facts

        assert [f.identity for f in gone] == [f.identity for f in first]
        assert [(f.status, f.text) for f in gone if isinstance(f, NoteFact)] == [
            ("cancelled", "")
        ] * 2

    def test_a_document_is_read_in_its_character_set(self) -> None:
        latin = attached("Größe".encode("latin-1"), "text/plain; charset=ISO-8859-1")

        found = fact(changed(DOCUMENT, content=[{"attachment": latin}]))

        assert (found.section, found.text, found.status) == ("Progress note", "Größe", "final")
        assert places(DOCUMENT) == ["entry[1] DocumentReference.content[0].data"]

    @pytest.mark.parametrize(
        ("attachment", "element"),
        [
            (attached(b"%PDF", "application/pdf"), "contentType"),
            ({"contentType": "text/plain", "url": "https://x/y"}, "data"),
            ({"contentType": "text/plain", "data": "no base64!"}, "data"),
            ({"contentType": "text/plain; charset=klingon", "data": "QQ=="}, "data"),
            ({}, "contentType"),
        ],
    )
    def test_what_is_no_plain_text_is_refused(self, attachment: Json, element: str) -> None:
        document = changed(DOCUMENT, content=[{"attachment": attachment}])

        assert places(document) == [f"entry[1] DocumentReference.content[0].{element}"]

    @pytest.mark.parametrize(
        ("elements", "status"),
        [
            ({"docStatus": "preliminary"}, "preliminary"),
            ({"docStatus": "amended"}, "corrected"),
            ({"status": "superseded"}, "cancelled"),
            ({"docStatus": "entered-in-error"}, "cancelled"),
        ],
    )
    def test_a_document_is_as_final_as_it_says(self, elements: Json, status: str) -> None:
        content = [{"attachment": attached(b"stable")}]

        assert fact(changed(DOCUMENT, content=content, **elements)).status == status

    def test_a_text_without_a_time_is_refused_unless_its_file_has_one(self) -> None:
        made = attached(b"stable") | {"creation": "2024-05-31T09:00:00Z"}
        undated = changed(DOCUMENT, "date", content=[{"attachment": attached(b"stable")}])

        assert places(undated) == ["entry[1] DocumentReference.date"]
        dated = fact(changed(undated, content=[{"attachment": made}]))
        assert dated.time.isoformat() == "2024-05-31T09:00:00+00:00"
        assert places(changed(REPORT, "issued")) == ["entry[1] DiagnosticReport.issued"]


class TestWhatIsSent:
    def test_ndjson_is_read_line_by_line(self) -> None:
        lines = [json.dumps(PATIENT), "{broken", json.dumps(POTASSIUM), ""]

        nobody, one = told("\n".join(lines).encode(), BERLIN)

        assert [refusal.place for refusal in nobody.refused] == ["line[2]"]
        assert [found.place for found in one.facts] == ["line[3] Observation"]

    def test_one_resource_is_read_by_itself(self) -> None:
        (one,) = told(json.dumps(POTASSIUM).encode(), BERLIN)

        assert one.facts[0].place == "Observation"

    def test_other_resources_are_counted(self) -> None:
        others = [{"resourceType": kind} for kind in ("ImagingStudy", "Encounter", "Encounter")]

        nobody, _ = told(bundle(PATIENT, *others), BERLIN)

        assert (nobody.person, nobody.refused) == (None, ())
        assert nobody.unused == (("Encounter", 2), ("ImagingStudy", 1))

    @pytest.mark.parametrize("kind", ["transaction", "batch", "searchset", "document"])
    def test_bundles_of_these_types_are_read(self, kind: str) -> None:
        (one,) = told(bundle(PATIENT, POTASSIUM, kind=kind), BERLIN)

        assert len(one.facts) == 1

    @pytest.mark.parametrize("kind", ["history", "transaction-response", "", "x"])
    def test_others_are_refused(self, kind: str) -> None:
        (one,) = told(bundle(PATIENT, kind=kind), BERLIN)

        assert [refusal.place for refusal in one.refused] == ["Bundle.type"]

    def test_nothing_is_deleted_on_request(self) -> None:
        entry = {"request": {"method": "DELETE", "url": "Observation/o1"}}
        data = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [entry, 5]})

        (one,) = told(data.encode(), BERLIN)

        assert [refusal.place for refusal in one.refused] == ["entry[0].request", "entry[1]"]

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\xff\xfe",
            b"[]",
            b"null",
            b'{"resourceType": 5}',
            b'{"resourceType": "Mustermann, Eva"}',
            b"[" * 100_000,
            b'{"a": ' + b"9" * 10_000 + b"}",
            b'{"resourceType": "Bundle", "type": "collection", "entry": NaN}',
        ],
    )
    def test_what_is_no_fhir_is_refused_without_its_words(self, data: bytes) -> None:
        (one,) = told(data, BERLIN)

        assert (one.person, one.facts) == (None, ())
        (refusal,) = one.refused
        assert refusal.place == "Bundle"
        assert "Muster" not in repr(refusal)

    def test_an_empty_bundle_tells_of_nobody(self) -> None:
        assert told(bundle(), BERLIN) == (Told(None),)

    def test_resources_without_an_id_go_by_what_they_have(self) -> None:
        bare = changed(POTASSIUM, "id")
        numbered = changed(bare, identifier=[{"system": "lis", "value": "7"}])

        same = [fact(numbered), fact(changed(numbered, status="corrected"))]
        other = fact(changed(bare, effectiveDateTime="2024-05-30T12:00:00Z"))

        assert same[0].identity == same[1].identity
        assert len({fact(bare).identity, same[0].identity, other.identity}) == 3


WHOLE = [
    PATIENT,
    POTASSIUM,
    CONDITION,
    REPORT,
    DOCUMENT,
    changed(POTASSIUM, id="x", component=[{"code": concept("8480-6"), "valueString": "1"}]),
]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_damage_to_a_bundle_is_told_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    resources = copy.deepcopy(WHOLE)
    for _ in range(rng.randint(1, 6)):
        node: Any = rng.choice(resources)
        while isinstance(node, (dict, list)) and node:
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            if rng.random() < 0.4 or not isinstance(node[key], (dict, list)):
                node[key] = rng.choice([None, 5, "", "\ud800", [], {}, [None], True, "2024", -1.5])
                break
            node = node[key]

    found = told(bundle(*resources), BERLIN)

    assert all(isinstance(one, Told) for one in found)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_told_or_refused(data: bytes) -> None:
    assert told(data, BERLIN)
