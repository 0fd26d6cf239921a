"""All examples of US Core are read, or refused by resource and element."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hl7_laboratory import BERLIN

from clinical.exchange.facts import Fact, HistoryFact
from clinical.exchange.fhir_told import told


def kind(fact: Fact) -> str:
    return fact.kind if isinstance(fact, HistoryFact) else type(fact).__name__


@pytest.mark.real_data
def test_each_example_is_read_or_refused_by_its_element(shared_data: Path) -> None:
    read, refused, silent = Counter[str](), Counter[str](), list[str]()
    files = sorted((shared_data / "fhir_us_core").glob("*.json"))
    for file in files:
        found = told(file.read_bytes(), BERLIN)
        read.update(kind(fact) for one in found for fact in one.facts)
        read["Person"] += json.loads(file.read_text())["resourceType"] == "Patient"
        places = [refusal.place for one in found for refusal in one.refused]
        refused.update(place.rpartition("] ")[2].partition("[")[0] for place in places)
        if not places and not any(one.facts or one.unused or one.person for one in found):
            silent.append(file.name)

    assert len(files) == 230
    assert silent == []
    assert read == {
        "MeasurementFact": 131,
        "Person": 4,
        "diagnosis": 6,
        "allergy": 4,
        "medicine": 4,
        "NoteFact": 2,
    }
    # PDF and other documents that are no plain text or are elsewhere; yes and no; a day that is
    # not known; a text that nobody dated.
    assert refused == {
        "DiagnosticReport.presentedForm": 3,
        "DocumentReference.content": 8,
        "DocumentReference.date": 1,
        "Observation.effective": 1,
        "Observation.valueBoolean": 2,
    }
