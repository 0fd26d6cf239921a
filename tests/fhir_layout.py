"""A small bulk export of FHIR R4: two stays that are decided, one that ended before."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Resource = Mapping[str, Any]


def coding(system: str, code: str, display: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def observation(number: str, who: str, time: str, code: str, value: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "id": number,
        "status": "final",
        "code": coding("http://loinc.org", code),
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": time,
        **value,
    }


def amount(value: float, unit: str, comparator: str = "") -> Resource:
    quantity = {"value": value, "code": unit, "system": "http://unitsofmeasure.org", "unit": unit}
    return {"valueQuantity": quantity | ({"comparator": comparator} if comparator else {})}


def stay(number: str, who: str, start: str, end: str, died: bool | None) -> Resource:
    way = {True: "exp", False: "home"}.get(died) if died is not None else None
    discharge = {"hospitalization": {"dischargeDisposition": coding("d", way)}} if way else {}
    return {
        "resourceType": "Encounter",
        "id": number,
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{who}"},
        "period": {"start": start, "end": end},
        "serviceProvider": {"display": "North"},
        **discharge,
    }


def condition(number: str, code: str, onset: str, recorded: str = "") -> Resource:
    told = {"recordedDate": recorded} if recorded else {}
    return {
        "resourceType": "Condition",
        "id": number,
        "verificationStatus": coding("v", "confirmed"),
        "code": coding("http://hl7.org/fhir/sid/icd-10-cm", code, "a condition"),
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": onset,
        **told,
    }


LETTER = base64.b64encode(b"Cough and fever.").decode()
FILES: Mapping[str, list[Resource]] = {
    "Encounter.ndjson": [
        stay("e1", "p1", "2024-03-01T10:00:00Z", "2024-03-09T10:00:00Z", True),
        stay("e2", "p2", "2024-03-01T10:00:00Z", "2024-03-01T20:00:00Z", False),
        stay("e3", "p2", "2024-04-01T10:00:00Z", "2024-04-09T10:00:00Z", False),
    ],
    "Patient.ndjson": [
        {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-06-01"},
        {"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "1980-06-01"},
    ],
    "Observation.ndjson": [
        observation("o1", "p1", "2024-03-01T11:00:00Z", "2160-0", amount(1.3, "mg/dL")),
        observation("o2", "p1", "2024-03-01T11:00:00Z", "1988-5", amount(5, "mg/L", "<")),
        {
            **observation("o3", "p1", "2024-03-02T09:00:00Z", "2823-3", amount(4.1, "mmol/L")),
            "issued": "2024-03-02T12:00:00Z",
        },
        observation("o4", "p1", "2024-03-05T11:00:00Z", "2160-0", amount(3.3, "mg/dL")),
        {
            **observation("o5", "p1", "2024-03-01T12:00:00Z", "2951-2", amount(99, "mmol/L")),
            "status": "entered-in-error",
        },
        observation("o6", "p2", "2024-04-01T11:00:00Z", "2160-0", amount(0.9, "mg/dL")),
    ],
    "Condition.ndjson": [
        condition("c1", "J44.9", "2015-01-01"),
        condition("c2", "J18.9", "2024-03-01"),
        condition("c3", "I50.9", "2023-01-01", "2024-03-09T10:00:00Z"),
    ],
    "DocumentReference.ndjson": [
        {
            "resourceType": "DocumentReference",
            "id": "d1",
            "status": "current",
            "type": {"text": "Admission note"},
            "subject": {"reference": "Patient/p1"},
            "date": "2024-03-01T12:00:00Z",
            "content": [{"attachment": {"contentType": "text/plain", "data": LETTER}}],
        }
    ],
}


def write_fhir(root: Path) -> None:
    for name, resources in FILES.items():
        lines = [json.dumps(one) for one in resources]
        (root / name).write_text("\n".join(lines), encoding="utf-8")
