"""From the inbox to the chart: what an object became, in words without a patient."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hospital import write_film

from clinical.errors import StoreError
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart, open_chart
from clinical.exchange.inbox import Inbox, Kind, open_inbox
from clinical.exchange.taking_in import take_in

RULES = Rules(authority="HOSP")
PATIENT = "PID|1||1001^^^HOSP^MR||Test^Only||19600501|F"
HEAD = "MSH|^~\\&|LAB|HOSP|T|HOSP|20240301090000+0000||{}|7|P|2.5.1"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Inbox, Chart]]:
    with open_inbox(tmp_path / "inbox", keep_free=0) as inbox, open_chart(inbox.root) as chart:
        yield inbox, chart


def outcome(opened: tuple[Inbox, Chart], kind: Kind, data: bytes) -> str:
    """What the inbox says of an object afterwards."""
    inbox, chart = opened
    take_in(inbox.keep(kind, data, "SENDER"), inbox, chart, RULES)
    assert inbox.waiting() == ()
    aside = inbox.set_aside_list()
    return f"set aside: {aside[-1].reason}" if aside else "done"


def message(kind: str, *segments: str) -> bytes:
    return "\r".join((HEAD.format(kind), *segments)).encode()


def test_a_film_is_in_the_chart(opened: tuple[Inbox, Chart], tmp_path: Path) -> None:
    data = write_film(tmp_path / "film")
    assert outcome(opened, "dicom", data) == "done"
    (seen,) = opened[1].known("1001").films
    assert opened[1].film_file(seen).read_bytes() == data


def test_a_message_is_in_the_chart_but_for_what_it_refuses(opened: tuple[Inbox, Chart]) -> None:
    data = message(
        "ORU^R01^ORU_R01",
        PATIENT,
        "OBR|1|P1|F1|24323-8^Panel^LN|||20240301083000+0000|||||||||||||||20240301085000+0000|||F",
        "OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F|||20240301083000+0000",
        "OBX|2|ED|PDF^Report^L||^application^pdf^Base64^AAAA||||||F",
    )
    assert outcome(opened, "hl7", data) == "done"
    (heard,) = opened[1].known("1001").heard
    assert [fact.identity != "" for fact in heard.told.facts] == [True]
    assert heard.sender == "SENDER"


def test_demographics_alone_are_worth_keeping(opened: tuple[Inbox, Chart]) -> None:
    data = message("ADT^A08^ADT_A01", "EVN|A08|20240301090000+0000", PATIENT, "PV1|1|I")
    assert outcome(opened, "hl7", data) == "done"
    assert opened[1].known("1001").heard[0].told.person is not None


def test_a_bundle_of_fhir(opened: tuple[Inbox, Chart]) -> None:
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": "HOSP", "value": "1001"}],
        "gender": "female",
        "birthDate": "1960-05-01",
    }
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "effectiveDateTime": "2024-03-01T08:30:00Z",
        "issued": "2024-03-01T08:50:00Z",
        "valueQuantity": {"value": 4.1, "unit": "mmol/L"},
    }
    entries = [
        {"fullUrl": f"http://h/{one['resourceType']}/{one['id']}", "resource": one}
        for one in (patient, observation)
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    assert outcome(opened, "fhir", json.dumps(bundle).encode()) == "done"
    facts = [fact for heard in opened[1].known("1001").heard for fact in heard.told.facts]
    assert len(facts) == 1


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("dicom", b"", "The file is empty"),
        ("dicom", b"GIF89a" + bytes(400), "a GIF image, not a radiograph"),
        ("hl7", b"no message", "set aside"),
        ("hl7", message("ORU^R01^ORU_R01", "PID|1||||Test^Only"), "set aside"),
        ("fhir", b"{", "set aside"),
    ],
)
def test_what_says_nothing_of_a_patient_is_set_aside_with_a_reason(
    opened: tuple[Inbox, Chart], kind: Kind, data: bytes, why: str
) -> None:
    found = outcome(opened, kind, data)
    assert why in found
    assert len(found) > len("set aside: ")
    assert "Only" not in found


def test_the_trail_of_other_objects_is_in_the_inbox(
    opened: tuple[Inbox, Chart], tmp_path: Path
) -> None:
    path = tmp_path / "film"
    write_film(path)
    found = pydicom.dcmread(path)
    found.Modality = "CT"
    found.save_as(path)
    assert outcome(opened, "dicom", path.read_bytes()) == "done"
    assert opened[1].known("1001").films == ()


@pytest.mark.parametrize("where", ["the folder of a film", "its bytes"])
def test_a_disk_of_the_chart_that_is_full_sets_nothing_aside(
    opened: tuple[Inbox, Chart], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    inbox, chart = opened
    arrival = inbox.keep("dicom", write_film(tmp_path / "film"), "PACS")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if where == "its bytes":
            patch.setattr(os, "link", full)
            patch.setattr(shutil, "copyfile", full)
        else:
            patch.setattr(Path, "mkdir", full)
        with pytest.raises(StoreError, match="disk is full"):
            take_in(arrival, inbox, chart, RULES)
    assert inbox.waiting() == (arrival,)
    take_in(arrival, inbox, chart, RULES)
    assert (inbox.waiting(), inbox.set_aside_list()) == ((), ())
