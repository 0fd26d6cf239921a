"""A reading as a FHIR R4 transaction (HL7 FHIR 4.0.1): a DiagnosticReport and what it rests on.

The conventions are those of AI Transparency on FHIR (HL7, STU 1 ballot; no conformance is claimed):
what a model asserted is labelled AIAST, the model is a Device of type Artificial-Intelligence with
its card as a DocumentReference, and a Provenance names it as the author. What a reader made of a
suggestion is an Observation of their own, labelled CLINAST, that is derived from the model's. The
report is final only if the reading is, and a Provenance then names who vouches for it.

Resources are put by identifiers that follow from what they say, so sending twice changes nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from clinical import canonical
from clinical.case.reading import (
    Code,
    CodeSystem,
    Finding,
    Reading,
    Signed,
    Subject,
    Verdict,
)
from clinical.export import fhir
from clinical.export.fhir import HL7, LOCAL, MADE_BY_A_MODEL, Resource, url_of, who
from clinical.export.model_card import ModelCard
from clinical.review.decisions import ACTED, REASONS
from clinical.wording import RESEARCH_USE

GUIDE = "http://hl7.org/fhir/uv/aitransparency"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"

_SYSTEMS: Final[Mapping[CodeSystem, str]] = {
    "SNOMED": "http://snomed.info/sct",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "ICD-11": "http://id.who.int/icd/release/11/mms",
    "local": f"{LOCAL}diagnosis",
}
_BY_A_CLINICIAN = {
    "system": f"{HL7}v3-ObservationValue",
    "code": "CLINAST",
    "display": "clinician asserted",
}
_LOINC_REPORT = {"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}


def transaction(reading: Reading, subject: Subject, cards: Iterable[ModelCard] = ()) -> Resource:
    """The Bundle to POST to the base of a FHIR server.

    Args:
        reading: what was made of the case.
        subject: whom it is about.
        cards: of the model.
    """
    resources = _resources(reading, subject, tuple(cards))
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": reading.changed,
        "entry": [_entry(fhir.permitted(resource)) for resource in resources],
    }


def _entry(resource: Resource) -> Resource:
    kind, name = resource["resourceType"], resource["id"]
    return {
        "fullUrl": url_of(kind, name),
        "resource": resource,
        "request": {"method": "PUT", "url": f"{kind}/{name}"},
    }


def _resources(
    reading: Reading, subject: Subject, cards: tuple[ModelCard, ...]
) -> Iterator[Resource]:
    found = [(one, _name(reading, "finding", one.diagnosis)) for one in reading.findings]
    of_model = [(one, name) for one, name in found if one.state != "added"]
    if reading.model is not None:
        yield from (_card(card) for card in cards)
        yield _device(reading, cards)
        yield _risk(reading, subject)
        yield from (_suggested(reading, subject, one, name) for one, name in of_model)
        yield _by_the_model(reading, [name for _, name in of_model], cards)
    verdicts = [
        (verdict, one, name, _name(reading, "verdict", name, verdict.reader, verdict.recorded))
        for one, name in found
        for verdict in one.verdicts
    ]
    for verdict, one, name, own in verdicts:
        basis = "" if one.state == "added" else name
        yield _verdict(reading, subject, verdict, one, basis, own)
    results = [name for _, name in of_model] if reading.model else []
    yield _report(reading, subject, [*results, *(own for *_, own in verdicts)])
    yield from (_vouched(reading, signed) for signed in reading.vouched)


def _name(reading: Reading, *parts: str) -> str:
    """Identifier of a resource: the same for the same thing of the same assessment."""
    return canonical.digest([reading.case_id, reading.assessment or reading.began, *parts])


def _device(reading: Reading, cards: tuple[ModelCard, ...]) -> Resource:
    if reading.model is None:
        raise ValueError("a reading without a model has no device")
    made = fhir.device(reading.model)
    coding = {"system": f"{GUIDE}/CodeSystem/AIdeviceTypeCS", "code": "Artificial-Intelligence"}
    described = [
        {
            "url": f"{GUIDE}/StructureDefinition/aitransparency.modelCardDescription",
            "valueReference": {"reference": url_of("DocumentReference", _card_name(card))},
        }
        for card in cards
    ]
    made["meta"] = {"profile": [f"{GUIDE}/StructureDefinition/AI-Device"]}
    made["type"] = {"coding": [coding], "text": "Clinical decision support model"}
    made["manufacturer"] = "Triptych"
    return {**made, "extension": described} if described else made


def _card(card: ModelCard) -> Resource:
    system = f"{GUIDE}/CodeSystem/AIinputsCS"
    attachment = {
        "contentType": card.content_type,
        "data": base64.b64encode(card.data).decode(),
        "title": "Model card",
    }
    return {
        "resourceType": "DocumentReference",
        "id": _card_name(card),
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/AI-ModelCard"]},
        "status": "current",
        "type": {"coding": [{"system": system, "code": "AIModelCard"}]},
        "category": [{"coding": [{"system": system, "code": card.format}]}],
        "content": [{"attachment": attachment}],
    }


def _card_name(card: ModelCard) -> str:
    return canonical.sha256(card.data)


def _risk(reading: Reading, subject: Subject) -> Resource:
    return {
        "resourceType": "RiskAssessment",
        "id": reading.assessment,
        "meta": {"security": [MADE_BY_A_MODEL]},
        "identifier": [fhir.identifier("assessment", reading.assessment)],
        "status": "preliminary",
        "subject": _patient(subject),
        "occurrenceDateTime": reading.began,
        "performer": _model(reading),
        "prediction": [_prediction(one) for one in reading.findings if one.state != "added"],
        "note": [{"text": text} for text in (RESEARCH_USE, *reading.remarks)],
    }


def _prediction(found: Finding) -> Resource:
    made: Resource = {"outcome": _diagnosis(found.codes), "qualitativeRisk": {"text": found.state}}
    if found.probability is None or found.threshold is None:
        return {**made, "rationale": found.withheld_because}
    return {
        **made,
        "probabilityDecimal": found.probability,
        "rationale": f"threshold {found.threshold:g}",
    }


def _suggested(reading: Reading, subject: Subject, found: Finding, name: str) -> Resource:
    """What the model said of one diagnosis."""
    return {
        "resourceType": "Observation",
        "id": name,
        "meta": {"security": [MADE_BY_A_MODEL]},
        "status": "preliminary",
        "category": [_category()],
        "code": _diagnosis(found.codes),
        "subject": _patient(subject),
        "effectiveDateTime": reading.began,
        "device": _model(reading),
        "valueCodeableConcept": _local("algorithm-output", found.state),
        "note": [{"text": line} for line in _notes(found)],
        "component": [
            _share("probability", "Calibrated probability", found.probability),
            _share("threshold", "Threshold to suggest", found.threshold),
        ],
    }


def _notes(found: Finding) -> Iterator[str]:
    """What it may be used for, what it rests on, and what is not shown as evidence, and why."""
    yield RESEARCH_USE
    if found.rests_on:
        yield found.rests_on
    for name, reason in found.held_back:
        yield f"Not shown as evidence: {name}: {reason}."


def _share(code: str, text: str, value: float | None) -> Resource:
    named = {"coding": [{"system": f"{LOCAL}component", "code": code}], "text": text}
    if value is None:
        absent = {"system": f"{HL7}data-absent-reason", "code": "not-permitted"}
        return {"code": named, "dataAbsentReason": {"coding": [absent], "text": "withheld"}}
    return {
        "code": named,
        "valueQuantity": {"value": value, "unit": "1", "system": UCUM, "code": "1"},
    }


def _verdict(
    reading: Reading, subject: Subject, verdict: Verdict, found: Finding, basis: str, name: str
) -> Resource:
    """What a reader made of one diagnosis; `basis` is the model's Observation of it, or ""."""
    made: Resource = {
        "resourceType": "Observation",
        "id": name,
        "meta": {"security": [_BY_A_CLINICIAN]},
        "status": "final" if reading.final else "preliminary",
        "category": [_category()],
        "code": _diagnosis(found.codes),
        "subject": _patient(subject),
        "effectiveDateTime": verdict.recorded,
        "performer": [who(verdict.reader)],
        "valueCodeableConcept": _local("verdict", ACTED[verdict.action]),
    }
    if basis:
        made["derivedFrom"] = [{"reference": url_of("Observation", basis)}]
    if parts := list(_parts(verdict)):
        made["component"] = parts
    return made


