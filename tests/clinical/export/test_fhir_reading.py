"""A reading as a FHIR transaction: valid R4, and labelled by who asserted what."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fhir_validators
import pytest
import read_case
from sqlalchemy import Engine

from clinical.case.assessment import ModelIdentity
from clinical.case.held_back import LITTLE
from clinical.case.reading import Subject
from clinical.errors import ConfigError
from clinical.export import model_card
from clinical.export.fhir_reading import transaction
from clinical.export.leaving import leaving
from clinical.export.model_card import ModelCard
from clinical.model import card
from clinical.wording import RESEARCH_USE

Bundle = dict[str, Any]
Steps = Callable[[Engine, Any, str], None]
CARD = ModelCard("AImodelCardCHAIformat", "application/xml", b"<AppliedModelCard/>")


@pytest.fixture
def bundle(workspace: Engine, example: Any) -> Callable[[str], Bundle]:
    """The transaction of the example's case in one state."""

    def made(state: str) -> Bundle:
        digest, _ = example.recorded(workspace)
        read_case.STATES[state](workspace, example, digest)
        found = leaving(workspace, "case-1", [])
        return transaction(found.reading, found.subject, [CARD])

    return made


def resources(bundle: Bundle, kind: str) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == kind]


def labels(resource: dict[str, Any]) -> list[str]:
    return [label["code"] for label in resource["meta"]["security"]]


@pytest.mark.parametrize("state", read_case.STATES)
def test_it_is_valid_r4_and_every_reference_leads_somewhere(
    bundle: Callable[[str], Bundle], state: str
) -> None:
    made = bundle(state)
    assert fhir_validators.problems(made) == []
    for entry in made["entry"]:
        kind, name = entry["resource"]["resourceType"], entry["resource"]["id"]
        assert entry["request"] == {"method": "PUT", "url": f"{kind}/{name}"}
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", name)
    urls = [entry["fullUrl"] for entry in made["entry"]]
    assert len(set(urls)) == len(urls)
    assert set(re.findall(r'"reference": "([^"]+)"', json.dumps(made))) <= set(urls)


def test_what_the_model_said_is_labelled_and_has_a_device_with_its_card(
    bundle: Callable[[str], Bundle],
) -> None:
    made = bundle("unread")
    (device,), (document,) = resources(made, "Device"), resources(made, "DocumentReference")
    assert device["type"]["coding"][0]["code"] == "Artificial-Intelligence"
    assert device["identifier"][0]["value"] == "a" * 64
    assert document["category"][0]["coding"][0]["code"] == "AImodelCardCHAIformat"
    assert base64.b64decode(document["content"][0]["attachment"]["data"]) == CARD.data
    (risk,) = resources(made, "RiskAssessment")
    assert labels(risk) == ["AIAST"]
    assert [p.get("probabilityDecimal") for p in risk["prediction"]] == [0.83, 0.22, 0.004, None]
    observations = resources(made, "Observation")
    assert [labels(one) for one in observations] == [["AIAST"]] * 4
    assert observations[3]["component"][0]["dataAbsentReason"]["text"] == "withheld"
    notes = [[note["text"] for note in one["note"]] for one in observations]
    assert notes[0][0] == RESEARCH_USE
    assert notes[0][1].startswith("The main evidence for bacterial pneumonia (83%) is ")
    assert "C-reactive protein 184 mg/L (high)" in notes[0][1]
    assert [len(told) for told in notes] == [2, 1, 1, 1]  # neither what is withheld nor unlikely
    (provenance,) = resources(made, "Provenance")
    assert provenance["agent"][0]["type"]["coding"][0]["code"] == "author"
    assert len(provenance["target"]) == 5


