"""The record as a FHIR R4 Bundle (HL7 FHIR 4.0.1): `fhir/bundle.json`.

AuditEvent for each event that is shown (agents, patient and hash as in the pattern of IHE Basic
Audit Log Patterns; no profile is claimed), Provenance for each decision, signature and
adjudication, Device for each model, RiskAssessment for each assessment. Cases, patients and readers
are identifiers in local systems, as there is no FHIR server to refer to.

A string of FHIR holds no control characters (R4, data types, string). Identifiers and texts may:
they are shown by their pictures (U+2400 and on), and a tag of the resource says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Connection

from clinical.case.assessment import Assessment, AuditEvent, ModelIdentity, Suggestion
from clinical.errors import StoreError
from clinical.wording import RESEARCH_USE, words
from clinical.workspace import store

LOCAL = "urn:triptych:"
HL7 = "http://terminology.hl7.org/CodeSystem/"
LIFECYCLE = f"{HL7}iso-21089-lifecycle"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
MADE_BY_A_MODEL = {
    "system": f"{HL7}v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
"""Security label of what a model asserted, as AI Transparency on FHIR has it."""

Resource = dict[str, Any]

# Kind of event: (system, code, what it is called, action of AuditEvent).
_TYPES: Mapping[str, tuple[str, str, str, str]] = {
    "ASSESSED": (LIFECYCLE, "originate", "Originate/Retain Record Lifecycle Event", "C"),
    "IMPORTED": (LIFECYCLE, "receive", "Receive/Retain Record Lifecycle Event", "C"),
    "OPENED": (LIFECYCLE, "access", "Access/View Record Lifecycle Event", "R"),
    "SHOWN": (LIFECYCLE, "access", "Access/View Record Lifecycle Event", "R"),
    "SIGNED": (LIFECYCLE, "attest", "Attest Record Lifecycle Event", "C"),
    "AMENDED": (LIFECYCLE, "amend", "Amend (Update) Record Lifecycle Event", "U"),
    "EXPORTED": (DICOM, "110106", "Export", "R"),
    "SENT": (LIFECYCLE, "transmit", "Transmit Record Lifecycle Event", "R"),
    "CARD_SENT": (LIFECYCLE, "transmit", "Transmit Record Lifecycle Event", "R"),
    "CARD_ANSWERED": (LIFECYCLE, "receive", "Receive/Retain Record Lifecycle Event", "C"),
    "REPORTED": (DICOM, "110106", "Export", "R"),
    "SIGNED_IN": (DICOM, "110114", "User Authentication", "E"),
    "SIGNED_OUT": (DICOM, "110114", "User Authentication", "E"),
    "REFUSED": (DICOM, "110114", "User Authentication", "E"),
    "ACCOUNT": (DICOM, "110113", "Security Alert", "U"),
    "MODEL": (DICOM, "110113", "Security Alert", "U"),
}
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}
_NO_CHARACTERS = dict.fromkeys([*range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)
_SHOWN = _PICTURES | {0x7F: 0x2421} | _NO_CHARACTERS
"""Code points that may not be in a string, or in XML, to what stands for them."""

_SAID = {
    "system": f"{LOCAL}text",
    "code": "control-characters-shown",
    "display": "Control characters are shown by their pictures, as NUL by U+2400",
}

_OTHER = (LIFECYCLE, "originate", "Originate/Retain Record Lifecycle Event", "C")
_DECIDING = frozenset({"DECIDED", "SIGNED", "ADJUDICATED"})


def bundle(
    connection: Connection, events: Callable[[], Iterable[AuditEvent]], time: datetime
) -> Iterator[bytes]:
    """The Bundle, a resource a line, so that it is never held as a whole.

    Args:
        connection: reads the workspace.
        events: those that are shown, in order; read twice.
        time: of the export.
    """
    stamp = time.astimezone(UTC).isoformat(timespec="milliseconds")
    start = {"resourceType": "Bundle", "type": "collection", "timestamp": stamp}
    yield (json.dumps(start)[:-1] + ', "entry": [').encode()
    comma = "\n"
    for resource in _resources(connection, events):
        url = url_of(resource["resourceType"], resource["id"])
        entry = {"fullUrl": url, "resource": permitted(resource)}
        yield (comma + json.dumps(entry, ensure_ascii=False)).encode()
        comma = ",\n"
    yield b"\n]}\n"


def permitted(resource: Resource) -> Resource:
    """The resource with strings that FHIR permits; a tag says where one had to be changed."""
    shown: Resource = _shown(resource)
    if shown == resource:
        return shown
    return shown | {"meta": {**shown.get("meta", {}), "tag": [_SAID]}}


def _shown(value: Any) -> Any:
    match value:
        case str():
            return value.translate(_SHOWN)
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case list():
            return [_shown(item) for item in value]
        case _:
            return value


def _resources(
    connection: Connection, events: Callable[[], Iterable[AuditEvent]]
) -> Iterator[Resource]:
    done: set[str] = set()
    patients: dict[str, str] = {}
    for event in events():
        if event.kind == "ASSESSED":
            yield from _assessed(connection, event, done)
        if event.case_id and event.case_id not in patients:
            patients[event.case_id] = store.patient_of(connection, event.case_id) or ""
    for event in events():
        yield audit_event(event, patients.get(event.case_id, ""), done)
        if event.kind in _DECIDING:
            yield provenance(event, done)


def _assessed(connection: Connection, event: AuditEvent, done: set[str]) -> Iterator[Resource]:
    digest = str(event.payload.get("assessment"))
    if digest in done:
        return
    try:
        assessment = store.get_assessment(connection, digest)
    except StoreError:  # corrupted: the verdict and assessments.jsonl say so
        return
    done.add(digest)
    if assessment.model.digest not in done:
        done.add(assessment.model.digest)
        yield device(assessment.model)
    yield risk_assessment(assessment, digest, event.time)


def device(model: ModelIdentity) -> Resource:
    """The model that an assessment was made by."""
    return {
        "resourceType": "Device",
        "id": model.digest,
        "identifier": [identifier("model", model.digest)],
        "status": "active",
        "deviceName": [{"name": model.name, "type": "model-name"}],
        "type": {"text": "Clinical decision support model"},
        "version": [
            {"type": {"text": "weights and settings"}, "value": model.digest},
            {"type": {"text": "configuration"}, "value": model.configuration_digest},
        ],
        "note": [{"text": RESEARCH_USE}],
    }


def risk_assessment(assessment: Assessment, digest: str, time: str) -> Resource:
    """What the model suggested; a withheld number is not given."""
    notes = [RESEARCH_USE, *assessment.conflicts, *assessment.out_of_distribution.reasons]
    return {
        "resourceType": "RiskAssessment",
        "id": digest,
        "meta": {"security": [MADE_BY_A_MODEL]},
        "identifier": [identifier("assessment", digest)],
        "status": "preliminary",
        "subject": reference("Patient", "patient", assessment.patient_id),
        "encounter": reference("Encounter", "case", assessment.case_id),
        "occurrenceDateTime": time,
        "performer": {"reference": url_of("Device", assessment.model.digest)},
        "prediction": [_prediction(suggestion) for suggestion in assessment.suggestions],
        "note": [{"text": note} for note in notes],
    }


def _prediction(suggestion: Suggestion) -> Resource:
    found: Resource = {
        "outcome": {
            "coding": [{"system": f"{LOCAL}diagnosis", "code": suggestion.diagnosis}],
            "text": words(suggestion.diagnosis),
        }
    }
    if suggestion.withheld_because is not None:
        found["qualitativeRisk"] = {"text": "withheld"}
        found["rationale"] = suggestion.withheld_because
        return found
    reached = suggestion.probability >= suggestion.threshold
    found["probabilityDecimal"] = suggestion.probability
    found["qualitativeRisk"] = {"text": "suggested" if reached else "below threshold"}
    found["rationale"] = f"threshold {suggestion.threshold:g}"
    return found


def audit_event(event: AuditEvent, patient: str, known: set[str]) -> Resource:
    """One event of the ledger."""
    system, code, display, action = _TYPES.get(event.kind, _OTHER)
    entities: list[Resource] = []
    if event.case_id:
        entities.append(
            {
                "what": _target(event, known),
                "type": {"system": f"{HL7}audit-entity-type", "code": "2"},
                "role": {"system": f"{HL7}object-role", "code": "3"},
            }
        )
    if patient:
        entities.append(
            {
                "what": reference("Patient", "patient", patient),
                "type": {"system": f"{HL7}audit-entity-type", "code": "1"},
                "role": {"system": f"{HL7}object-role", "code": "1"},
            }
        )
    hashed = {"type": "ledger hash", "valueString": event.hash}
    entities.append(
        {"what": {"identifier": identifier("event", str(event.sequence))}, "detail": [hashed]}
    )
    return {
        "resourceType": "AuditEvent",
        "id": f"event-{event.sequence}",
        "type": {"system": system, "code": code, "display": display},
        "subtype": [{"system": f"{LOCAL}event-kind", "code": event.kind}],
        "action": action,
        "recorded": event.time,
        "outcome": "8" if event.kind == "REFUSED" else "0",
        "agent": [{"who": who(event.actor), "requestor": event.actor not in ("system", "receive")}],
        "source": {
            "observer": {"display": "Triptych"},
            "type": [{"system": f"{HL7}security-source-type", "code": "4"}],
        },
        "entity": entities,
    }


def provenance(event: AuditEvent, known: set[str]) -> Resource:
    """A decision, a signature or an adjudication, about the assessment it names."""
    payload = event.payload
    coding = {"system": f"{LOCAL}event-kind", "code": event.kind}
    made: Resource = {
        "resourceType": "Provenance",
        "id": f"provenance-{event.sequence}",
        "target": [_target(event, known)],
        "recorded": event.time,
        "activity": {"coding": [coding], "text": _said(event)},
        "agent": [{"who": who(event.actor)}],
        "entity": [
            {
                "role": "source",
                "what": {"identifier": identifier("event", str(event.sequence))},
            }
        ],
    }
    if payload.get("decided"):
        made["occurredDateTime"] = str(payload["decided"])
    if payload.get("reason"):
        reason = {"system": f"{LOCAL}reason", "code": str(payload["reason"])}
        made["reason"] = [{"coding": [reason]}]
    return made


def _said(event: AuditEvent) -> str:
    # The record may have been spoilt, and is exported all the same.
    payload = event.payload
    if event.kind == "DECIDED":
        instead = payload.get("replacement")
        parts = [payload.get("action", ""), payload.get("diagnosis", "")]
        parts += ["to", instead] if instead else []
        return " ".join(str(part) for part in parts)
    if event.kind == "ADJUDICATED":
        present = payload.get("present")
        names = present if isinstance(present, list) else []
        return "present: " + (" ".join(str(name) for name in names) or "none")
    return f"signed as {payload.get('role', '')}: {payload.get('meaning', '')}"


def _target(event: AuditEvent, known: set[str]) -> Resource:
    """The assessment that an event names if it is in the Bundle, or else the case."""
    digest = str(event.payload.get("assessment") or "")
    if digest in known:
        return {"reference": url_of("RiskAssessment", digest)}
    return reference("Encounter", "case", event.case_id)


def who(actor: str) -> Resource:
    """An account, by name."""
    return {"identifier": identifier("account", actor), "display": actor}


def reference(kind: str, system: str, value: str) -> Resource:
    """Something that is no resource here, by its identifier in a local system."""
    return {"type": kind, "identifier": identifier(system, value)}


def identifier(system: str, value: str) -> Resource:
    """A value of a local system."""
    return {"system": LOCAL + system, "value": value}


def url_of(kind: str, name: str) -> str:
    """The full URL by which resources of one Bundle refer to each other."""
    return f"urn:uuid:{uuid5(NAMESPACE_OID, f'{kind}/{name}')}"
