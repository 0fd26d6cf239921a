"""Alerts: what somebody has to look at, each a rule with a figure, a threshold and a reason.

A rule fires only where its interval lies beyond the threshold, or enough cases are counted that
chance alone would hardly do it. An alert says where to look, not what is wrong. The thresholds are
choices of ours, made before any reader was measured; the reasons stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinical.wording import words
from pipelines.agreement.acceptance import Acceptance, OfDiagnosis
from pipelines.agreement.attention import Took
from pipelines.agreement.cells import ALL, LEAST
from pipelines.agreement.inputs import Given, Marked, Measured
from pipelines.agreement.outputs import Expected
from pipelines.agreement.reference import measurement_words
from pipelines.agreement.second import Doubled
from pipelines.agreement.switched import Switched
from pipelines.statistics.proportions import wilson

MOST_OVERRIDDEN = 0.5
ALWAYS_ACCEPTED = 50
LEAST_SECONDS, LEAST_TIMED = 20.0, 10
LEAST_KAPPA, LEAST_DOUBLED = 0.6, 10
LEAST_HARMFUL = 0.5
MOST_OUTSIDE = 0.05
MORE_MISSING = 0.1
FARTHEST = 0.15
OTHER_PREVALENCE = 1.5


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: code.
        words: when it fires, with the threshold.
        reason: why there.
    """

    name: str
    words: str
    reason: str


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "overridden",
            f"Suggestions of a diagnosis modified or rejected in a month: interval above"
            f" {MOST_OVERRIDDEN:.0%}",
            "Readers then overrule more suggestions than they follow.",
        ),
        Rule(
            "always_accepted",
            f"A reader accepted every one of at least {ALWAYS_ACCEPTED} suggestions in a month",
            "A reader who rejects 6 in 100 has a 5% chance of such a run. It may be a good model,"
            " or a reader who no longer looks.",
        ),
        Rule(
            "hasty",
            f"Median active time of a reader in a month under {LEAST_SECONDS:g} s, of at least"
            f" {LEAST_TIMED} cases",
            "A film, a table of measurements and a note can hardly be read in less.",
        ),
        Rule(
            "low_kappa",
            f"Kappa of two readers on a diagnosis in a month: interval below {LEAST_KAPPA}, over at"
            f" least {LEAST_DOUBLED} cases, {LEAST} of them with it according to either reader",
            "Where agreement is called substantial (Landis and Koch, Biometrics 1977; 33: 159).",
        ),
        Rule(
            "harmful",
            f"Harmful changes after the first read: interval above {LEAST_HARMFUL:.0%} of those"
            " with known truth",
            "The model then misleads more often than it helps.",
        ),
        Rule(
            "outside",
            f"Cases flagged as out of distribution in a month: interval above {MOST_OUTSIDE:.0%}",
            "Of cases like the validation cases, at most 1% are flagged for each input.",
        ),
        Rule(
            "missing",
            f"Cases of a month without an input: interval more than {100 * MORE_MISSING:.0f} points"
            " above validation",
            "Probabilities are calibrated for missing inputs, but rest on less information.",
        ),
        Rule(
            "measured_otherwise",
            f"A measurement in a month: distance from the training quantiles above {FARTHEST} and"
            " above chance",
            "A seventh of the values has then shifted; a change of method or unit shifts more.",
        ),
        Rule(
            "expected_otherwise",
            f"Mean probability of a diagnosis in a month: interval above {OTHER_PREVALENCE} times"
            f" the prevalence in training, or below 1/{OTHER_PREVALENCE}",
            "This is more than a season or a ward usually explains.",
        ),
    )
}


@dataclass(frozen=True)
class Alert:
    """One rule that fired.

    Attributes:
        rule: a key of `RULES`.
        model, reader, period, subject: where; the subject is a diagnosis, input or code, or "".
        number: what was measured.
        threshold: what it is beyond.
        cases: on how many it rests.
        sentence: for people.
    """

    rule: str
    model: str
    reader: str
    period: str
    subject: str
    number: float
    threshold: float
    cases: int
    sentence: str


def overridden(rows: Sequence[OfDiagnosis]) -> list[Alert]:
    """Diagnoses that readers go against."""
    return [
        Alert(
            "overridden", r.model, ALL, r.period, r.diagnosis, r.overridden.value,
            MOST_OVERRIDDEN, r.suggested,
            f"{words(r.diagnosis)}: {r.overridden.value:.0%} of {r.suggested} suggestions were"
            f" modified or rejected (at least {r.overridden.low:.0%}).",
        )
        for r in rows
        if r.period and r.overridden.value is not None and r.overridden.low is not None
        and r.overridden.low > MOST_OVERRIDDEN
    ]  # fmt: skip


