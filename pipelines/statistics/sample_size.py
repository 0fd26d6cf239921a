"""How many patients the next study needs to develop a model for a binary outcome.

The four criteria of Riley, Ensor, Snell, Harrell, Martin, Reitsma, Moons, Collins and van Smeden
2020, BMJ 368:m441. They are about regression with a number of candidate parameters; a network that
learns from pixels needs more, so that the answer is a floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_expit, logit
from scipy.stats import norm

from clinical.errors import ConfigError

RISK_MARGIN = 0.05
MEAN_ERROR = 0.05
SHRINKAGE = 0.9
OPTIMISM = 0.05
MOST_PARAMETERS = 30
"""Largest number of parameters in the simulations behind the second criterion."""


@dataclass(frozen=True)
class SampleSize:
    """Patients that each criterion asks for.

    Attributes:
        overall_risk: to know the overall risk to RISK_MARGIN.
        mean_error: to predict with a mean absolute error of at most MEAN_ERROR (van Smeden 2019,
            Stat Methods Med Res 28:2455-2474).
        shrinkage: to need a shrinkage of SHRINKAGE or less severe.
        optimism: to overstate Nagelkerke's R2 by at most OPTIMISM.
        needed: the largest of them.
        events: positive cases among the patients needed.
        events_per_parameter: the same, divided by the number of parameters.
        cox_snell: anticipated R2 that shrinkage and optimism rest on.
        most_cox_snell: the largest R2 that is possible at this prevalence.
        extrapolated: True if there are more parameters than were simulated for `mean_error`.
    """

    overall_risk: int
    mean_error: int
    shrinkage: int
    optimism: int
    needed: int
    events: int
    events_per_parameter: float
    cox_snell: float
    most_cox_snell: float
    extrapolated: bool


def sample_size(prevalence: float, parameters: int, cox_snell: float) -> SampleSize:
    """Least number of patients for a new model.

    Args:
        prevalence: anticipated share of positive cases.
        parameters: candidate predictor parameters, all that are tried, not those that are kept.
        cox_snell: anticipated Cox-Snell R2, corrected for optimism; see `cox_snell_from_auroc`.

    Raises:
        ConfigError: if a value is impossible, or R2 is not below what this prevalence allows.
    """
    most = most_cox_snell(prevalence)
    if parameters < 1:
        raise ConfigError(
            f"{parameters} parameters do not make a model.", remedy="count all candidate parameters"
        )
    if not 0 < cox_snell < most:
        raise ConfigError(
            f"A Cox-Snell R2 of {cox_snell:g} is not possible: at a prevalence of"
            f" {prevalence:g} it lies between 0 and {most:.3f}.",
            remedy="take it from an earlier model, or from its AUROC",
        )
    rarer = min(prevalence, 1 - prevalence)
    log_size = (
        -0.508 + 0.259 * math.log(rarer) + 0.504 * math.log(parameters) - math.log(MEAN_ERROR)
    )
    risk = (1.96 / RISK_MARGIN) ** 2 * prevalence * (1 - prevalence)
    shrink = _for_shrinkage(parameters, cox_snell, SHRINKAGE)
    optimism = _for_shrinkage(parameters, cox_snell, cox_snell / (cox_snell + OPTIMISM * most))
    mean_error = math.exp(log_size / 0.544)
    needed = math.ceil(max(risk, mean_error, shrink, optimism))
    return SampleSize(
        overall_risk=math.ceil(risk),
        mean_error=math.ceil(mean_error),
        shrinkage=math.ceil(shrink),
        optimism=math.ceil(optimism),
        needed=needed,
        events=math.ceil(needed * prevalence),
        events_per_parameter=needed * prevalence / parameters,
        cox_snell=cox_snell,
        most_cox_snell=most,
        extrapolated=parameters > MOST_PARAMETERS,
    )


def _for_shrinkage(parameters: int, cox_snell: float, shrinkage: float) -> float:
    """Expected uniform shrinkage of van Houwelingen and le Cessie 1990, solved for the size."""
    return parameters / ((shrinkage - 1) * math.log(1 - cox_snell / shrinkage))


def most_cox_snell(prevalence: float) -> float:
    """The Cox-Snell R2 of a model that knows every outcome, at this prevalence.

    Raises:
        ConfigError: if the prevalence is not between 0 and 1.
    """
    return 1 - math.exp(2 * _null_log_likelihood(prevalence))


def _null_log_likelihood(prevalence: float) -> float:
    """Per case, of a model that knows the prevalence only."""
    if not 0 < prevalence < 1:
        raise ConfigError(
            f"A prevalence of {prevalence:g} leaves nothing to predict.",
            remedy="state the share of positive cases, between 0 and 1",
        )
    return prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)


def cox_snell_from_auroc(auroc: float, prevalence: float) -> float:
    """Cox-Snell R2 of a model with this AUROC.

    Riley, Van Calster and Collins 2021, Stat Med 40:859-864: the linear predictor is normal in
    either outcome, with equal variance and means sqrt(2) * probit(AUROC) apart. The paper draws a
    large sample and fits a logistic model; that model is known in closed form, so the likelihood
    ratio is integrated here instead, without noise.

    Args:
        auroc: above 0.5, below 1, corrected for optimism.
        prevalence: share of positive cases.

    Raises:
        ConfigError: if either is out of range.
    """
    if not 0.5 < auroc < 1:
        raise ConfigError(
            f"An AUROC of {auroc:g} cannot be planned for.", remedy="state one between 0.5 and 1"
        )
    null = _null_log_likelihood(prevalence)
    apart = math.sqrt(2) * float(norm.ppf(auroc))
    grid = np.linspace(-12, 12, 20_001)
    density = norm.pdf(grid)
    mean = {}
    for outcome in (0, 1):
        x = grid + apart * outcome
        z = logit(prevalence) + apart * x - apart**2 / 2
        mean[outcome] = np.trapezoid(density * log_expit(z if outcome else -z), grid)
    model = prevalence * float(mean[1]) + (1 - prevalence) * float(mean[0])
    return 1 - math.exp(-2 * (model - null))
