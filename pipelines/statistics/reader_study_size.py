"""How many readers and cases the next reader study needs, from the components of this one.

Hillis, Obuchowski and Berbaum 2011 (Acad Radiol 18:129-142), for two conditions that all readers
use on all cases, with the same share of cases with the disease as the study behind the components.
Error and covariances shrink with the number of cases; readers' differences do not.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import f, ncf

from clinical.errors import ConfigError
from pipelines.statistics.obuchowski_rockette import Components

MOST_CASES = 5_000
WANTED_POWER = 0.8
_ALPHA = 0.05
_NO_LIMIT = 1e9


@dataclass(frozen=True)
class Size:
    """A study and its power, by a two-sided test at 5% that holds for other readers and cases.

    `cases` is None where not even MOST_CASES reach the power: more readers are needed.
    """

    readers: int
    cases: int | None
    power: float


def power(found: Components, difference: float, readers: int, cases: int) -> float:
    """Chance to find that two conditions differ.

    Args:
        found: of a study that is like the one planned.
        difference: true difference of the figure between the conditions.
        readers, cases: of the study planned; at least two of either.
    """
    interaction = max(found.interaction, 0.0)
    smaller = found.cases / cases
    own = smaller * (found.variance - found.cov1)
    shared = smaller * found.shared_cases
    whole = interaction + own + (readers - 1) * shared
    random = interaction + own - shared
    if whole <= 0:
        return 1.0
    degrees = (readers - 1) * (whole / random) ** 2 if random > 0 else _NO_LIMIT
    noncentrality = readers * difference**2 / 2 / whole
    return float(ncf.sf(f.ppf(1 - _ALPHA, 1, degrees), 1, degrees, noncentrality))


def cases_needed(
    found: Components, difference: float, readers: int, wanted: float = WANTED_POWER
) -> Size:
    """Least number of cases for so many readers.

    Raises:
        ConfigError: if no difference is looked for, or fewer than two readers.
    """
    if not difference or readers < 2:
        raise ConfigError(
            "A reader study is planned for a difference, and for at least two readers.",
            remedy="name the least difference that would matter, such as 0.05",
        )
    most = power(found, difference, readers, MOST_CASES)
    if most < wanted:
        return Size(readers, None, most)
    low, high = 2, MOST_CASES
    while low < high:
        middle = (low + high) // 2
        if power(found, difference, readers, middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return Size(readers, low, power(found, difference, readers, low))
