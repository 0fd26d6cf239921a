"""What the radiograph of a visit shows: the likelihoods of findings, and where they lie.

A diagnosis that is not visible leaves no trace in the picture, and a distractor (pacemaker, leads,
old large heart, plate atelectasis) may be there without any of the diagnoses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.laboratory.simulate.examination import (
    Consolidation,
    LinearAtelectasis,
    LobarCollapse,
    Lobe,
    LungMass,
    RadiographSpec,
    Side,
    View,
    Zone,
)
from pipelines.laboratory.simulate.likelihoods import ImageFinding, Likelihoods, Site
from pipelines.laboratory.simulate.person import Person, logistic, noisy_or

ZONES: tuple[Zone, ...] = ("upper", "middle", "lower")

CONSOLIDATION_ZONES: Mapping[Zone, float] = {"upper": 0.2, "middle": 0.25, "lower": 0.55}
"""Share of consolidations in each zone."""

EXTENT_POWER = 0.7
"""Power of the intensity that the first parameter of an extent's beta distribution grows with."""

BEDSIDE_SEVERITY = 0.7
"""Log odds of a bedside radiograph for each unit of severity."""

TUBE_SEVERITY = 2.2
"""Severity above which a patient is intubated."""

LOBAR, TWO_SIDED = "bacterial_pneumonia", "heart_failure"
"""The condition that makes consolidation lobar, and the one that brings fluid to both sides."""

BOTH_SIDES = 0.65
"""Share of the effusions of heart failure that are on both sides."""


@dataclass(frozen=True)
class Pattern:
    """How consolidation looks.

    Attributes:
        density: its bounds.
        second: probability of a second patch.
        other_side: probability that it is on the other side.
        shrink: share of the extent that the first patch has.
    """

    density: tuple[float, float]
    second: float
    other_side: float
    shrink: float


PATTERNS = {
    True: Pattern((0.55, 0.95), 0.22, 0.5, 1.0),
    False: Pattern((0.3, 0.65), 0.6, 0.8, 0.75),
}
"""Lobar and dense when bacterial (True); else patchy, fainter and often on both sides."""


@dataclass(frozen=True)
class ImageFindings:
    """Visible findings and their extent in the unit of the table.

    Attributes:
        extents: finding to extent; absent findings are not keys.
        side: the side that a one-sided illness is on.
    """

    extents: Mapping[str, float]
    side: Side


def draw_findings(
    rng: np.random.Generator, causes: Mapping[str, float], side: Side, table: Likelihoods
) -> ImageFindings:
    """Draw which findings can be seen, given conditions and background illnesses."""
    extents = {}
    for key, finding in table.image.items():
        seen = rng.random() < noisy_or(finding.base, finding.given, dict.fromkeys(causes, 1.0))
        strength = max((causes[c] for c in finding.given if c in causes), default=1.0)
        extent = draw_extent(rng, finding, strength)
        if seen:
            extents[key] = extent
    if "effusion" in extents:
        extents.pop("blunting", None)
    return ImageFindings(extents, side)


def draw_extent(rng: np.random.Generator, finding: ImageFinding, strength: float) -> float:
    """Draw how large a finding is whose strongest cause has the intensity `strength`."""
    shape = finding.extent
    share = rng.beta(shape["a"] * strength**EXTENT_POWER, shape["b"])
    return float(shape["low"] + (shape["high"] - shape["low"]) * share)


