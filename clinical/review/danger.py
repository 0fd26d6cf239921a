"""What of a case is dangerous by its measurements alone, whatever any model makes of it.

Critical values (clinical/terms/critical.csv) and NEWS2 (clinical/terms/news2.csv), each from the
latest values before the decision. They are computed from the record of a case and stored nowhere,
so that they hold for every workspace, with a model and without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from clinical.case import case as cases
from clinical.case.case import Case
from clinical.case.shapes import Measurement
from clinical.modalities.kit import person, read_by
from clinical.terms import critical, news2
from clinical.terms.critical import Found, critical_now
from clinical.terms.loinc import lookup
from clinical.terms.shown import spoken
from clinical.wording import inside_a_sentence

Alarm = Literal["now", "soon"]


@dataclass(frozen=True)
class Danger:
    """What a reader has to know before anything else.

    Attributes:
        critical: critical values, in the order of the table.
        score: NEWS2, or None.
        no_score: why there is no NEWS2 though something was measured, or "".
    """

    critical: tuple[Found, ...] = ()
    score: news2.Score | None = None
    no_score: str = ""

    @property
    def alarm(self) -> Alarm | None:
        """How urgent the values make it: the thresholds of the Royal College of Physicians."""
        points = self.score.points if self.score else 0
        if self.critical or points >= news2.EMERGENCY:
            return "now"
        urgent = points >= news2.URGENT or (self.score is not None and self.score.red)
        return "soon" if urgent else None


NONE = Danger()


def of_case(case: Case) -> Danger:
    """Critical values and NEWS2 of a case, at its decision."""
    measured = [item for kit, _, value in read_by(case) for item in kit.measured(value)]
    age = person(case).age_years
    score = news2.score(measured, case.decision_time, age)
    return Danger(
        critical_now(measured, case.decision_time, age), score, _why_none(measured, age, score)
    )


def of_record(record: Mapping[str, Any]) -> Danger:
    """`of_case` of a case as `clinical.case.case.as_json` gave it; reads only what it needs.

    That is the age, the values that have limits, and otherwise one to know that there are any.
    """
    kept = {}
    for name, shape in record["inputs"].items():
        if shape["shape"] == "measurements":
            watched = [item for item in shape["items"] if _watched(item["code"])]
            kept[name] = {**shape, "items": watched or shape["items"][:1]}
        elif shape["shape"] == "events":
            kept[name] = {**shape, "items": []}
    return of_case(cases.from_json({**record, "inputs": kept}, {}))


@lru_cache(maxsize=4096)
def _watched(code: str) -> bool:
    term = lookup(code)
    return term is not None and (
        term.code in critical.rows() or any(row.code == term.code for row in news2.chart())
    )


def _why_none(measured: list[Measurement], age: float | None, score: news2.Score | None) -> str:
    if score is not None or not measured:
        return ""
    if age is not None and age < news2.FROM_AGE:
        return f"Not scored: the chart is for people of {news2.FROM_AGE:.0f} years and older"
    return ""


def critical_values(danger: Danger) -> str:
    """ "Potassium 6.9 mmol/L, lactate (blood) 5.8 mmol/L", or ""."""
    return ", ".join(
        spoken(one.measured) if place == 0 else inside_a_sentence(spoken(one.measured))
        for place, one in enumerate(danger.critical)
    )


def score_words(danger: Danger) -> str:
    """The score, of how many parts, each with its value and points; why there is none; or "".

    What is missing comes before the parts: where there is room for one line, its end is cut off.
    """
    score = danger.score
    if score is None:
        return danger.no_score
    there = ", ".join(
        f"{inside_a_sentence(spoken(part.measured))}: {part.points}"
        for part in score.parts
        if part.measured is not None
    )
    absent = ", ".join(part.name for part in score.parts if part.points is None)
    return (
        f"{'At least ' if absent else ''}{score.points}, from {score.recorded} of the"
        f" {len(score.parts)} parts.{f' Not recorded: {absent}.' if absent else ''} Points: {there}"
    )


def short_words(danger: Danger) -> str:
    """What fits beside a case in a list: "Potassium 6.9 mmol/L and 2 more, NEWS2 ≥ 11", or ""."""
    pieces = []
    if danger.critical:
        more = f" and {len(danger.critical) - 1} more" if len(danger.critical) > 1 else ""
        pieces.append(f"{spoken(danger.critical[0].measured)}{more}")
    if danger.score and danger.alarm:
        pieces.append(f"NEWS2\N{NO-BREAK SPACE}≥\N{NO-BREAK SPACE}{danger.score.points}")
    return ", ".join(pieces)
