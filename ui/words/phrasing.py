"""How numbers, times and codes read to a clinician."""

from __future__ import annotations

from datetime import datetime

from clinical.case.assessment import EvidenceItem
from clinical.formatting import duration as duration
from clinical.terms.diagnoses import spoken
from clinical.terms.shown import unit as unit
from clinical.wording import words

# Upper limit of each step, low to high.
_WORDS = (
    (0.02, "very unlikely"),
    (0.15, "unlikely"),
    (0.35, "possible"),
    (0.65, "about even"),
    (0.90, "likely"),
    (1.01, "very likely"),
)


def probability_words(probability: float) -> str:
    """Plain words for a probability from 0 to 1."""
    return next(words for limit, words in _WORDS if probability < limit)


def percent(probability: float) -> str:
    """A probability as a whole per cent; a bare 0 or 100 for an exact share only."""
    if 0 < probability < 0.01:
        return "<1%"
    if 0.99 < probability < 1:
        return ">99%"
    return f"{probability:.0%}"


def named(name: str) -> str:
    """A diagnosis or section as shown: `bacterial_pneumonia` reads "Bacterial pneumonia"."""
    plain = words(name)
    return plain[:1].upper() + plain[1:]


def diagnosis(name: str) -> str:
    """A diagnosis of a model's list, or a code with the name that the short list has for it."""
    if ":" not in name:
        return named(name)
    known = spoken(name)
    code = name.replace(":", " ", 1)
    return f"{known} ({code})" if known else code


def moment(time: datetime | None) -> str:
    """A time to the minute, as the source's clock showed it, with its time zone if it has one."""
    return f"{time:%Y-%m-%d %H:%M} {_zone(time)}".rstrip() if time else "time unknown"


def _zone(time: datetime) -> str:
    """ "UTC+2" or "UTC−3:30"; "" where the source gave no zone."""
    offset = time.utcoffset()
    if offset is None:
        return ""
    minutes = round(offset.total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02d}" if rest else "")


def utc(recorded: str) -> str:
    """The time of an event, to the minute."""
    return f"{datetime.fromisoformat(recorded):%Y-%m-%d %H:%M} UTC"


def before(time: datetime | None, decision: datetime | None) -> str:
    """How long before the decision something was: "40 min", "3 h", "12 d"; "" if unknown."""
    if time is None or decision is None or (time.tzinfo is None) != (decision.tzinfo is None):
        return ""
    return duration(decision - time)


def points(difference: float) -> str:
    """A difference of two probabilities in whole percentage points, with its sign."""
    whole = round(100 * difference)
    unit = "point" if abs(whole) == 1 else "points"
    return f"{whole:+d} {unit}".replace("-", "−") if whole else "±0 points"


def effect(relevance: float) -> str:
    """A share of all evidence in whole per cent, with its sign."""
    return f"{relevance:+.0%}".replace("-", "−") if abs(relevance) >= 0.005 else "0%"


def added(change: float) -> str:
    """The same where there is little room: "+12", "−0.4"."""
    size = abs(100 * change)
    if size < 0.05:
        return "0"
    return f"{100 * change:+.{0 if size >= 0.95 else 1}f}".replace("-", "−")


def adds(item: EvidenceItem) -> str:
    """What a piece of evidence adds: points of probability, in older records its share."""
    return effect(item.relevance) if item.change is None else added(item.change)


def capital(text: str) -> str:
    """`text` with a capital."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
    whole = capital(text)
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."
