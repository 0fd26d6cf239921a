"""The model card is valid by the published schema, and makes nothing up."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from finished_study import Json, manifest, metrics

from pipelines.study.applied_model_card import NAMESPACE, model_card_xml
from pipelines.study.checklists.checklist import ADD, WRITE

SCHEMA = Path(__file__).parent / "chai" / "schema.xsd"


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    """The schema, without the network: xmlschema brings the one that it imports."""
    return xmlschema.XMLSchema(SCHEMA, allow="local")


def card(found: Json | None = None, made: Json | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(model_card_xml(found or metrics(), made or manifest()))


def text(root: ElementTree.Element, path: str) -> str:
    inside = "/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/"))
    return root.findtext(inside) or ""


def results(root: ElementTree.Element, kind: str) -> dict[str, Json]:
    inside = f"{{{NAMESPACE}}}KeyMetrics/{{{NAMESPACE}}}{kind}/{{{NAMESPACE}}}Results"
    rows = root.findall(f"{inside}/{{{NAMESPACE}}}MetricResult")
    return {row[0].text or "": json.loads(row[1].text or "") for row in rows}


def test_the_card_is_valid(schema: xmlschema.XMLSchema) -> None:
    schema.validate(io.BytesIO(model_card_xml(metrics(), manifest())))


def test_the_schema_would_refuse_a_card_without_a_developer(schema: xmlschema.XMLSchema) -> None:
    xml = model_card_xml(metrics(), manifest()).decode()
    start, end = xml.index("<ModelDeveloper>"), xml.index("<DeveloperContact>")
    assert not schema.is_valid(io.BytesIO((xml[:start] + xml[end:]).encode()))


def test_a_card_of_a_study_that_could_judge_nothing_is_valid(schema: xmlschema.XMLSchema) -> None:
    found, made = metrics(), manifest()
    found["labels"] = {"rare": found["labels"]["rare"]}
    found["subgroups"] = {"groups": [], "gaps": [], "unstated": {}}
    found["coverage"], found["guards"], found["comparisons"] = {}, [], []
    found["study"]["guards"] = False
    del made["inputs"], made["study"]["settings"]
    xml = model_card_xml(found, made)
    schema.validate(io.BytesIO(xml))
    root = ElementTree.fromstring(xml)
    none = {"kind": "single", "value": None}
    assert results(root, "FairnessEquity") == {"Gaps between groups, none compared": none}
    assert results(root, "SafetyReliability")["Guards that fired"] == none
    assert results(root, "UsefulnessUsabilityEfficacy")["AUROC (rare), not defined"] == none


def test_figures_are_those_of_the_study() -> None:
    root = card()
    useful = results(root, "UsefulnessUsabilityEfficacy")
    assert useful["AUROC (heart failure)"] == {
        "kind": "estimate_ci",
        "estimate": 0.8,
        "lower": 0.7,
        "upper": 0.9,
        "level": 95,
    }
    assert results(root, "FairnessEquity")["Gap by sex, auroc (heart failure)"]["estimate"] == 0.2
    assert results(root, "SafetyReliability")["Guards that fired"]["value"] == 1
    assert text(root, "KeyMetrics/UsefulnessUsabilityEfficacy/Interpretation").startswith(
        metrics()["verdict"]["sentence"]
    )


def test_what_only_a_person_knows_is_left_to_a_person() -> None:
    root = card()
    assert text(root, "BasicInfo/ModelDeveloper").startswith(WRITE)
    assert text(root, "TrustIngredients/TransparencyInformation/FundingSource").startswith(WRITE)
    assert ADD in text(root, "UsesAndDirections/TargetedPatientPopulation")
    assert text(root, "Bibliography").startswith("@comment{")


def test_the_notice_is_on_top_and_in_the_summary() -> None:
    assert b"<!-- Research use only." in model_card_xml(metrics(), manifest())[:200]
    assert text(card(), "ModelSummary/Summary").startswith("Research use only.")


def test_names_become_neither_tags_nor_links_nor_broken_xml() -> None:
    found, made = metrics(), manifest()
    found["study"]["name"] = "<b>[x](http://a.b)\x07 & co"
    made["cohort"]["name"] = "]]> <script>"
    root = card(found, made)
    assert text(root, "BasicInfo/ModelName") == "Triptych, study “\\<b>[x]\\(http://a.b)� & co”."
    assert "\\<script>" in text(root, "ModelSummary/Summary")


def test_the_same_study_gives_the_same_bytes() -> None:
    later = manifest()
    later["times"] = {"judge": 77.0}
    assert model_card_xml(metrics(), manifest()) == model_card_xml(metrics(), later)
