"""Sample the persons and latent variables that could explain a case, with exact importance weights.

What the evidence states of the person (age, sex, smoking, body mass index, coded and mentioned
illnesses, drugs) is put into the proposal, so few draws are wasted; whatever the proposal differs
from the law is corrected by the weight. Draws are a randomly shifted Sobol sequence
(Cranley and Patterson 1976, SIAM J Numer Anal 13:904), stratified for whatever the case informs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln, expit, log_expit, logit, ndtr, ndtri
from scipy.stats import qmc

from clinical.case.shapes import Sex
from pipelines.laboratory.oracle.sets import Flags, Floats
from pipelines.laboratory.simulate.clinic import SEVERITY
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.person import INTENSITY, LEAVES_BEHIND

_FIXED = 6  # dimensions before those of the illnesses and conditions
_EDGE = 1e-9
_SURE = 40.0  # log odds of an illness that is stated


@dataclass(frozen=True)
class Drug:
    """A coded drug: who takes it (index of background illness, probability), and is it there."""

    takers: tuple[tuple[int, float], ...]
    present: bool


@dataclass(frozen=True, eq=False)
class Known:
    """What the evidence states of the person.

    Attributes:
        sex: or None.
        years: full years of age, or None.
        age: exact age where the picture shows it, or None.
        bmi: kg/m2, where the picture shows it, or None.
        obese: likelihoods of the evidence for a body mass index (below, from) 30 kg/m2.
        smoker: likelihoods of the evidence for those who (never, ever) smoked.
        pack_years: bounds of the pack-years stated, or None.
        severity: bounds that the evidence puts on it.
        illnesses: log likelihoods of the evidence for each illness (absent, present), 2 x B.
        drugs: coded or not.
        again: the patient was here before, so an earlier diagnosis may be in the background.
    """

    illnesses: Floats
    sex: Sex | None = None
    years: int | None = None
    age: float | None = None
    bmi: float | None = None
    obese: tuple[float, float] = (1.0, 1.0)
    smoker: tuple[float, float] = (1.0, 1.0)
    pack_years: tuple[float, float] | None = None
    severity: tuple[float, float] = (-np.inf, np.inf)
    drugs: tuple[Drug, ...] = ()
    again: bool = False


@dataclass(frozen=True, eq=False)
class Tilt:
    """How to move the proposal towards what the measurements say.

    Attributes:
        male: log odds added.
        severity: mean and standard deviation of the proposal.
        illnesses: log odds added, B.
        intensity: means and standard deviations of the log intensities' normals, 2 x C.
        shapes: of the beta distributions of the quantiles of age, smoking, pack-years and body
            mass index, 2 x 4.
    """

    male: float = 0.0
    severity: tuple[float, float] = (0.0, 1.0)
    illnesses: Floats | None = None
    intensity: Floats | None = None
    shapes: Floats | None = None


@dataclass(frozen=True, eq=False)
class People:
    """N draws.

    Attributes:
        age, male, pack_years, bmi: N each.
        background: B illnesses by N.
        severity: clipped, N.
        normal_severity: the normal it comes of, N.
        normals: C conditions by N: what makes each intensity.
        intensity: C by N.
        quantiles: of age, smoking, pack-years and body mass index, 4 by N.
        log_weight: N.
        condition_weight: C by N; counts for the sets that hold the condition.
        names, conditions: of the B illnesses and the C conditions.
    """

    age: Floats
    male: Flags
    pack_years: Floats
    bmi: Floats
    background: Flags
    severity: Floats
    normal_severity: Floats
    normals: Floats
    intensity: Floats
    quantiles: Floats
    log_weight: Floats
    condition_weight: Floats
    names: tuple[str, ...]
    conditions: tuple[str, ...]

    def units(self) -> dict[str, Floats]:
        """The persons in the risk units of the table."""
        return {
            "age": (self.age - 60) / 10,
            "male": self.male.astype(float),
            "pack_years": self.pack_years / 20,
            "bmi": (self.bmi - 26) / 5,
            **{name: self.background[row].astype(float) for row, name in enumerate(self.names)},
        }

    def ill(self, names: Sequence[str]) -> Floats:
        """Which background illnesses are there: names by N, 0 or 1."""
        rows = [self.names.index(name) for name in names]
        return self.background[rows].astype(float)


def draw(
    table: Likelihoods,
    known: Known,
    tilt: Tilt,
    points: int,
    rng: np.random.Generator,
    earlier: Mapping[str, float],
) -> People:
    """Draw `points` persons (a power of two) in the light of what is known.

    Args:
        table: the law.
        known: what the evidence states.
        tilt: where else to look.
        points: N.
        rng: shifts the sequence.
        earlier: share of visits with each diagnosis, for those who were here before.
    """
    u = _sequence(points, _FIXED + len(table.background) + len(table.conditions), rng)
    male, log_weight = _sex(table, known, tilt, u[0])
    quantiles, quantile_weight = _quantiles(tilt, u[1:5])
    age = _age(table, known, quantiles[0])
    pack_years = _pack_years(table, known, male, age, quantiles[1], quantiles[2])
    bmi = _bmi(table, known, quantiles[3])
    normal, severity_weight = _severity(known, tilt, u[5])
    log_weight += quantile_weight + severity_weight
    odds = _illness_odds(table, age, male, pack_years, bmi)
    if known.again:
        odds = _with_earlier(table, odds, earlier)
    background, illness_weight = _background(known, tilt, odds, u[_FIXED : _FIXED + len(odds)])
    normals, condition_weight = _normals(tilt, u[_FIXED + len(odds) :])
    severity = np.clip(normal, *SEVERITY)
    visit = table.visit
    log_intensity = visit.intensity_severity * severity + visit.intensity_spread * normals
    return People(
        age=age,
        male=male,
        pack_years=pack_years,
        bmi=bmi,
        background=background,
        severity=severity,
        normal_severity=normal,
        normals=normals,
        intensity=np.clip(np.exp(log_intensity), *INTENSITY),
        quantiles=quantiles,
        log_weight=log_weight + illness_weight,
        condition_weight=condition_weight,
        names=tuple(table.background),
        conditions=tuple(table.conditions),
    )


@lru_cache(maxsize=8)
def _sobol(points: int, dimensions: int) -> Floats:
    sampler = qmc.Sobol(dimensions, seed=20240229)
    return np.ascontiguousarray(sampler.random(points).T)


def _sequence(points: int, dimensions: int, rng: np.random.Generator) -> Floats:
    shifted = (_sobol(points, dimensions) + rng.random((dimensions, 1))) % 1.0
    return np.asarray(np.clip(shifted, _EDGE, 1 - _EDGE))


def _sex(table: Likelihoods, known: Known, tilt: Tilt, u: Floats) -> tuple[Flags, Floats]:
    if known.sex is not None:
        return np.full(len(u), known.sex == "male"), np.zeros(len(u))
    prior = logit(table.demographics.male)
    male = u < expit(prior + tilt.male)
    weight = np.where(
        male,
        log_expit(prior) - log_expit(prior + tilt.male),
        log_expit(-prior) - log_expit(-prior - tilt.male),
    )
    return male, weight


def _quantiles(tilt: Tilt, u: Floats) -> tuple[Floats, Floats]:
    if tilt.shapes is None:
        return u, np.zeros(u.shape[1])
    a, b = tilt.shapes[:, :, None]
    drawn = np.clip(betaincinv(a, b, u), _EDGE, 1 - _EDGE)
    density = (a - 1) * np.log(drawn) + (b - 1) * np.log1p(-drawn) - betaln(a, b)
    return drawn, -density.sum(axis=0)


def _age(table: Likelihoods, known: Known, u: Floats) -> Floats:
    demographics = table.demographics
    low, high = demographics.age_range
    if known.age is not None:
        return np.full(len(u), known.age)
    if known.years is not None:
        return np.asarray(np.minimum(known.years + u, max(known.years, high)))
    grid = np.linspace(low, high, 800)
    young, old = demographics.young, demographics.old
    below = young["share"] * ndtr((grid - young["mean"]) / young["sd"])
    below += (1 - young["share"]) * ndtr((grid - old["mean"]) / old["sd"])
    return np.asarray(np.interp(u, below, grid))


def _pack_years(
    table: Likelihoods, known: Known, male: Flags, age: Floats, u: Floats, amount: Floats
) -> Floats:
    demographics = table.demographics
    ever = np.where(male, demographics.ever_smoker["male"], demographics.ever_smoker["female"])
    never_there, ever_there = known.smoker
    ever = ever * ever_there / (ever * ever_there + (1 - ever) * never_there)
    most = 2 * np.maximum(age - 15, 1)
    low, high = known.pack_years or (0.0, np.inf)
    median, spread = demographics.pack_years["median"], demographics.pack_years["spread"]
    # The heaviest smokers all have `most`, so a bound above it is none.
    ends = (np.minimum(low, most), np.where(most < high, np.inf, high))
    with np.errstate(divide="ignore"):
        first, last = (ndtr(np.log(end / median) / spread) for end in ends)
    drawn = median * np.exp(spread * ndtri(np.clip(first + amount * (last - first), _EDGE, 1)))
    return np.where(u < ever, np.minimum(drawn, most), 0.0)


def _bmi(table: Likelihoods, known: Known, u: Floats) -> Floats:
    if known.bmi is not None:
        return np.full(len(u), known.bmi)
    prior = table.demographics.bmi
    slim = float(ndtr((30 - prior["mean"]) / prior["sd"]))
    below, above = known.obese
    total = slim * below + (1 - slim) * above
    inside = u * total < slim * below
    share = np.where(
        inside,
        u * total / max(below, _EDGE),
        slim + (u * total - slim * below) / max(above, _EDGE),
    )
    drawn = prior["mean"] + prior["sd"] * ndtri(np.clip(share, _EDGE, 1 - _EDGE))
    return np.asarray(np.clip(drawn, prior["low"], prior["high"]))


def _severity(known: Known, tilt: Tilt, u: Floats) -> tuple[Floats, Floats]:
    mean, sd = tilt.severity
    first, last = (float(ndtr((end - mean) / sd)) for end in known.severity)
    standard = ndtri(np.clip(first + u * (last - first), _EDGE, 1 - _EDGE))
    normal = mean + sd * standard
    return normal, 0.5 * standard**2 - 0.5 * normal**2


def _illness_odds(
    table: Likelihoods, age: Floats, male: Flags, pack_years: Floats, bmi: Floats
) -> Floats:
    units = {"age": (age - 60) / 10, "male": male, "pack_years": pack_years / 20}
    units["bmi"] = (bmi - 26) / 5
    odds = np.zeros((len(table.background), len(age)))
    for row, illness in enumerate(table.background.values()):
        odds[row] = illness.odds
        for name, unit in units.items():
            odds[row] += getattr(illness, name) * unit
    return odds


def _with_earlier(table: Likelihoods, odds: Floats, earlier: Mapping[str, float]) -> Floats:
    chances = expit(odds)
    for diagnosis, illness in LEAVES_BEHIND.items():
        if illness in table.background:
            row = list(table.background).index(illness)
            chances[row] = 1 - (1 - chances[row]) * (1 - earlier.get(diagnosis, 0.0))
    return np.asarray(logit(chances))


def _background(known: Known, tilt: Tilt, odds: Floats, u: Floats) -> tuple[Flags, Floats]:
    """Illnesses by N and the log weights, which hold the likelihood of all that is stated."""
    absent, present = known.illnesses[:, :, None]
    proposal = odds + np.where(np.isinf(absent) | np.isinf(present), 0.0, present - absent)
    proposal += _drug_odds(known.drugs, expit(proposal), len(odds))
    if tilt.illnesses is not None:
        proposal += tilt.illnesses[:, None]
    proposal = np.clip(proposal, -16.0, 16.0)
    proposal = np.where(np.isinf(absent), _SURE, np.where(np.isinf(present), -_SURE, proposal))
    ill = u < expit(proposal)
    weight = np.where(
        ill,
        log_expit(odds) + present - log_expit(proposal),
        log_expit(-odds) + absent - log_expit(-proposal),
    ).sum(axis=0)
    return ill, weight + drug_likelihood(known.drugs, ill)


def drug_likelihood(drugs: Sequence[Drug], ill: NDArray[np.bool_]) -> Floats:
    """Log probability that exactly these drugs are coded, for N persons."""
    total = np.zeros(ill.shape[1])
    for drug in drugs:
        spared = sum(np.log1p(-share) * ill[row] for row, share in drug.takers)
        if drug.present:
            with np.errstate(divide="ignore"):
                total += np.log(-np.expm1(spared))
        else:
            total += spared
    return total


def _drug_odds(drugs: Sequence[Drug], chances: Floats, count: int) -> Floats:
    """What each coded drug says of each illness, the others being as likely as they are."""
    odds = np.zeros((count, chances.shape[1]))
    for drug in drugs:
        for row, share in drug.takers:
            if not drug.present:
                odds[row] += np.log1p(-share)
                continue
            others = np.ones(chances.shape[1])
            for other, taken in drug.takers:
                if other != row:
                    others *= 1 - taken * chances[other]
            without = np.maximum(1 - others, _EDGE)
            odds[row] += np.log((1 - (1 - share) * others) / without)
    return odds


def _normals(tilt: Tilt, u: Floats) -> tuple[Floats, Floats]:
    standard = ndtri(u)
    if tilt.intensity is None:
        return standard, np.zeros_like(standard)
    mean, sd = tilt.intensity[:, :, None]
    normals = mean + sd * standard
    return normals, 0.5 * standard**2 - 0.5 * normals**2 + np.log(sd)