def _parts(verdict: Verdict) -> Iterator[Resource]:
    if verdict.reason:
        text = REASONS.get(verdict.reason, verdict.reason)
        yield _part("reason", "Reason", {**_local("reason", verdict.reason), "text": text})
    if verdict.replacement:
        yield _part("instead", "Diagnosis in its place", _diagnosis(verdict.replacement))
    if verdict.confidence:
        yield _part("confidence", "Confidence", _local("confidence", verdict.confidence))


def _part(code: str, text: str, value: Resource) -> Resource:
    coding = [{"system": f"{LOCAL}component", "code": code}]
    return {"code": {"coding": coding, "text": text}, "valueCodeableConcept": value}


def _report(reading: Reading, subject: Subject, results: list[str]) -> Resource:
    labels = [MADE_BY_A_MODEL] if reading.model else []
    labels += [_BY_A_CLINICIAN] if reading.readers else []
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "id": _name(reading, "report"),
        "meta": {"security": labels},
        "identifier": [fhir.identifier("reading", reading.digest)],
        "status": "final" if reading.final else "preliminary",
        "category": [{"coding": [{"system": f"{HL7}v2-0074", "code": "RAD"}]}],
        "code": {"coding": [_LOINC_REPORT]},
        "subject": _patient(subject),
        "effectiveDateTime": reading.began,
        "issued": reading.changed,
        "conclusion": conclusion(reading),
    }
    if reading.vouched:
        made["resultsInterpreter"] = [who(signed.name) for signed in reading.vouched]
    if results:
        made["result"] = [{"reference": url_of("Observation", name)} for name in results]
    if reading.conclusion:
        made["conclusionCode"] = [_diagnosis(one.codes) for one in reading.conclusion]
    if subject.accession:
        order = {"coding": [{"system": f"{HL7}v2-0203", "code": "ACSN"}]}
        number = {"type": order, "value": subject.accession}
        made["basedOn"] = [{"type": "ServiceRequest", "identifier": number}]
    if subject.study:
        study = {"system": "urn:dicom:uid", "value": f"urn:oid:{subject.study}"}
        made["imagingStudy"] = [{"type": "ImagingStudy", "identifier": study}]
    return made


