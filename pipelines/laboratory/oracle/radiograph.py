"""Likelihood of the findings on a radiograph: the true findings, not the pixels.

Which findings are seen, how large they are, how many patches of consolidation and how dense, fluid
on both sides, and the projection. Sides, zones and lobes carry nothing more: the side of a
one-sided illness is drawn without looking at the illness.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, log_expit, logit

from pipelines.laboratory.oracle.factors import Factor, of_persons, spared
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.sets import ConditionSets, Floats
from pipelines.laboratory.simulate.clinic import SimulatedPatient
from pipelines.laboratory.simulate.examination import RadiographSpec
from pipelines.laboratory.simulate.imaging import (
    BEDSIDE_SEVERITY,
    BOTH_SIDES,
    CONSOLIDATION_ZONES,
    EXTENT_POWER,
    LOBAR,
    PATTERNS,
    TUBE_SEVERITY,
    TWO_SIDED,
    Pattern,
)
from pipelines.laboratory.simulate.likelihoods import ImageFinding, Likelihoods

_ROUNDED = 0.0006


def factors(
    patient: SimulatedPatient, table: Likelihoods, sets: ConditionSets, people: People
) -> list[Factor]:
    """One factor for each finding, seen or not, and for pattern, fluid and projection."""
    spec = patient.radiograph
    if spec is None:
        return []
    seen = patient.image_findings
    found = [
        _finding(key, finding, seen.get(key), sets, people)
        for key, finding in table.image.items()
        if not (key == "blunting" and "effusion" in seen)
    ]
    if spec.consolidations and LOBAR in sets.names:
        found.append(_pattern(spec, table.image["consolidation"], sets, people))
    if (spec.effusion_left or spec.effusion_right) and TWO_SIDED in sets.names:
        found.append(_fluid(spec, sets, people))
    bedside = logit(table.sites[patient.site].bedside) + BEDSIDE_SEVERITY * people.severity
    projection = log_expit(bedside if spec.view == "AP" else -bedside)
    found.append(of_persons("projection", projection, sets))
    return found


def _finding(
    key: str, finding: ImageFinding, extent: float | None, sets: ConditionSets, people: People
) -> Factor:
    names, groups, rows = sets.group(finding.given)
    missed = spared(finding.base, finding.given, names, groups, people, graded=False)
    if extent is None:
        return Factor(key, missed, rows)
    with np.errstate(divide="ignore"):
        values = np.log(-np.expm1(np.minimum(missed, 0.0)))
    shape = finding.extent
    if shape["high"] > shape["low"] and key != "consolidation":
        strength = strength_of(finding, names, groups, people)
        values = values + extent_likelihood(finding, extent, strength)
    return Factor(key, values, rows)


def strength_of(
    finding: ImageFinding, names: tuple[str, ...], groups: Floats, people: People
) -> Floats:
    """The greatest intensity of all causes that are there, 1 without any; G by N."""
    strength = np.zeros((len(groups), people.intensity.shape[1]))
    for column, name in enumerate(names):
        intensity = people.intensity[people.conditions.index(name)]
        strength = np.maximum(strength, groups[:, column, None] * intensity)
    illnesses = [name for name in finding.given if name in people.names]
    if illnesses:
        strength = np.maximum(strength, people.ill(illnesses).max(axis=0))
    return np.where(strength == 0, 1.0, strength)


def extent_likelihood(finding: ImageFinding, extent: float, strength: Floats) -> Floats:
    """Log density of the beta distribution, up to what does not depend on the strength."""
    shape = finding.extent
    share = (extent - shape["low"]) / (shape["high"] - shape["low"])
    share = float(np.clip(share, 1e-4, 1 - 1e-4))
    a = shape["a"] * strength**EXTENT_POWER
    density = (a - 1) * np.log(share) + (shape["b"] - 1) * np.log1p(-share)
    return np.asarray(density - betaln(a, shape["b"]))


def _pattern(
    spec: RadiographSpec, finding: ImageFinding, sets: ConditionSets, people: People
) -> Factor:
    """Extent, density and number of the patches: lobar or patchy."""
    causes = {*finding.given, LOBAR}
    names, groups, rows = sets.group(causes)
    lobar = groups[:, names.index(LOBAR)] == 1
    strength = strength_of(finding, names, groups, people)
    values = np.empty_like(strength)
    for flag, law in PATTERNS.items():
        chosen = lobar == flag
        values[chosen] = _patches(spec, law)
        extent = spec.consolidations[0].extent / law.shrink
        shape = finding.extent
        inside = shape["low"] - _ROUNDED <= extent <= shape["high"] + _ROUNDED
        values[chosen] += -np.log(law.shrink) if inside else -np.inf
        values[chosen] += extent_likelihood(finding, extent, strength[chosen])
    return Factor("consolidation pattern", values, rows)


def _patches(spec: RadiographSpec, law: Pattern) -> float:
    """Log likelihood of the density and of the number and places of the patches."""
    low, high = law.density
    first, *others = spec.consolidations
    if not low - _ROUNDED <= first.density <= high + _ROUNDED:
        return -np.inf
    if not others:
        # A second patch in the place of the first is the first.
        chance = (
            1 - law.second + law.second * (1 - law.other_side) * CONSOLIDATION_ZONES[first.zone]
        )
    else:
        elsewhere = others[0].side != first.side
        side = law.other_side if elsewhere else 1 - law.other_side
        chance = law.second * side * CONSOLIDATION_ZONES[others[0].zone]
    return float(np.log(chance / (high - low)))


def _fluid(spec: RadiographSpec, sets: ConditionSets, people: People) -> Factor:
    """Fluid on both sides comes of heart failure alone."""
    _, groups, rows = sets.group({TWO_SIDED})
    both = spec.effusion_left > 0 and spec.effusion_right > 0
    failing = groups[:, 0] == 1
    with np.errstate(divide="ignore"):
        chance = np.log(
            np.where(failing, BOTH_SIDES if both else 1 - BOTH_SIDES, 0.0 if both else 1.0)
        )
    return Factor("fluid", np.repeat(chance[:, None], people.severity.size, axis=1), rows)


def severity_bounds(spec: RadiographSpec) -> tuple[float, float]:
    """What a tube, or none, says of the severity."""
    return (TUBE_SEVERITY, np.inf) if spec.tube else (-np.inf, TUBE_SEVERITY)
