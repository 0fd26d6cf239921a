"""Clinics small enough to compute by hand: parts of the packaged table, rewritten."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.likelihoods import Condition, Likelihoods, Sign

A, B = "bacterial_pneumonia", "viral_pneumonia"
MIMIC = "bronchitis"

PACKAGED = likelihoods.load()


def condition(weight: float, kind: str = "diagnosis", **more: object) -> Condition:
    return Condition(kind=kind, display="", weight=weight, source="test", **more)


def sign(base: float, **given: float) -> Sign:
    return Sign("", "", "symptom", base, MappingProxyType(given), "test")


def clinic(intensity_spread: float = 0.0, **parts: object) -> Likelihoods:
    """One site, two diagnoses and a look-alike, nothing else unless it is given.

    Intensities are all 1 unless they have a spread.
    """
    conditions = {
        A: condition(0.2, follows={B: 0.1}),
        B: condition(0.0, follows={A: 0.3}),
        MIMIC: condition(0.4, kind="mimic"),
    }
    site = replace(PACKAGED.sites["A"], prevalence={}, measured={})
    visit = replace(
        PACKAGED.visit,
        intensity_spread=intensity_spread,
        intensity_severity=0.0,
        second_visit=0.0,
        absent_image=0.0,
        absent_measurements=0.0,
        absent_notes=0.0,
        absent_history=0.0,
    )
    empty: dict[str, object] = {"background": {}, "signs": {}, "panels": {}, "analytes": {}}
    return replace(
        PACKAGED,
        visit=visit,
        sites={"A": site},
        **{**empty, "image": {}, "conditions": conditions, **parts},
    )


SETS = {
    frozenset({A}): ("A alone",),
    frozenset({B}): ("B alone",),
    frozenset({A, B}): ("both",),
    frozenset({MIMIC}): ("neither",),
}


def prior() -> dict[frozenset[str], float]:
    """The sets of `clinic` by hand: A draws B with 0.3, B draws A with 0.1."""
    from math import exp

    weights = {A: exp(0.2), B: exp(0.0), MIMIC: exp(0.4)}
    total = sum(weights.values())
    a, b, mimic = (weights[name] / total for name in (A, B, MIMIC))
    return {
        frozenset({A}): a * 0.7,
        frozenset({B}): b * 0.9,
        frozenset({A, B}): a * 0.3 + b * 0.1,
        frozenset({MIMIC}): mimic,
    }


def labels(joint: dict[frozenset[str], float]) -> dict[str, float]:
    """Probabilities of the labels from unnormalised probabilities of the sets."""
    total = sum(joint.values())
    return {
        A: sum(p for s, p in joint.items() if A in s) / total,
        B: sum(p for s, p in joint.items() if B in s) / total,
        "none_of_these": sum(p for s, p in joint.items() if not s & {A, B}) / total,
    }
