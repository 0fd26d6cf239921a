"""Filters of electrocardiograms without a phase, their peaks, and their samples at another rate.

SciPy takes longer to load than a command that only looks at tables takes to run, so the first
recording loads it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def filtered(
    samples: Floats,
    rate: float,
    kind: Literal["lowpass", "highpass", "bandpass"],
    cut: float | tuple[float, float],
    *,
    padded: int | None = None,
) -> NDArray[Any]:
    """Samples [leads, samples] through a Butterworth filter of order 2, forwards and backwards.

    Args:
        samples: at `rate` Hz.
        rate: Hz.
        kind: what passes.
        cut: Hz; of a band, both its ends.
        padded: samples by which the ends are extended; None takes what the order asks for.
    """
    from scipy import signal

    sections = signal.butter(2, cut, kind, fs=rate, output="sos")
    extended = {} if padded is None else {"padlen": padded}
    return np.asarray(signal.sosfiltfilt(sections, samples, axis=1, **extended))


def averaged(course: Floats, width: int) -> NDArray[np.float64]:
    """The mean of a course [samples] over `width` samples around each."""
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter1d(course, width))


def smoothed(course: Floats, deviation: float) -> NDArray[np.float64]:
    """A course [samples] smoothed by a normal curve whose standard deviation is in samples."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter1d(course, deviation))


def highest_around(course: Floats, width: int) -> NDArray[np.float64]:
    """The highest value of a course [samples] among `width` samples around each."""
    from scipy import ndimage

    return np.asarray(ndimage.maximum_filter1d(course, width, mode="nearest"))


def maxima(course: Floats, distance: int) -> NDArray[np.intp]:
    """Where a course [samples] is highest, at least `distance` samples apart."""
    from scipy import signal

    return np.asarray(signal.find_peaks(course, distance=distance)[0], np.intp)


def resampled(samples: Floats, rate: float, wanted: float) -> NDArray[np.float32]:
    """Samples [leads, samples] at another rate, by a zero-phase polyphase filter."""
    if rate == wanted:
        return np.asarray(samples, np.float32)
    from scipy import signal

    ratio = Fraction(wanted / rate).limit_denominator(1000)
    # The ends are mirrored about their values, so that an offset does not ring there.
    found = signal.resample_poly(
        samples.astype(np.float64), ratio.numerator, ratio.denominator, axis=1, padtype="line"
    )
    return np.asarray(found, np.float32)
