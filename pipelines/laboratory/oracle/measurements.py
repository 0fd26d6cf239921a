"""Likelihood of measured values, with all Gaussian parts integrated in closed form.

On its scale a value is: what the person and the conditions do to it, plus a coefficient for each
latent that analytes share, plus the offset of the patient, plus noise. Offset, noise and shared
latents (inflammation, renal function) are normal and integrated exactly; severity, intensities and
background are those of the draws. Rounding enters as the variance of its interval where that is
narrow (Sheppard's correction). Values at the end of the range, and wide intervals, are integrated
over their interval, given all the others: exact for one of them; several of different analytes
count as independent given the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_ndtr, logit, ndtr

from pipelines.laboratory.oracle.factors import Factor, of_persons
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.readings import OWN_NOISE, Reading
from pipelines.laboratory.oracle.sets import ConditionSets, Floats, Indices
from pipelines.laboratory.simulate.laboratory import EARLIER, WITHIN_PERSON
from pipelines.laboratory.simulate.likelihoods import Analyte, Likelihoods, Panel, Site

SEVERITY = "severity"

WIDE = 1.2
"""Width of an interval, in standard deviations of the value, from which on its variance is not
enough to stand for it."""

_NODES = 61
_GRID = 400


@dataclass(frozen=True, eq=False)
class Block:
    """All readings of one analyte.

    Attributes:
        key: the analyte.
        mean: what the person does to it, N.
        effect: what the background and each of G combinations of conditions do, G by N.
        rows: for each of K sets its row in `effect`.
        loading: coefficients of the L shared latents.
        values, grown, precision: of the T readings taken as normal: value, share of the effect
            that was there at the time, and inverse covariance.
        intervals: the other readings.
        spread: standard deviation of the patient's offset.
    """

    key: str
    mean: Floats
    effect: Floats
    rows: Indices
    loading: Floats
    values: Floats
    grown: Floats
    precision: Floats
    intervals: tuple[Reading, ...]
    spread: float


def blocks(
    readings: Mapping[str, Sequence[Reading]],
    site: Site,
    table: Likelihoods,
    sets: ConditionSets,
    people: People,
) -> list[Block]:
    """Everything that is needed of each analyte that was read."""
    return [
        _block(key, values, site, table, sets, people) for key, values in readings.items() if values
    ]


def shared(table: Likelihoods) -> tuple[str, ...]:
    """Latents beside severity, in order of appearance."""
    names = [name for analyte in table.analytes.values() for name in analyte.latent]
    return tuple(dict.fromkeys(name for name in names if name != SEVERITY))


def _block(
    key: str,
    readings: Sequence[Reading],
    site: Site,
    table: Likelihoods,
    sets: ConditionSets,
    people: People,
) -> Block:
    analyte = table.analytes[key]
    names, groups, rows = sets.group(analyte.given)
    effects = np.array([_on_scale(analyte, analyte.given[name]) for name in names])
    active = people.intensity[[people.conditions.index(name) for name in names]]
    effect = groups @ (effects[:, None] * active) if names else np.zeros((1, len(people.age)))
    illnesses = [name for name in analyte.given if name in people.names]
    if illnesses:
        shifts = np.array([_on_scale(analyte, analyte.given[name]) for name in illnesses])
        effect = effect + shifts @ people.ill(illnesses)
    normal = [r for r in readings if is_narrow(r, analyte)]
    noise = [r.variance + r.width**2 / 12 for r in normal]
    own = WITHIN_PERSON**2 * analyte.spread**2
    covariance = np.full((len(normal), len(normal)), analyte.spread**2) + np.diag(
        np.array([own + extra for extra in noise])
    )
    return Block(
        key=key,
        mean=_person_term(analyte, site, people),
        effect=effect,
        rows=rows,
        loading=np.array([analyte.latent.get(name, 0.0) for name in shared(table)]),
        values=np.array([r.middle for r in normal]),
        grown=np.array([1 - EARLIER * r.hours for r in normal]),
        precision=np.linalg.inv(covariance) if normal else np.zeros((0, 0)),
        intervals=tuple(r for r in readings if not is_narrow(r, analyte)),
        spread=analyte.spread,
    )


def is_narrow(reading: Reading, analyte: Analyte) -> bool:
    """Whether an interval is so short that its variance can stand for it."""
    return reading.width <= WIDE * analyte.spread * float(np.sqrt(OWN_NOISE))


def _on_scale(analyte: Analyte, number: float) -> float:
    return number if analyte.scale == "linear" else float(np.log(number))


def _person_term(analyte: Analyte, site: Site, people: People) -> Floats:
    """The mean on the analyte's scale without any condition or background illness, N."""
    linear = analyte.scale == "linear"
    ageing = analyte.per_decade
    if ageing is None:
        ageing = 0.0 if linear else 1.0
    own = [
        0.0 if value is None else _on_scale(analyte, value)
        for value in (analyte.female, analyte.male)
    ]
    return np.asarray(
        _on_scale(analyte, analyte.base)
        + np.where(people.male, own[1], own[0])
        + _on_scale(analyte, ageing) * (people.age - 60) / 10
        + analyte.latent.get(SEVERITY, 0.0) * (people.severity + site.severity)
    )


