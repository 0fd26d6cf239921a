"""The FHIR Bundle: valid R4, and the same as the ledger says."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import fhir_validators
import fhirkit
import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.export.bundle import export
from clinical.review import decisions as decisions_rules
from clinical.review import progress
from clinical.review import signature as signature_rules

GOLDEN = Path(__file__).with_name("golden_fhir.json")


@pytest.fixture
def made(workspace: Engine, example: Any, tmp_path: Path) -> bytes:
    digest, _ = example.recorded(workspace)
    decision = example.decision(digest, comment="肺炎", action="reject", reason="other")
    decisions_rules.decide(workspace, decision)
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(example.reader)
    at = example.noon + timedelta(minutes=9)
    decisions = signature_rules.decisions_digest(mine)
    signature = signature_rules.Signature("case-1", digest, example.reader, "reader", decisions, at)
    signature_rules.sign(workspace, signature)
    export(workspace, tmp_path / "record.zip", actor="auditor", time=example.noon)
    with zipfile.ZipFile(tmp_path / "record.zip") as archive:
        return archive.read("fhir/bundle.json")


def resources(made: bytes, kind: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in json.loads(made)["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def test_it_is_valid_r4(made: bytes) -> None:
    assert fhirkit.FHIR_VERSION.startswith("4.0")
    assert fhir_validators.problems(made) == []


@pytest.mark.parametrize(
    ("element", "value"), [("recorded", "yesterday"), ("type", None), ("agent", {}), ("told", 1)]
)
def test_each_validator_would_say_so(made: bytes, element: str, value: object) -> None:
    event = resources(made, "AuditEvent")[0]
    wrong = {name: held for name, held in {**event, element: value}.items() if held is not None}
    assert fhir_validators.of_models(event) == []
    assert element in str(fhir_validators.of_models(wrong))
    assert element in str([str(issue) for issue in fhirkit.validate(wrong)])


def test_control_characters_are_shown_by_their_pictures(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    """FHIR R4, data types: a string has no code point below 32 but tab and the two line ends."""
    example.recorded(workspace, example.case("a\0b\x1bc\x7f\ufffe\td"))
    export(workspace, tmp_path / "record.zip", actor="auditor", time=example.noon)
    with zipfile.ZipFile(tmp_path / "record.zip") as archive:
        made = archive.read("fhir/bundle.json")
    assert fhir_validators.problems(made) == []
    assert not re.search(r"\\u00[01]|\x7f|\ufffe", made.decode())
    (assessment,) = resources(made, "RiskAssessment")
    assert assessment["encounter"]["identifier"]["value"] == "a␀b␛c␡\N{REPLACEMENT CHARACTER}\td"
    assert [tag["code"] for tag in assessment["meta"]["tag"]] == ["control-characters-shown"]
    (device,) = resources(made, "Device")
    assert "meta" not in device


def test_every_event_is_an_audit_event_and_every_reference_leads_somewhere(made: bytes) -> None:
    kinds = [e["subtype"][0]["code"] for e in resources(made, "AuditEvent")]
    assert kinds == ["ASSESSED", "OPENED", "DECIDED", "SIGNED", "TIMED"]
    urls = [entry["fullUrl"] for entry in json.loads(made)["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(re.findall(r'"reference": "([^"]+)"', made.decode())) <= set(urls)
    activities = [p["activity"]["text"] for p in resources(made, "Provenance")]
    assert activities == ["reject bacterial_pneumonia", "signed as reader: reviewed"]


def test_a_withheld_number_is_not_in_it(made: bytes) -> None:
    (assessment,) = resources(made, "RiskAssessment")
    given = [p.get("probabilityDecimal") for p in assessment["prediction"]]
    assert given == [0.83, 0.22, 0.004, None]
    assert assessment["prediction"][3]["qualitativeRisk"] == {"text": "withheld"}


def test_no_comment_and_no_note_is_in_it(made: bytes) -> None:
    text = made.decode()
    assert "肺炎" not in text
    assert "Cough" not in text


def test_the_bundle_of_one_small_case_is_as_it_was_looked_at(made: bytes, tmp_path: Path) -> None:
    # The comment is salted and the clock runs, so hashes and some times are new each time.
    text = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", made.decode())
    text = re.sub(r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:<uuid>", text)
    text = re.sub(r'"recorded": "20(?!25)[^"]*"', '"recorded": "<now>"', text)
    (tmp_path / "new.json").write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"look at {tmp_path / 'new.json'}"
