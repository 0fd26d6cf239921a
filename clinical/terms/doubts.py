"""Values that come by name and are more often those of something else than of what the name says.

doubtful.csv has, for a LOINC term, below and above which value (in the unit of the term) a value is
doubtful, in which units it must come for that (any where none is named), and what settles it: a
stated specimen, or a word in the name. A LOINC code always settles it. The limits are this
project's own, beyond what the named thing has but for the rarest patients:

- urine: creatinine of 45 mg/dL, blood pH of 6.5; leukocytes only where they are counted per uL;
- ionised: "Ca 1.2 mmol/l" is how analysers of blood gases print ionised calcium;
- fraction: 0.66 under "%" for neutrophils or lymphocytes.

Inside these limits nobody can tell, and the value is what its name says.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from clinical.terms.loinc import Term, plain

SAY_SPECIMEN = "write blood, serum, urine or what it was in a column specimen"


@dataclass(frozen=True)
class Doubt:
    """What a value may be instead, the column to blame, and what settles it."""

    problem: str
    column: str
    remedy: str


KINDS = {
    "urine": Doubt(
        "seldom of blood and may be of urine; no specimen is given", "value", SAY_SPECIMEN
    ),
    "ionised": Doubt(
        "seldom of total calcium and may be ionised calcium",
        "code",
        "write total calcium, ionised calcium, or the LOINC code",
    ),
    "fraction": Doubt(
        "seldom so low and may be a fraction of 1 under per cent",
        "unit",
        "write 1 as the unit of a fraction, or the LOINC code where it is right",
    ),
}


@dataclass(frozen=True)
class _Limits:
    units: tuple[str, ...]
    low: float | None
    high: float | None
    unless: tuple[str, ...]
    kind: str


@cache
def _limits() -> dict[str, Sequence[_Limits]]:
    text = resources.files("clinical.terms").joinpath("doubtful.csv").read_text(encoding="utf-8")
    found: dict[str, list[_Limits]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        found[row["code"]].append(
            _Limits(
                tuple(row["units"].split()),
                float(row["low"]) if row["low"] else None,
                float(row["high"]) if row["high"] else None,
                tuple(row["unless"].split()),
                row["may_be"],
            )
        )
    return dict(found)


def doubt(term: Term, name: str, specimen: str, value: float, unit: str) -> Doubt | None:
    """Why a value that came by name is not simply taken for `term`, or None.

    Args:
        term: what the name means.
        name: as the source has it; never a LOINC code.
        specimen: that is known, or "".
        value: in `term.unit`; 0 is never doubtful.
        unit: UCUM code of the unit that it came in.
    """
    for limits in _limits().get(term.code, ()):
        below = limits.low is not None and 0 < value < limits.low
        above = limits.high is not None and value > limits.high
        if not (below or above) or (limits.units and unit not in limits.units):
            continue
        settled = ("specimen" in limits.unless and specimen != "") or any(
            word in plain(name) for word in limits.unless
        )
        if not settled:
            return KINDS[limits.kind]
    return None