@pytest.mark.parametrize(
    ("state", "status", "verdict", "by"),
    [
        ("unread", "preliminary", [], ["AIAST"]),
        ("accepted", "preliminary", ["accepted"], ["AIAST", "CLINAST"]),
        ("modified", "preliminary", ["modified"], ["AIAST", "CLINAST"]),
        ("rejected", "preliminary", ["rejected"], ["AIAST", "CLINAST"]),
        ("signed", "final", ["modified"], ["AIAST", "CLINAST"]),
    ],
)
def test_the_report_says_how_far_the_reading_is(
    bundle: Callable[[str], Bundle], state: str, status: str, verdict: list[str], by: list[str]
) -> None:
    made = bundle(state)
    (report,) = resources(made, "DiagnosticReport")
    assert (report["status"], labels(report)) == (status, by)
    read = [one for one in resources(made, "Observation") if labels(one) == ["CLINAST"]]
    assert [one["valueCodeableConcept"]["text"] for one in read] == verdict
    assert all(one["performer"][0]["display"] == "dr.ada" for one in read)
    assert ("resultsInterpreter" in report) == (state == "signed")
    assert "Research use only" in report["conclusion"]


def test_why_an_input_is_not_shown_as_evidence_is_in_a_note(
    workspace: Engine, example: Any
) -> None:
    example.recorded(workspace)
    found = leaving(workspace, "case-1", [])
    first, *others = found.reading.findings
    held = replace(first, held_back=(("history", LITTLE),))
    made = transaction(replace(found.reading, findings=(held, *others)), found.subject)
    notes = [note["text"] for note in resources(made, "Observation")[0]["note"]]
    assert notes[2:] == [f"Not shown as evidence: history: {LITTLE}."]
    assert fhir_validators.problems(made) == []


def test_a_signed_reading_says_what_holds_and_who_vouches_for_it(
    bundle: Callable[[str], Bundle],
) -> None:
    made = bundle("signed")
    (report,) = resources(made, "DiagnosticReport")
    assert [code["text"] for code in report["conclusionCode"]] == ["Viral pneumonia"]
    codes = {coding["code"] for coding in report["conclusionCode"][0]["coding"]}
    assert codes == {"75570004", "J12.9"}
    _, vouched = resources(made, "Provenance")
    assert vouched["agent"][0]["type"]["coding"][0]["code"] == "verifier"
    assert vouched["agent"][0]["who"]["display"] == "dr.ada"


def test_the_same_reading_is_put_to_the_same_places(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    before = leaving(workspace, "case-1", [])
    read_case.signed(workspace, example, digest)
    after = leaving(workspace, "case-1", [])
    first, again, later = (
        transaction(found.reading, found.subject) for found in (before, before, after)
    )
    assert first == again
    places = [{entry["request"]["url"] for entry in made["entry"]} for made in (first, later)]
    assert places[0] < places[1]


def test_the_film_tells_patient_order_and_study(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    film = read_case.film(tmp_path, example)
    example.recorded(workspace, read_case.case_of(film, example))
    found = leaving(workspace, "case-1", [film])
    assert found.subject == Subject(
        "MRN-77", True, "", "Müller^Jürgen", "", "M", "ACC-1", found.films[0].film.study
    )
    (report,) = resources(transaction(found.reading, found.subject), "DiagnosticReport")
    assert report["subject"]["identifier"]["value"] == "MRN-77"
    assert report["basedOn"][0]["identifier"]["value"] == "ACC-1"
    assert report["imagingStudy"][0]["identifier"]["value"].startswith("urn:oid:2.25.")


def test_the_card_of_an_installed_model_is_found_by_its_digest() -> None:
    known = card.installed()[0]
    (found,) = model_card.of_installed(ModelIdentity(known.name, known.digest, ""))
    assert found.data.decode() == known.words
    assert list(model_card.of_installed(ModelIdentity(known.name, "0" * 64, ""))) == []


def test_a_file_that_is_no_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model card"):
        model_card.from_file(tmp_path / "card.exe")
    with pytest.raises(ConfigError, match="cannot be read"):
        model_card.from_file(tmp_path / "card.md")
