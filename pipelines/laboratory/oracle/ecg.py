"""Likelihood of what an electrocardiogram shows: the true findings and the rate, not the samples.

Exact given the findings and their extents. A model that reads the trace has to find them first, so
it is bounded all the more. The heart rate is one more reading of the analyte heart_rate, at the
time of the recording; together with those of the chart it goes through `measurements.blocks`,
where the offset of the patient and the latents that analytes share are integrated. Territory,
device, axis and intervals are drawn without looking at any illness and say nothing; nor does it
say anything whether an electrocardiogram was recorded at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.laboratory.oracle.factors import Factor, spared
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.radiograph import extent_likelihood, strength_of
from pipelines.laboratory.oracle.readings import Reading
from pipelines.laboratory.oracle.sets import ConditionSets
from pipelines.laboratory.simulate.ecg.heart import OBESITY, RATE, EcgSpec, EcgTable, check, load
from pipelines.laboratory.simulate.history import OBESE
from pipelines.laboratory.simulate.likelihoods import ImageFinding, Likelihoods


def factors(
    shown: EcgSpec, table: Likelihoods, sets: ConditionSets, people: People
) -> list[Factor]:
    """One factor for each finding, seen or not."""
    ecg = load()
    check(ecg, table)
    return of_findings(shown, ecg, sets, people)


def of_findings(shown: EcgSpec, ecg: EcgTable, sets: ConditionSets, people: People) -> list[Factor]:
    """`factors` by other likelihoods of the findings."""
    return [
        _finding(key, finding, shown.findings.get(key), sets, people)
        for key, finding in ecg.findings.items()
    ]


def readings(shown: EcgSpec, table: Likelihoods) -> Mapping[str, Sequence[Reading]]:
    """The heart rate as one more value of its analyte.

    A whole number of beats stands for all rates that round to it, and one at the end of the range
    for all beyond it.
    """
    analyte = table.analytes[RATE]
    low = -np.inf if shown.rate - 0.5 <= analyte.low else shown.rate - 0.5
    high = np.inf if shown.rate + 0.5 >= analyte.high else shown.rate + 0.5
    return {RATE: [Reading(low, high, shown.hours)]}


def _finding(
    key: str,
    finding: ImageFinding,
    extent: float | None,
    sets: ConditionSets,
    people: People,
) -> Factor:
    names, groups, rows = sets.group(finding.given)
    missed = spared(finding.base, finding.given, names, groups, people, graded=False)
    obese = people.bmi >= OBESE
    weighty = OBESITY in finding.given
    if weighty:
        missed = missed + np.where(obese, np.log1p(-finding.given[OBESITY]), 0.0)
    if extent is None:
        return Factor(f"ecg {key}", missed, rows)
    with np.errstate(divide="ignore"):
        values = np.log(-np.expm1(np.minimum(missed, 0.0)))
    strength = strength_of(finding, names, groups, people)
    if weighty:
        strength = np.where(obese, np.maximum(strength, 1.0), strength)
    return Factor(f"ecg {key}", values + extent_likelihood(finding, extent, strength), rows)
