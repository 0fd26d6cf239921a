"""FHIR resources in JSON: what they hold, as far as a case could use it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.terms import loinc
from pipelines.checking.findings import Counted, ranked
from pipelines.checking.measurements import Value

LOINC = "http://loinc.org"
SYSTEMS = {
    LOINC: "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/cvx": "CVX",
}


@dataclass(frozen=True)
class ResourcesFound:
    """All resources of a folder.

    Attributes:
        files, broken: JSON files, and those that are no FHIR resource.
        kinds: resources of each type.
        without_value: observations that hold no number.
        systems: codings of conditions, by code system.
        patients: different subjects.
    """

    files: int = 0
    broken: int = 0
    kinds: tuple[Counted, ...] = ()
    without_value: int = 0
    systems: tuple[Counted, ...] = ()
    patients: int = 0


def resources(path: Path) -> Iterator[dict[str, Any]]:
    """The resources of a file, those of a bundle one by one; nothing where it is no FHIR."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return
    if not isinstance(data, dict) or not isinstance(data.get("resourceType"), str):
        return
    entries = data.get("entry") if data["resourceType"] == "Bundle" else None
    if not isinstance(entries, list):
        yield data
        return
    for entry in entries:
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("resourceType"), str):
            yield inner


def read(paths: list[Path]) -> tuple[ResourcesFound, list[Value]]:
    """What the files hold, and the measurements among it."""
    kinds, systems = Counter[str](), Counter[str]()
    values: list[Value] = []
    subjects: set[str] = set()
    broken = without = 0
    for path in paths:
        found = list(resources(path))
        broken += not found
        for one in found:
            kinds[one["resourceType"]] += 1
            subjects.add(_reference(one))
            if one["resourceType"] == "Observation":
                told = list(observed(one))
                values += told
                without += not told
            elif one["resourceType"] == "Condition":
                for coding in _codings(one.get("code")):
                    systems[SYSTEMS.get(str(coding.get("system")), "another system")] += 1
    told_of = len(subjects - {""})
    return (
        ResourcesFound(len(paths), broken, ranked(kinds), without, ranked(systems), told_of),
        values,
    )


def observed(resource: dict[str, Any]) -> Iterator[Value]:
    """The numbers of an Observation and of its components, each with its LOINC code or name."""
    when = str(resource.get("effectiveDateTime") or "")
    who = _reference(resource)
    components = resource.get("component")
    for part in (resource, *(components if isinstance(components, list) else ())):
        quantity = part.get("valueQuantity") if isinstance(part, dict) else None
        if isinstance(quantity, dict) and "value" in quantity:
            unit = str(quantity.get("code") or quantity.get("unit") or "")
            yield Value(
                who, _name(part.get("code")), str(quantity["value"]), unit, when, table="FHIR"
            )


def _codings(concept: Any) -> list[dict[str, Any]]:
    found = concept.get("coding") if isinstance(concept, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _name(concept: Any) -> str:
    """The LOINC code; of several one that is known; else the first code, or the text."""
    codes = [str(one.get("code", "")) for one in _codings(concept) if one.get("system") == LOINC]
    known = [code for code in codes if loinc.candidates(code)]
    text = str(concept.get("text", "")) if isinstance(concept, dict) else ""
    return next(iter([*known, *codes]), text)


def _reference(resource: dict[str, Any]) -> str:
    subject = resource.get("subject") or resource.get("patient")
    found = subject.get("reference") if isinstance(subject, dict) else ""
    return str(found or "")