def always_accepted(rows: Sequence[Acceptance]) -> list[Alert]:
    """Readers who accept everything."""
    return [
        Alert(
            "always_accepted", r.model, r.reader, r.period, "", 1.0, float(ALWAYS_ACCEPTED),
            r.suggested, f"{r.reader} accepted all {r.suggested} suggestions.",
        )
        for r in rows
        if r.period and r.reader and r.accepted == r.suggested >= ALWAYS_ACCEPTED
    ]  # fmt: skip


def hasty(rows: Sequence[Took]) -> list[Alert]:
    """Readers who take hardly any time."""
    return [
        Alert(
            "hasty", r.model, r.reader, r.period, "", r.median, LEAST_SECONDS, r.measured,
            f"{r.reader} took a median of {r.median:.0f} s over {r.measured} cases.",
        )
        for r in rows
        if r.period and r.reader and r.measured >= LEAST_TIMED
        and r.median is not None and r.median < LEAST_SECONDS
    ]  # fmt: skip


def low_kappa(rows: Sequence[Doubled]) -> list[Alert]:
    """Diagnoses that two readers see differently.

    Not over all diagnoses together: that kappa counts only what somebody decided on, and is low
    wherever most of it is accepted.
    """
    return [
        Alert(
            "low_kappa", r.model, ALL, r.period, r.diagnosis, r.kappa.value, LEAST_KAPPA, r.cases,
            f"{words(r.diagnosis)}: two readers agree with a kappa of {r.kappa.value:.2f} over"
            f" {r.cases} cases (at most {r.kappa.high:.2f}).",
        )
        for r in rows
        if r.period and r.diagnosis != ALL and r.cases >= LEAST_DOUBLED
        and r.kappa.both + r.differing >= LEAST
        and r.kappa.value is not None and r.kappa.high is not None and r.kappa.high < LEAST_KAPPA
    ]  # fmt: skip


def harmful(rows: Sequence[Switched]) -> list[Alert]:
    """Months in which the model leads readers astray."""
    return [
        Alert(
            "harmful", r.model, ALL, r.period, "", r.harmful / (r.helpful + r.harmful),
            LEAST_HARMFUL, r.helpful + r.harmful,
            f"{r.harmful} of {r.helpful + r.harmful} changes were harmful.",
        )
        for r in rows
        if r.period and r.reader == ALL
        and wilson(r.harmful, r.helpful + r.harmful)[0] > LEAST_HARMFUL
    ]  # fmt: skip


def outside(rows: Sequence[Marked]) -> list[Alert]:
    """Months with other cases than those of training."""
    return [
        Alert(
            "outside", r.model, ALL, r.period, "", r.share.value, MOST_OUTSIDE, r.share.cases,
            f"{r.share.value:.0%} of {r.share.cases} cases are flagged as out of distribution"
            f" (at least {r.share.low:.0%}).",
        )
        for r in rows
        if r.period and r.share.value is not None and r.share.low is not None
        and r.share.low > MOST_OUTSIDE
    ]  # fmt: skip


def missing(rows: Sequence[Given]) -> list[Alert]:
    """Inputs that are gone."""
    found = []
    for r in rows:
        if not r.period or r.usual_missing is None or r.missing.value is None:
            continue
        threshold = r.usual_missing + MORE_MISSING
        if r.missing.low is not None and r.missing.low > threshold:
            found.append(
                Alert(
                    "missing",
                    r.model,
                    ALL,
                    r.period,
                    r.modality,
                    r.missing.value,
                    threshold,
                    r.missing.cases,
                    f"{words(r.modality)}: missing in {r.missing.value:.0%} of"
                    f" {r.missing.cases} cases, in {r.usual_missing:.0%} of validation.",
                )
            )
    return found


def measured_otherwise(rows: Sequence[Measured]) -> list[Alert]:
    """Measurements that come from elsewhere."""
    return [
        Alert(
            "measured_otherwise", r.model, ALL, r.period, r.code, r.statistic,
            max(FARTHEST, r.limit), r.cases,
            f"{measurement_words(r.code)}: {r.statistic:.2f} from training over {r.cases} cases;"
            f" the median shifted by {r.shift:+.1f} interquartile ranges.",
        )
        for r in rows
        if r.period and r.statistic > max(FARTHEST, r.limit)
    ]  # fmt: skip


def expected_otherwise(rows: Sequence[Expected]) -> list[Alert]:
    """Diagnoses that the model expects more or less often than it has learned them."""
    found = []
    for r in rows:
        if not r.period or r.probability.value is None:
            continue
        least, most = r.prevalence / OTHER_PREVALENCE, r.prevalence * OTHER_PREVALENCE
        low, high = r.probability.low or 0.0, r.probability.high or 0.0
        if low > most or high < least:
            found.append(
                Alert(
                    "expected_otherwise",
                    r.model,
                    ALL,
                    r.period,
                    r.diagnosis,
                    r.probability.value,
                    most if low > most else least,
                    r.cases,
                    f"{words(r.diagnosis)}: mean probability {r.probability.value:.1%} over"
                    f" {r.cases} cases, {r.prevalence:.1%} in training.",
                )
            )
    return found
