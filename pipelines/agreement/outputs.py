"""Output drift: what models predict now, against the prevalence in their training data.

The mean of calibrated probabilities is what the model expects the prevalence to be among these
cases. Where it leaves that of training, either the patients are others or the model reads them
differently; which of the two, only outcomes can tell. How often each diagnosis was suggested in
training is not kept in a checkpoint, so the share suggested has no reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import t

from pipelines.agreement.cells import LEAST, share
from pipelines.agreement.inputs import Group
from pipelines.agreement.seen import Said, Seen
from pipelines.statistics.metrics import Interval


@dataclass(frozen=True)
class Expected:
    """One diagnosis of one model in one month or all.

    Attributes:
        model, period, diagnosis: which.
        cases: that were assessed.
        probability: mean calibrated probability, with Student's 95% interval over cases.
        prevalence: share of positives in the training of the model.
        suggested: share of the cases in which it was suggested.
        withheld: cases in which it was withheld; their probability counts, as it was recorded.
    """

    model: str
    period: str
    diagnosis: str
    cases: int
    probability: Interval
    prevalence: float
    suggested: Interval
    withheld: int


def expected(groups: Mapping[Group, Sequence[Seen]]) -> list[Expected]:
    """A row for every diagnosis that a model speaks of."""
    rows = []
    for (model, period), cases in groups.items():
        for name in sorted({name for case in cases for name in case.said}):
            said = [case.said[name] for case in cases if name in case.said]
            rows.append(_expected(model, period, name, said))
    return rows


def _expected(model: str, period: str, name: str, said: Sequence[Said]) -> Expected:
    suggested = sum(one.suggested for one in said)
    return Expected(
        model,
        period,
        name,
        len(said),
        mean([one.probability for one in said]),
        said[0].prevalence,
        share(suggested, len(said)),
        sum(one.withheld for one in said),
    )


def mean(values: Sequence[float]) -> Interval:
    """Mean with Student's 95% interval, within 0 and 1; no value for fewer than `LEAST`."""
    count = len(values)
    if count < LEAST:
        return Interval(None, None, None, count, 0)
    middle = float(np.mean(values))
    half = float(t.ppf(0.975, count - 1)) * float(np.std(values, ddof=1)) / sqrt(count)
    return Interval(middle, max(0.0, middle - half), min(1.0, middle + half), count, 0)
