"""An electrocardiogram as an input of a case: the array that is kept, and what is made of it.

The array has the axes lead and time, mV at one rate, and the names of its leads; it says nothing
that `waveform.canonical` did not. What is measured on it is computed when it is asked for, by the
program, and never stored.
"""

from __future__ import annotations

from functools import lru_cache

from clinical.case.shapes import Array
from clinical.modalities.ecg import criteria, quality
from clinical.modalities.ecg.criteria import Criterion
from clinical.modalities.ecg.quality import Trouble
from clinical.modalities.ecg.tokens import Tokens, tokens_of
from clinical.modalities.ecg.waveform import Waveform

AXES = ("lead", "time")

_DERIVED = "computed_leads"


def array_of(waveform: Waveform) -> Array:
    """The array [leads, samples] of an electrocardiogram in canonical form."""
    derived = {_DERIVED: " ".join(waveform.derived)} if waveform.derived else {}
    return Array(
        waveform.samples,
        AXES,
        spacing=(1.0, 1 / waveform.rate),
        source={**waveform.source, **derived},
        unit="mV",
        names={"lead": waveform.leads},
    )


def waveform_of(array: Array) -> Waveform:
    """The electrocardiogram of an array of `array_of`.

    Raises:
        ValueError: if the array is another one.
    """
    if array.axes != AXES or array.spacing is None or array.unit != "mV":
        raise ValueError(f"an array with the axes {array.axes} is not an electrocardiogram")
    source = dict(array.source)
    derived = tuple(source.pop(_DERIVED, "").split())
    rate = round(1 / array.spacing[1], 6)
    return Waveform(array.names["lead"], array.values, rate, source, derived)


# A page asks for the same tracing once for each of its parts, and at every run.
@lru_cache(maxsize=16)
def tokens(array: Array) -> Tokens:
    """Beats and measurements of a tracing."""
    return tokens_of(waveform_of(array))


def criteria_met(array: Array) -> tuple[Criterion, ...]:
    """The classical criteria that a tracing meets."""
    return criteria.met(tokens(array).analysis)


def troubles(array: Array) -> tuple[Trouble, ...]:
    """What is wrong with the recording."""
    return quality.troubles(waveform_of(array), tokens(array).analysis)