def draw_radiograph(
    rng: np.random.Generator,
    person: Person,
    findings: ImageFindings,
    conditions: Mapping[str, float],
    severity: float,
    site: Site,
) -> RadiographSpec:
    """Place the findings and draw the projection; sicker patients are radiographed in bed (AP)."""
    extents, side = findings.extents, findings.side
    bedside = logistic(np.log(site.bedside / (1 - site.bedside)) + BEDSIDE_SEVERITY * severity)
    view: View = "AP" if rng.random() < bedside else "PA"
    slack = 1.5 if view == "AP" else 1.0
    effusion = _effusions(rng, extents, side, conditions)
    collapse = extents.get("pneumothorax", 0.0)
    heart = extents.get("enlarged_heart", float(np.clip(rng.normal(0.445, 0.03), 0.36, 0.51)))
    return RadiographSpec(
        sex=person.sex,
        age_years=round(person.age_years, 1),
        bmi=round(person.bmi, 1),
        view=view,
        rotation_deg=round(float(np.clip(rng.normal(0, 1.6 * slack), -8, 8)), 2),
        inspiration=round(float(np.clip(rng.normal(0.92 - 0.12 * (slack - 1), 0.07), 0.6, 1)), 3),
        kvp=float(site.kvp if view == "PA" else site.kvp - 22),
        cardiothoracic_ratio=round(heart, 3),
        consolidations=_consolidations(rng, extents, side, conditions),
        interstitial=round(extents.get("interstitial", 0.0), 3),
        edema=round(extents.get("edema", 0.0), 3),
        effusion_left=effusion["left"],
        effusion_right=effusion["right"],
        pneumothorax_left=round(collapse, 3) if side == "left" else 0.0,
        pneumothorax_right=round(collapse, 3) if side == "right" else 0.0,
        hyperinflation=round(extents.get("hyperinflation", 0.0), 3),
        atelectasis=_atelectasis(rng, extents),
        masses=_masses(rng, extents),
        collapses=_collapses(rng, extents, side),
        pacemaker="pacemaker" in extents,
        ecg_leads="ecg_leads" in extents,
        central_line="central_line" in extents,
        tube=severity > TUBE_SEVERITY,
        scanner=f"{site.scanner} {view} {int(rng.integers(site.rooms))}",
    )


def _consolidations(
    rng: np.random.Generator,
    extents: Mapping[str, float],
    side: Side,
    conditions: Mapping[str, float],
) -> tuple[Consolidation, ...]:
    """One or two patches in the pattern of the illness."""
    if "consolidation" not in extents:
        return ()
    extent = extents["consolidation"]
    pattern = PATTERNS[LOBAR in conditions]
    density = float(rng.uniform(*pattern.density))
    patches = [(side, _zone(rng))]
    if rng.random() < pattern.second:
        second = _other(side) if rng.random() < pattern.other_side else side
        patches.append((second, _zone(rng)))
    return tuple(
        Consolidation(s, zone, round(extent * pattern.shrink * (0.7**i), 3), round(density, 3))
        for i, (s, zone) in enumerate(dict.fromkeys(patches))
    )


def _effusions(
    rng: np.random.Generator,
    extents: Mapping[str, float],
    side: Side,
    conditions: Mapping[str, float],
) -> dict[Side, float]:
    """Two-sided in most of heart failure, right more than left; else on the side of illness."""
    both = rng.random() < BOTH_SIDES and TWO_SIDED in conditions
    smaller = float(rng.uniform(0.3, 0.9))
    volumes: dict[Side, float] = {"left": 0.0, "right": 0.0}
    size = extents.get("effusion", extents.get("blunting", 0.0))
    main: Side = "right" if both else side
    volumes[main] = round(size, 3)
    if both:
        volumes[_other(main)] = round(size * smaller, 3)
    return volumes


def _atelectasis(
    rng: np.random.Generator, extents: Mapping[str, float]
) -> tuple[LinearAtelectasis, ...]:
    if "atelectasis" not in extents:
        return ()
    zone: Zone = "lower" if rng.random() < 0.8 else "middle"
    return (LinearAtelectasis(draw_side(rng), zone, round(extents["atelectasis"], 3)),)


def _masses(rng: np.random.Generator, extents: Mapping[str, float]) -> tuple[LungMass, ...]:
    """Upper lobes more often than lower ones, as lung cancer has it."""
    if "mass" not in extents:
        return ()
    zone = ZONES[int(rng.choice(3, p=(0.5, 0.25, 0.25)))]
    spiculation = float(rng.beta(2.0, 1.5))
    return (LungMass(draw_side(rng), zone, round(extents["mass"], 3), round(spiculation, 3)),)


def _collapses(
    rng: np.random.Generator, extents: Mapping[str, float], side: Side
) -> tuple[LobarCollapse, ...]:
    if "collapse" not in extents:
        return ()
    lobes: tuple[Lobe, ...] = ("upper", "lower") if side == "left" else ("upper", "middle", "lower")
    chances = (0.35, 0.65) if side == "left" else (0.35, 0.25, 0.4)
    lobe = lobes[int(rng.choice(len(lobes), p=chances))]
    return (LobarCollapse(side, lobe, round(extents["collapse"], 3)),)


def draw_side(rng: np.random.Generator) -> Side:
    """One side of the chest; the right a little more often."""
    return "right" if rng.random() < 0.55 else "left"


def _zone(rng: np.random.Generator) -> Zone:
    return ZONES[int(rng.choice(3, p=[CONSOLIDATION_ZONES[zone] for zone in ZONES]))]


def _other(side: Side) -> Side:
    return "left" if side == "right" else "right"
