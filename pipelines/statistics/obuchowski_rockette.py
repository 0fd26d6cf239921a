"""Do readers read better under one condition than another? Many readers, many cases, all crossed.

The model of Obuchowski and Rockette 1995 (Commun Stat Simul Comput 24:285-308) with the degrees of
freedom of Hillis 2007 (Stat Med 26:596-619): a reader's figure under a condition is the sum of a
fixed effect of the condition, random effects of reader and of reader with condition, and an error
whose covariances come from the cases, which all readers share. They are estimated by leaving out
one case at a time. With jackknifed covariances this is the analysis of Dorfman, Berbaum and Metz
1992 (Invest Radiol 27:723-731) as Hillis and others unified the two (2005, Stat Med 24:1579-1607);
`dbm_components` gives its variance components.

Conditions are called treatments in those papers. Each reader has read each case under each
condition, once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, f, norm, rankdata, t

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]
Figure = Callable[[Values, Truth], Values]
"""(ratings [conditions, readers, cases], truth [cases]) -> figures [conditions, readers]."""


@dataclass(frozen=True)
class Components:
    """Variances and covariances of the error, and mean squares of the figures.

    Attributes:
        conditions, readers, cases: how many there were; `cases` are those the figure rests on.
        variance: of the error, mean over conditions and readers.
        cov1: of one reader under two conditions.
        cov2: of two readers under one condition.
        cov3: of two readers under two conditions.
        ms_condition, ms_reader, ms_interaction: mean squares of conditions by readers.
    """

    conditions: int
    readers: int
    cases: int
    variance: float
    cov1: float
    cov2: float
    cov3: float
    ms_condition: float
    ms_reader: float
    ms_interaction: float

    @property
    def between_readers(self) -> float:
        """Var(R); an estimate, which may be negative."""
        spread = (self.ms_reader - self.ms_interaction) / self.conditions
        return spread - self.cov1 + self.cov3

    @property
    def interaction(self) -> float:
        """Var(T*R); an estimate, which may be negative."""
        return self.ms_interaction - self.variance + self.cov1 + self.cov2 - self.cov3

    @property
    def shared_cases(self) -> float:
        """Cov2 - Cov3, not below 0: what readers have in common that conditions have not."""
        return max(self.cov2 - self.cov3, 0.0)


@dataclass(frozen=True)
class DbmComponents:
    """Variance components of Dorfman, Berbaum and Metz, on the scale of pseudovalues."""

    reader: float
    case: float
    condition_reader: float
    condition_case: float
    reader_case: float
    error: float


@dataclass(frozen=True)
class Test:
    """Are all conditions the same? `denominator` is None for chi-square (fixed readers)."""

    __test__ = False

    statistic: float
    numerator: int
    denominator: float | None
    p: float


@dataclass(frozen=True)
class Difference:
    """Condition `first` minus `second`, by index, with its 95% interval; `degrees` None for z."""

    first: int
    second: int
    value: float
    error: float
    degrees: float | None
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Mean:
    """Mean over readers under one condition, with its 95% interval."""

    value: float
    error: float
    degrees: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Analysis:
    """One way to generalise: test of all conditions, every pair, every condition."""

    test: Test
    differences: tuple[Difference, ...]
    means: tuple[Mean, ...]


@dataclass(frozen=True)
class ReaderStudy:
    """What the figures of a crossed study say.

    Attributes:
        figures: [conditions, readers].
        components: of the whole.
        random_both: holds for other readers and other cases like these.
        fixed_readers: holds for other cases, read by these readers.
        fixed_cases: holds for other readers, who read these cases.
        by_reader: every pair of conditions for each reader by themselves (other cases).
    """

    figures: Values
    components: Components
    random_both: Analysis
    fixed_readers: Analysis
    fixed_cases: Analysis
    by_reader: tuple[tuple[Difference, ...], ...]


def areas(ratings: Values, truth: Truth) -> Values:
    """Trapezoidal area under the ROC curve, which is the Wilcoxon statistic; ties count half."""
    positive, negative = ratings[..., truth], ratings[..., ~truth]
    m = positive.shape[-1]
    both = rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)[..., :m]
    within = rankdata(positive, axis=-1)
    return np.asarray((both - within).mean(axis=-1) / negative.shape[-1], dtype=np.float64)


def sensitivities(calls: Values, truth: Truth) -> Values:
    """Share of the cases with the disease that were called so; calls are 1 or 0."""
    return np.asarray(calls[..., truth].mean(axis=-1), dtype=np.float64)


def specificities(calls: Values, truth: Truth) -> Values:
    """Share of the cases without the disease that were not called so."""
    return np.asarray(1 - calls[..., ~truth].mean(axis=-1), dtype=np.float64)


def analyse(ratings: Values, truth: Truth, figure: Figure = areas) -> ReaderStudy:
    """Compare conditions.

    Args:
        ratings: [conditions, readers, cases], all known, higher is more certain of the disease;
            at least two conditions and two readers.
        truth: [cases], at least two cases of either.
        figure: what is compared.
    """
    rests_on = _rests_on(ratings, truth, figure)
    ratings, truth = ratings[..., rests_on], truth[rests_on]
    figures = figure(ratings, truth)
    covariance = jackknife(ratings, truth, figure)
    found = components(figures, covariance, ratings.shape[-1])
    return ReaderStudy(
        figures=figures,
        components=found,
        random_both=_random_both(figures, covariance, found),
        fixed_readers=_fixed_readers(figures, covariance, found),
        fixed_cases=_fixed_cases(figures, found),
        by_reader=tuple(
            _one_reader(figures[:, j], covariance[:, j, :, j]) for j in range(found.readers)
        ),
    )


def _rests_on(ratings: Values, truth: Truth, figure: Figure) -> Truth:
    """Sensitivity knows only cases with the disease, specificity only those without."""
    if figure is sensitivities:
        return truth
    if figure is specificities:
        return ~truth
    return np.ones(ratings.shape[-1], dtype=np.bool_)


def jackknife(ratings: Values, truth: Truth, figure: Figure) -> Values:
    """Covariance of figures [conditions, readers, conditions, readers], a case left out each."""
    cases = ratings.shape[-1]
    kept = ~np.eye(cases, dtype=np.bool_)
    without = np.stack([figure(ratings[..., k], truth[k]) for k in kept])
    apart = without - without.mean(axis=0)
    return np.asarray(np.einsum("kab,kcd->abcd", apart, apart) * (cases - 1) / cases)


def components(figures: Values, covariance: Values, cases: int) -> Components:
    """Mean covariances of each kind, and mean squares.

    Args:
        figures: [conditions, readers].
        covariance: [conditions, readers, conditions, readers].
        cases: that the figures rest on.
    """
    conditions, readers = figures.shape
    same_condition = np.eye(conditions, dtype=np.bool_)[:, None, :, None]
    same_reader = np.eye(readers, dtype=np.bool_)[None, :, None, :]

    def mean(chosen: NDArray[np.bool_]) -> float:
        return float(covariance[np.broadcast_to(chosen, covariance.shape)].mean())

    by_condition, by_reader = figures.mean(axis=1), figures.mean(axis=0)
    rest = figures - by_condition[:, None] - by_reader[None, :] + figures.mean()
    return Components(
        conditions=conditions,
        readers=readers,
        cases=cases,
        variance=mean(same_condition & same_reader),
        cov1=mean(~same_condition & same_reader),
        cov2=mean(same_condition & ~same_reader),
        cov3=mean(~same_condition & ~same_reader),
        ms_condition=float(readers * by_condition.var(ddof=1)),
        ms_reader=float(conditions * by_reader.var(ddof=1)),
        ms_interaction=float((rest**2).sum() / ((conditions - 1) * (readers - 1))),
    )


def dbm_components(found: Components) -> DbmComponents:
    """The same, as pseudovalues have them (Hillis 2005, table II)."""
    n = found.cases
    return DbmComponents(
        reader=found.between_readers,
        case=n * found.cov3,
        condition_reader=found.interaction,
        condition_case=n * (found.cov2 - found.cov3),
        reader_case=n * (found.cov1 - found.cov3),
        error=n * (found.variance - found.cov1 - found.cov2 + found.cov3),
    )


def _random_both(figures: Values, covariance: Values, found: Components) -> Analysis:
    """Equations 4 to 6 of Hillis 2007."""
    c, r = found.conditions, found.readers
    error = found.ms_interaction + r * found.shared_cases
    degrees = _degrees(error, found.ms_interaction, (c - 1) * (r - 1))
    statistic = _ratio(found.ms_condition, error)
    test = Test(statistic, c - 1, degrees, float(f.sf(statistic, c - 1, degrees)))
    means = []
    for i, one in enumerate(figures):
        spread = float(one.var(ddof=1))
        whole = spread + r * max(_cov2(covariance[i, :, i, :]), 0.0)
        means.append(_mean(one, np.sqrt(whole / r), _degrees(whole, spread, r - 1)))
    return Analysis(test, _pairs(figures, np.sqrt(2 / r * error), degrees), tuple(means))


def _fixed_readers(figures: Values, covariance: Values, found: Components) -> Analysis:
    c, r = found.conditions, found.readers
    error = found.variance - found.cov1 + (r - 1) * found.shared_cases
    statistic = _ratio((c - 1) * found.ms_condition, error)
    test = Test(statistic, c - 1, None, float(chi2.sf(statistic, c - 1)))
    means = []
    for i, one in enumerate(figures):
        own = covariance[i, :, i, :]
        whole = float(np.diag(own).mean()) + (r - 1) * max(_cov2(own), 0.0)
        means.append(_mean(one, np.sqrt(whole / r), None))
    return Analysis(test, _pairs(figures, np.sqrt(2 / r * error), None), tuple(means))


def _fixed_cases(figures: Values, found: Components) -> Analysis:
    """An analysis of variance with repeated measures; with two conditions a paired t-test."""
    c, r = found.conditions, found.readers
    degrees = float((c - 1) * (r - 1))
    statistic = _ratio(found.ms_condition, found.ms_interaction)
    test = Test(statistic, c - 1, degrees, float(f.sf(statistic, c - 1, degrees)))
    means = [_mean(one, float(np.sqrt(one.var(ddof=1) / r)), float(r - 1)) for one in figures]
    error = np.sqrt(2 / r * found.ms_interaction)
    return Analysis(test, _pairs(figures, error, degrees), tuple(means))


def _one_reader(figures: Values, covariance: Values) -> tuple[Difference, ...]:
    """Every pair of conditions for one reader.

    Args:
        figures: [conditions].
        covariance: [conditions, conditions].
    """
    conditions = len(figures)
    between = float(covariance[~np.eye(conditions, dtype=np.bool_)].mean())
    error = np.sqrt(2 * max(float(np.diag(covariance).mean()) - between, 0.0))
    return _pairs(figures[:, None], error, None)


def _pairs(figures: Values, error: float, degrees: float | None) -> tuple[Difference, ...]:
    means = figures.mean(axis=1)
    return tuple(
        _difference(i, j, float(means[i] - means[j]), float(error), degrees)
        for i, j in combinations(range(len(means)), 2)
    )


def _difference(
    first: int, second: int, value: float, error: float, degrees: float | None
) -> Difference:
    statistic = _ratio(abs(value), error)
    p = 2 * (norm.sf(statistic) if degrees is None else t.sf(statistic, degrees))
    half = _quantile(degrees) * error
    return Difference(first, second, value, error, degrees, float(p), value - half, value + half)


def _mean(figures: Values, error: float, degrees: float | None) -> Mean:
    """An interval may pass 0 and 1, as in the papers: cut, it would hide how little is known."""
    value, half = float(figures.mean()), _quantile(degrees) * float(error)
    return Mean(value, float(error), degrees, value - half, value + half)


def _quantile(degrees: float | None) -> float:
    return float(norm.ppf(0.975) if degrees is None else t.ppf(0.975, degrees))


def _degrees(whole: float, random: float, degrees: int) -> float:
    """Hillis' denominator; all the spread from cases leaves no limit, and a normal deviate."""
    return degrees * (whole / random) ** 2 if random > 0 else float("inf")


def _ratio(above: float, below: float) -> float:
    if below > 0:
        return above / below
    return float("inf") if above > 0 else 0.0


def _cov2(covariance: Values) -> float:
    """Mean covariance of two readers under one condition [readers, readers]."""
    return float(covariance[~np.eye(len(covariance), dtype=np.bool_)].mean())
