"""How numbers, times and codes read to a clinician."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from clinical.terms.diagnoses import spoken
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

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = (  # minutes in one, symbol, used below this many
    (1.0, "min", 90),
    (60.0, "h", 48),
    (1440.0, "d", 120),
    (30.44 * 1440, "mo", 24),
)


def probability_words(probability: float) -> str:
    """Plain words for a probability from 0 to 1."""
    return next(words for limit, words in _WORDS if probability < limit)


def percent(probability: float) -> str:
    """A probability as a whole per cent; never a bare 0 or 100 for what is not certain."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
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


def number(value: float) -> str:
    """At most four significant digits, never in exponent form for clinical ranges."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value)}"
    return f"{value:.4g}" if 1e-3 <= abs(value) < 1e5 else f"{value:g}"


def unit(ucum: str) -> str:
    """A UCUM unit as written by hand: `10*9/L` is "10⁹/L", `mm[Hg]` "mmHg", `{INR}` "INR"."""
    if ucum == "Cel":
        return "°C"
    powers = re.sub(r"10\*(\d+)", lambda found: "10" + found[1].translate(_RAISED), ucum)
    plain = re.sub(r"[\[\]}]", "", powers).replace("{", " ").strip()
    return re.sub(r"(^|/)u(?=[a-zA-Z])", r"\1µ", plain)


def limits(reference: tuple[float | None, float | None]) -> str:
    """A reference range: "3.5–5.1", "< 5", "> 60" or ""."""
    low, high = reference
    if low is not None and high is not None:
        return f"{number(low)}–{number(high)}"
    if high is not None:
        return f"≤ {number(high)}"
    return f"≥ {number(low)}" if low is not None else ""


def moment(time: datetime | None) -> str:
    """A time to the minute, as the source's clock showed it."""
    return time.strftime("%Y-%m-%d %H:%M") if time else "time unknown"


def utc(recorded: str) -> str:
    """The time of an event, to the minute."""
    return f"{datetime.fromisoformat(recorded):%Y-%m-%d %H:%M} UTC"


def before(time: datetime | None, decision: datetime | None) -> str:
    """How long before the decision something was: "40 min", "3 h", "12 d"; "" if unknown."""
    if time is None or decision is None or (time.tzinfo is None) != (decision.tzinfo is None):
        return ""
    return duration(decision - time)


def duration(length: timedelta) -> str:
    """A length of time in its largest fitting unit."""
    minutes = length.total_seconds() / 60
    for size, unit, limit in _UNITS:
        if minutes < limit * size:
            return f"{minutes / size:.0f} {unit}"
    return f"{minutes / (365.25 * 1440):.0f} y"


def points(difference: float) -> str:
    """A difference of two probabilities in whole percentage points, with its sign."""
    whole = round(100 * difference)
    return f"{whole:+d} points".replace("-", "−") if whole else "±0 points"


def effect(relevance: float) -> str:
    """A share of all evidence in whole per cent, with its sign."""
    return f"{relevance:+.0%}".replace("-", "−") if abs(relevance) >= 0.005 else "0%"


def capital(text: str) -> str:
    """`text` with a capital."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
    whole = capital(text)
    return whole if whole.endswith((".", "!", "?")) else f"{whole}."
