"""The model page: installed models, which ones assessed these cases, training data and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clinical.model import calibration
from clinical.model.ages import AgeRange
from clinical.model.calibration import Support
from clinical.model.card import Card
from ui.panels import card_text, frame
from ui.state import models
from ui.state.models import Named
from ui.words import phrasing
from ui.words.markup import Markup, bar, chip, joined, table, tag

DIGITS = 16  # of a digest, enough to compare by eye
NONE_INSTALLED = "No model is installed here. Cases can still be read, without suggestions."


def render() -> None:
    """Show every installed model, and every model that assessed a case of this workspace."""
    cards = models.known()
    asked = [one.digest for one in models.asked()]
    frame.masthead("Model", f"{len(cards)} installed")
    st.html(frame.panel_title("Assessed the cases of this workspace", "as the ledger names them"))
    st.html(used(models.named(), frozenset(card.digest for card in cards)))
    if not cards:
        st.info(NONE_INSTALLED)
        return
    card = cards[0]
    if len(cards) > 1:
        card = st.selectbox("Installed", cards, format_func=lambda one: one.name, key="model")
    left, right = st.columns([42, 58], gap="small")
    with left:
        st.html(frame.panel_title(f"Model card: {card.name}", turn(card.digest, asked)))
        st.html(_text(card))
    with right:
        st.html(frame.panel_title("What it was trained on"))
        st.html(training(card.description, card.ages))
        st.html(frame.panel_title("Diagnoses", "thresholds and usual frequency in training"))
        st.html(diagnoses(card.description))
        st.html(frame.panel_title("Which inputs it supports", "on validation patients"))
        st.html(patterns(card.description))


def turn(digest: str, asked: Sequence[str]) -> str:
    """When a model is asked about a case, where that is not a matter of course."""
    if digest not in asked:
        return "not asked about new cases; kept for replay and what-if"
    return f"asked as number {asked.index(digest) + 1} of {len(asked)}" if len(asked) > 1 else ""


def used(found: tuple[Named, ...], installed: frozenset[str]) -> Markup:
    """Models by identity, how often each spoke, and whether it is the one installed here."""
    if not found:
        return tag("p", "No case of this workspace has been assessed by a model.", class_="empty")
    rows = [
        tag(
            "tr",
            tag("th", model.name, scope="row"),
            _digest(model.digest),
            _digest(model.configuration),
            tag("td", model.assessments, class_="number"),
            tag(
                "td",
                chip("installed", "good")
                if model.digest in installed
                else chip("not installed: no what-if", "warn"),
            ),
        )
        for model in found
    ]
    head = ("Model", "Identity", "Configuration", "Assessments", "Here")
    return table(head, rows, "study", "Models that assessed cases")


def _digest(digest: str) -> Markup:
    return tag("td", tag("code", digest[:DIGITS]), title=digest)


def _text(card: Card) -> Markup:
    if not card.words:
        return tag("p", "This model came without a model card.", class_="empty")
    return tag(
        "div",
        card_text.structured(card.words),
        class_="scroll-card",
        tabindex=0,
        role="region",
        aria_label="Model card",
    )


def training(description: Mapping[str, Any], ages: AgeRange) -> Markup:
    """Cohort, counts and versions, as the checkpoint states them."""
    facts = description.get("facts", {})
    cohort = description.get("study", {}).get("cohort", {})
    pairs = {
        "Cohort": f"{cohort.get('path', 'unknown')} (read by {cohort.get('source', 'unknown')})",
        "Trained on": _people(facts, "training"),
        "Calibrated on": _people(facts, "validation"),
        "Speaks of": ages.words,
        "Reads": ", ".join(description.get("modalities", ())),
        "Trained parameters": _count(facts.get("trained_parameters")),
        "Software": ", ".join(f"{k} {v}" for k, v in facts.get("versions", {}).items()),
    }
    rows = [tag("tr", tag("th", k, scope="row"), tag("td", v)) for k, v in pairs.items() if v]
    return table(("Of the training run", "As stated in the checkpoint"), rows, "study", "Training")


def _people(facts: Mapping[str, Any], part: str) -> str:
    cases, patients = facts.get(f"{part}_cases"), facts.get(f"{part}_patients")
    known = cases and patients
    return f"{_count(cases)} cases of {_count(patients)} patients" if known else "unknown"


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def diagnoses(description: Mapping[str, Any]) -> Markup:
    """Prevalence, threshold and validation AUROC with all inputs, and the map to probabilities."""
    whole = "+".join(sorted(description["modalities"]))
    rows = [_diagnosis(name, description, whole) for name in description["diagnoses"]]
    head = ("Diagnosis", "Usual", "Suggested from", "AUROC, all inputs", "Calibration")
    note = tag(
        "p",
        "These figures were used to choose thresholds and calibration: they are not a test result."
        " Each set of inputs has its calibration map: probability = sigmoid(slope × logit +"
        " intercept).",
        class_="quiet",
    )
    return joined([table(head, rows, "study", "Diagnoses"), note])


def _diagnosis(name: str, description: Mapping[str, Any], whole: str) -> Markup:
    support = _support(description, whole, name)
    usual, threshold = description["prevalence"][name], description["thresholds"][name]
    known = support is not None and support.auroc is not None
    return tag(
        "tr",
        tag("th", phrasing.named(name), scope="row"),
        tag("td", bar(usual), f" {phrasing.percent(usual)}", class_="number"),
        tag("td", phrasing.percent(threshold), class_="number"),
        tag(
            "td",
            f"{support.auroc:.3f}" if support and support.auroc is not None else "–",
            tag("small", f" from {support.low:.3f}") if support and support.low else "",
            class_="number",
        ),
        tag(
            "td",
            f"slope {support.slope:.2f}, intercept {support.intercept:+.2f}"
            if support and known
            else "–",
            class_="number",
        ),
    )


def patterns(description: Mapping[str, Any]) -> Markup:
    """Every set of inputs: diagnoses that it supports, those withheld, and its prediction set."""
    ordered = sorted(description["support"], key=lambda key: (-key.count("+"), key))
    rows = [_pattern(key, description) for key in ordered]
    head = ("Inputs", "Shown", "Withheld, because validation did not support them", "Set")
    return table(head, rows, "study", "Availability patterns")


def _pattern(key: str, description: Mapping[str, Any]) -> Markup:
    names = tuple(key.split("+"))
    reasons = {
        name: calibration.withheld(
            _support(description, key, name), names, description["prevalence"][name]
        )
        for name in description["diagnoses"]
    }
    withheld = [phrasing.named(name) for name, reason in reasons.items() if reason is not None]
    rule = description.get("set_rules", {}).get(key)
    covered = f"{rule['coverage']:.0%} of {rule['cases']}" if rule else "none"
    return tag(
        "tr",
        tag("th", ", ".join(names), scope="row"),
        tag("td", f"{len(reasons) - len(withheld)} of {len(reasons)}", class_="number"),
        tag("td", ", ".join(withheld) or "none"),
        tag("td", covered, " pooled" if rule and rule["pooled"] else "", class_="number"),
    )


def _support(description: Mapping[str, Any], key: str, name: str) -> Support | None:
    found = description["support"].get(key, {}).get(name)
    return Support(**found) if found else None
