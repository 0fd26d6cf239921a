"""`model_card.xml`: the applied model card of the Coalition for Health AI, schema v0.2 (2024).

Namespace https://mc.chai.org/v0.2/schema.xsd. What a study cannot know stands in its element as
something that a person must write; no element is made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from clinical.wording import RESEARCH_USE, words
from pipelines.folds.methods import AS_THEY_ARE, OURS
from pipelines.study.checklists.checklist import ADD, WRITE
from pipelines.study.checklists.facts import FACTS
from pipelines.study.checklists.finished import Finished, Row

FILE = "model_card.xml"
NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"

Said = tuple[str, str]
"""Names of facts, and what a person has to write besides; either may be empty."""

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_BASIC: Mapping[str, Said] = {
    "ModelName": ("model_name", ""),
    "ModelDeveloper": ("", "Name who answers for the model."),
    "DeveloperContact": ("", "Give an address for questions."),
}
_RELEASE: Mapping[str, Said] = {
    "ReleaseStage": ("research_use", "Say whether a model was released at all."),
    "ReleaseDate": ("", "Give the date of release."),
    "ReleaseVersion": ("code", "Name the trained model that this card is for."),
    "GlobalAvailability": ("research_use", "Say where it can be had."),
    "RegulatoryApproval": ("research_use", "Say whether any authority has looked at it."),
}
_SUMMARY = "research_use title verdict"
_USES: Mapping[str, Said] = {
    "IntendedUseAndWorkflow": ("research_use", "Say what it is meant for, if for more."),
    "PrimaryIntendedUsers": ("", "Say who is meant to use it."),
    "HowToUse": ("output", "Say how it is used, and what has to be checked by whom."),
    "TargetedPatientPopulation": (
        "eligibility",
        "Say for which patients it is meant; these are the ones it was studied in.",
    ),
    "CautionedOutOfScopeSettings": ("research_use", "Name patients and settings to keep out."),
}
_WARNINGS: Mapping[str, Said] = {
    "KnownRisksAndLimitations": ("limits guards", "Add what is known from elsewhere."),
    "KnownBiasesOrEthicalConsiderations": ("subgroups gaps", "Say what this means for patients."),
    "ClinicalRiskLevel": ("research_use", "Judge the risk of a wrong output."),
}
_FACTS: Mapping[str, Said] = {
    "OutcomesAndOutputs": ("output outcomes", ""),
    "ModelType": ("model_settings", "Describe the network, or cite where it is described."),
    "FoundationModels": ("", "Name networks that were trained elsewhere, and on what."),
    "InputDataSource": ("cohort_source sites", "Say where, when and how data were gathered."),
    "OutputAndInputDataTypes": ("inputs output_kind", "Define every variable among the inputs."),
    "DevelopmentDataCharacterization": (
        "flow groups missing",
        "Add dates, setting, and whom the cohort stands for.",
    ),
    "BiasMitigationApproaches": (
        "gap_method guard_method",
        "Say what was done about what the gaps and the guards show.",
    ),
    "OngoingMaintenance": ("", "Say who watches and updates it, and how often."),
    "Security": ("", "Say how data and model are protected where it runs."),
    "Transparency": ("code study_file data files_kept", ""),
}
_TRANSPARENCY: Mapping[str, Said] = {
    "FundingSource": ("", "Name the funders."),
    "ThirdPartyInformation": ("software", "Name parts of others that matter."),
    "StakeholdersConsulted": ("", "Say who was asked, patients included."),
}
_METRICS: Mapping[str, Mapping[str, Said]] = {
    "UsefulnessUsabilityEfficacy": {
        "MetricGoal": ("objective", ""),
        "Interpretation": ("verdict operating", ""),
        "TestType": ("retrospective", ""),
        "TestingDataDescription": ("size", ""),
        "ValidationProcessAndJustification": ("split uncertainty", ""),
    },
    "FairnessEquity": {
        "MetricGoal": ("gap_method", ""),
        "Interpretation": ("gaps", "Say what gaps mean for patients."),
        "TestType": ("retrospective", ""),
        "TestingDataDescription": ("groups", "Add groups that the cohort does not state."),
        "ValidationProcessAndJustification": ("split gap_method", ""),
    },
    "SafetyReliability": {
        "MetricGoal": ("guard_method measures", ""),
        "Interpretation": ("calibration sets guards", "Say what errors mean for patients."),
        "TestType": ("retrospective", ""),
        "TestingDataDescription": ("size by_inputs", ""),
        "ValidationProcessAndJustification": ("split threshold_cases recalibration", ""),
    },
}
_RESOURCES: Mapping[str, Said] = {
    "EvaluationReferences": ("predictions", "Cite evaluations of the effect on patients."),
    "ClinicalTrial": ("", "Name trials, or say that there are none."),
    "PeerReviewedPublications": ("", "Cite publications, or say that there are none."),
    "PatientConsentOrDisclosure": ("", "Say what patients consented to or were told."),
}


def model_card_xml(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> bytes:
    """The card of a finished study as XML, the same bytes in every rerun.

    Args:
        metrics: `metrics.json` (`pipelines.study.metrics_json`).
        manifest: `manifest.json` (`pipelines.study.manifest`).
    """
    study = Finished(metrics, manifest)
    card = Element("AppliedModelCard", xmlns=NAMESPACE)
    _section(card, "BasicInfo", _BASIC, study)
    _section(card, "ReleaseInfo", _RELEASE, study)
    summary = SubElement(card, "ModelSummary")
    _text(summary, "Summary", _told(study, (_SUMMARY, "")))
    keywords = SubElement(summary, "Keywords")
    for name in study.labels:
        _text(keywords, "Keyword", words(name))
    _section(card, "UsesAndDirections", _USES, study)
    _section(card, "Warnings", _WARNINGS, study)
    trust = SubElement(card, "TrustIngredients")
    _section(trust, "AISystemFacts", _FACTS, study)
    _section(trust, "TransparencyInformation", _TRANSPARENCY, study)
    key = SubElement(card, "KeyMetrics")
    results = {
        "UsefulnessUsabilityEfficacy": _useful(study),
        "FairnessEquity": _fair(study),
        "SafetyReliability": _safe(study),
    }
    for name, said in _METRICS.items():
        _metric(key, name, said, results[name], study)
    _section(card, "Resources", _RESOURCES, study)
    # The schema wants BibTeX here, which has a form for remarks.
    _text(card, "Bibliography", f"@comment{{{WRITE} Add the literature as BibTeX.}}")
    ElementTree.indent(card, " ")
    body: str = ElementTree.tostring(card, encoding="unicode")
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {RESEARCH_USE} -->\n'
    return f"{head}{body}\n".encode()


def _section(parent: Element, name: str, said: Mapping[str, Said], study: Finished) -> Element:
    section = SubElement(parent, name)
    for element, one in said.items():
        _text(section, element, _told(study, one))
    return section


def _told(study: Finished, said: Said) -> str:
    """What facts say, and below it what a person has to write."""
    names, rest = said
    told = [text for text in (FACTS[name](study) for name in names.split()) if text]
    if rest:
        told.append(f"{ADD if told else WRITE} {rest}")
    elif not told:
        told.append(f"{WRITE} The study does not say.")
    return "\n\n".join(told)


def _text(parent: Element, name: str, text: str) -> None:
    """An element whose text readers may take for Markdown: it holds neither tags nor links."""
    safe = text.replace("<", "\\<").replace("](", "]\\(")
    SubElement(parent, name).text = _NO_XML.sub("�", safe)


Result = tuple[str, Row]


def _metric(
    parent: Element, name: str, said: Mapping[str, Said], results: Sequence[Result], study: Finished
) -> None:
    metric = SubElement(parent, name)
    for element, one in said.items():
        _text(metric, element, _told(study, one))
        if element == "MetricGoal":
            rows = SubElement(metric, "Results")
            for label, value in results:
                row = SubElement(rows, "MetricResult")
                _text(row, "Label", label)
                SubElement(row, "ValueJson").text = json.dumps(value, separators=(",", ":"))


def _estimate(label: str, found: Row) -> Result:
    """A figure with its 95% interval, in the form that published cards use."""
    if found["value"] is None:
        return f"{label}, not defined", _single(None)
    return label, {
        "kind": "estimate_ci",
        "estimate": found["value"],
        "lower": found["low"],
        "upper": found["high"],
        "level": 95,
    }


def _single(value: float | None) -> Row:
    return {"kind": "single", "value": value}


def _useful(study: Finished) -> list[Result]:
    macro = study.metrics["macro"][OURS]
    found = [_estimate("Macro AUROC", macro["auroc"])]
    for name, label in study.labels.items():
        own, point, said = label["methods"][OURS], label["operating_point"], words(name)
        found.append(_estimate(f"AUROC ({said})", own["auroc"]))
        found.append(_estimate(f"Average precision ({said})", own["average_precision"]))
        if point["thresholds"]:
            shares = ("sensitivity", "specificity", "ppv", "npv")
            found += [_estimate(f"{share} ({said})", point[share]) for share in shares]
    return found


def _fair(study: Finished) -> list[Result]:
    gaps = study.metrics["subgroups"]["gaps"]
    if not gaps:
        return [("Gaps between groups, none compared", _single(None))]
    return [
        _estimate(f"Gap by {gap['column']}, {gap['figure']} ({words(gap['label'])})", gap["size"])
        for gap in gaps
    ]


def _safe(study: Finished) -> list[Result]:
    fired = sum(bool(row.get("fires")) for row in study.metrics["guards"])
    known = study.study["guards"]
    found = [("Guards that fired", _single(fired if known else None))]
    for name, label in study.labels.items():
        use = label["use"][OURS]
        found.append(_estimate(f"Calibration error ({words(name)})", use["error"]))
        found.append(_estimate(f"Calibration slope ({words(name)})", use["weak"]["slope"]))
    covered = study.metrics["coverage"].get(AS_THEY_ARE)
    if covered is not None:
        found.append(_estimate("Coverage of prediction sets", covered["share"]))
    return found
