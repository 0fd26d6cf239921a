"""For which ages a model may speak: those of the patients that it was trained on.

The age groups are those of ICH E11 (2017): newborn to 27 days, infants and toddlers to 23 months,
children to 11 years, adolescents to 17 years, adults. A model says something only of groups that
its training cases came from, because a child is not a small adult.

Training writes the range into model.json. A checkpoint from before that keeps its digest: beside
it, ages.json states the range for the digest that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.case.withheld import Reason, other_age
from clinical.model import beside_checkpoint

BESIDE = "ages.json"
GROUPS = (0.0, 28 / 365.25, 2.0, 12.0, 18.0)
"""Where each age group begins, in years."""


@dataclass(frozen=True)
class AgeRange:
    """Ages in years that a model was trained on: `low` to below `high`; None has no end.

    Where it is `judged`, they are those of the patients that it was judged on, and no others of
    which it was shown to say anything.
    """

    low: float | None = None
    high: float | None = None
    judged: bool = False

    def outside(self, age_years: float | None) -> Reason | None:
        """Why the model does not speak of a patient of this age, or None; unknown age is None."""
        if age_years is None:
            return None
        if (self.low is None or age_years >= self.low) and (
            self.high is None or age_years < self.high
        ):
            return None
        return other_age(self.words, judged=self.judged)

    @property
    def words(self) -> str:
        """ "patients of 18 years and older"."""
        low, high = self.low or 0.0, self.high
        if high is None:
            return f"patients of {_years(low)} and older" if low else "patients of any age"
        return f"patients from {_years(low)} to below {_years(high)}"


ANY_AGE = AgeRange()


def seen(ages: Iterable[float | None]) -> dict[str, float | None] | None:
    """The groups that the known ages of training cases come from, as model.json holds them."""
    known = [age for age in ages if age is not None]
    if not known:
        return None
    low = max(start for start in GROUPS if start <= max(min(known), 0.0))
    later = [start for start in GROUPS if start > max(known)]
    return {"from": low, "to": later[0] if later else None}


def stated(description: Mapping[str, Any], folder: Path | None = None) -> AgeRange:
    """The range that a checkpoint states, in model.json or beside it; any age where it does not.

    Raises:
        ModelError: if the file beside it is of another checkpoint, or states no range.
    """
    found = description.get("facts", {}).get("ages")
    if found is None and folder is not None:
        digest = str(description.get("digest"))
        found = beside_checkpoint.read(folder / BESIDE, digest, _range, "states no range of ages")
    if found is None:
        return ANY_AGE
    return AgeRange(found["from"], found["to"], bool(found.get("judged")))


def _range(data: Mapping[str, Any]) -> Mapping[str, float | None]:
    found = data["ages"]
    return {"from": found["from"], "to": found["to"]}


def _years(age: float) -> str:
    if 0 < age < 1:
        return f"{age * 365.25:.0f} days"
    return f"{age:g} year" if age == 1 else f"{age:g} years"