def conclusion(reading: Reading) -> str:
    """What holds, in one sentence, and that it is for research only."""
    if reading.vouched:
        held = ", ".join(one.codes[-1].display for one in reading.conclusion) or "none of them"
        names = ", ".join(signed.name for signed in reading.vouched)
        return f"Diagnoses that hold: {held}. Signed by {names}. {RESEARCH_USE}"
    if reading.readers:
        return f"Not signed yet: what readers decided so far may change. {RESEARCH_USE}"
    return f"Suggestions of a model that nobody has read yet. {RESEARCH_USE}"


def _by_the_model(
    reading: Reading, observations: list[str], cards: tuple[ModelCard, ...]
) -> Resource:
    targets = [("RiskAssessment", reading.assessment)]
    targets += [("Observation", name) for name in observations]
    made: Resource = {
        "resourceType": "Provenance",
        "id": _name(reading, "by the model"),
        "meta": {"profile": [f"{GUIDE}/StructureDefinition/AI-Provenance"]},
        "target": [{"reference": url_of(kind, name)} for kind, name in targets],
        "occurredDateTime": reading.began,
        "recorded": reading.began,
        "reason": [{"coding": [MADE_BY_A_MODEL]}],
        "agent": [_agent("author", _model(reading))],
    }
    used = [
        {
            "role": "derivation",
            "what": {"reference": url_of("DocumentReference", _card_name(card))},
        }
        for card in cards
    ]
    return {**made, "entity": used} if used else made


def _vouched(reading: Reading, signed: Signed) -> Resource:
    coding = {"system": fhir.LIFECYCLE, "code": "attest"}
    event = fhir.identifier("event", str(signed.event))
    return {
        "resourceType": "Provenance",
        "id": _name(reading, "vouched", str(signed.event)),
        "target": [{"reference": url_of("DiagnosticReport", _name(reading, "report"))}],
        "recorded": signed.recorded,
        "activity": {"coding": [coding], "text": f"signed as {signed.role}"},
        "agent": [_agent("verifier", who(signed.name))],
        "entity": [{"role": "source", "what": {"identifier": event}}],
    }


def _agent(role: str, whom: Resource) -> Resource:
    coding = {"system": f"{HL7}provenance-participant-type", "code": role}
    return {"type": {"coding": [coding]}, "who": whom}


def _patient(subject: Subject) -> Resource:
    if not subject.known:
        return fhir.reference("Patient", "patient", subject.patient_id)
    record = {"system": f"{HL7}v2-0203", "code": "MR"}
    number: Resource = {"type": {"coding": [record]}, "value": subject.patient_id}
    if subject.issuer:
        number["assigner"] = {"display": subject.issuer}
    return {"type": "Patient", "identifier": number}


def _model(reading: Reading) -> Resource:
    name = reading.model.digest if reading.model else ""
    return {"reference": url_of("Device", name)}


def _category() -> Resource:
    return {"coding": [{"system": f"{HL7}observation-category", "code": "imaging"}]}


def _local(system: str, value: str) -> dict[str, Any]:
    return {
        "coding": [{"system": LOCAL + system, "code": value.replace(" ", "-")}],
        "text": value,
    }


def _diagnosis(codes: Iterable[Code]) -> Resource:
    listed = tuple(codes)
    coding = [
        {"system": _SYSTEMS[code.system], "code": code.value, "display": code.display}
        for code in listed
    ]
    return {"coding": coding, "text": listed[-1].display}