def add_values(total: Floats, found: Sequence[Block]) -> None:
    """Add the log likelihood of all readings to K sets by N persons."""
    if not found:
        return
    latents = len(found[0].loading)
    curvature = np.eye(latents)
    pull = np.zeros((latents, *total.shape))
    for block in found:
        if not block.values.size:
            continue
        ones = block.precision.sum(axis=1)
        likelihood, slope = _normal(block, ones)
        total += likelihood[block.rows]
        curvature += np.outer(block.loading, block.loading) * ones.sum()
        for latent in np.flatnonzero(block.loading):
            pull[latent] += block.loading[latent] * slope[block.rows]
    covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
    centre = np.einsum("ab,bkn->akn", covariance, pull)
    total += 0.5 * np.einsum("akn,akn->kn", pull, centre)
    for block in found:
        if block.intervals:
            total += _inside(block, centre, covariance)


def _normal(block: Block, ones: Floats) -> tuple[Floats, Floats]:
    """Log likelihood at latents 0, and its slope along a unit loading; G by N both."""
    y, grown, precision = block.values, block.grown, block.precision
    rest = y.mean()
    shift, effect = block.mean - rest, block.effect
    y = y - rest
    by_grown = precision @ grown
    slope = (ones @ y) - ones.sum() * shift - (ones @ grown) * effect
    likelihood = -0.5 * (
        y @ precision @ y
        - 2 * (ones @ y) * shift
        + ones.sum() * shift**2
        - 2 * (by_grown @ y - (ones @ grown) * shift) * effect
        + (grown @ by_grown) * effect**2
    )
    return likelihood, slope


def _inside(block: Block, centre: Floats, covariance: Floats) -> Floats:
    """Log probability of the intervals given all readings taken as normal; K by N."""
    grown = float(np.mean([1 - EARLIER * reading.hours for reading in block.intervals]))
    weights = block.spread**2 * block.precision.sum(axis=0)
    offset = block.spread**2 * (1 - weights.sum())
    mean = block.mean + grown * block.effect
    if block.values.size:
        mean = mean + (weights @ block.values - weights.sum() * block.mean)
        mean = mean - (weights @ block.grown) * block.effect
    loading = block.loading * (1 - weights.sum())
    moved: Floats = mean[block.rows]
    for latent in np.flatnonzero(loading):
        moved = moved + loading[latent] * centre[latent]
    variance = offset + float(loading @ covariance @ loading)
    grid = np.linspace(moved.min() - 1e-6, moved.max() + 1e-6, _GRID)
    return np.interp(moved, grid, _interval_likelihood(grid, block, variance))


def _interval_likelihood(mean: Floats, block: Block, variance: float) -> Floats:
    """Log probability that all intervals of an analyte hold, for each mean of its values."""
    noise = WITHIN_PERSON * block.spread
    if len(block.intervals) == 1:
        return _log_between(block.intervals[0], mean, float(np.sqrt(variance + noise**2)))
    nodes, step = np.linspace(-5.0, 5.0, _NODES, retstep=True)
    weights = np.exp(-0.5 * nodes**2) * step / np.sqrt(2 * np.pi)
    places = mean[:, None] + np.sqrt(variance) * nodes
    logs = sum(_log_between(reading, places, noise) for reading in block.intervals)
    return np.asarray(np.log(np.maximum(np.exp(logs) @ weights, 1e-300)))


def _log_between(reading: Reading, mean: NDArray[np.float64], sd: float) -> Floats:
    low, high = (reading.low - mean) / sd, (reading.high - mean) / sd
    if np.isinf(reading.low):
        return np.asarray(log_ndtr(high))
    if np.isinf(reading.high):
        return np.asarray(log_ndtr(-low))
    # From the nearer tail, so that the difference keeps its digits.
    flip = low > 0
    upper, lower = np.where(flip, -low, high), np.where(flip, -high, low)
    return np.asarray(np.log(np.maximum(ndtr(upper) - ndtr(lower), 1e-300)))


def ordering(
    seen: frozenset[str], site: Site, table: Likelihoods, sets: ConditionSets, people: People
) -> list[Factor]:
    """What it says that a panel was measured or not, where sicker patients are tested more."""
    return [
        of_persons(
            f"{name} measured", _ordered(name, panel, name in seen, site, table, people), sets
        )
        for name, panel in table.panels.items()
    ]


def _ordered(
    name: str, panel: Panel, seen: bool, site: Site, table: Likelihoods, people: People
) -> Floats:
    odds = logit(panel.base) + site.measured.get(name, 0.0)
    odds = odds + panel.severity * (people.severity + site.severity)
    analytes = sum(analyte.panel == name for analyte in table.analytes.values())
    once = table.visit.single_value_lost**analytes
    more = (panel.again, panel.again**2)
    all_lost = once * np.prod([1 - chance + chance * once for chance in more])
    ordered = log_expit(odds)
    if seen:
        return np.asarray(ordered + np.log1p(-all_lost))
    return np.asarray(np.log1p(np.exp(ordered) * (all_lost - 1)))
