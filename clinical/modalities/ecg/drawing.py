"""Draw an electrocardiogram as it is printed: 3 x 4 leads and a rhythm strip on millimetre paper.

The SVG is measured in millimetres, so it prints true to scale: 25 mm/s and 10 mm/mV (AHA/ACCF/HRS
2007, Circulation 115:1306). Each column shows its leads for the quarter of the recording that the
rhythm strip below shows at the same place. Rows are moved apart until no trace meets another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.ecg.waveform import Samples, Waveform

Floats = NDArray[np.float64]

MM_PER_SECOND, MM_PER_MV = 25.0, 10.0

ROWS = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
"""The leads of a page, row by row."""

RHYTHM = "II"
"""The lead of the rhythm strip, if it is there; else the first that is."""

PAGE_SECONDS = 10.0

PAPER, FAINT, STRONG = "#fffdfb", "#f5cfca", "#e9a59d"
INK, AGAINST, FOR, QUIET = "#111111", "#2a689f", "#96560d", "#5f5f5f"
"""Trace; evidence that speaks against; evidence that speaks for; what is not there."""

_LEFT, _RIGHT, _TOP, _FOOT = 15.0, 5.0, 5.0, 10.0
_PULSE = 5.0
_NAME = 4.0
_LEAST = 20.0
_DETAIL = 0.1
_UNITS = 100
_MOST = 40.0


@dataclass(frozen=True)
class Highlight:
    """A stretch of one lead that counts.

    Attributes:
        lead: its name.
        start, end: seconds from the beginning of the recording.
        strength: 0 to 1, how much it counts beside the strongest.
        sign: 1 where it speaks for what is asked, -1 where it speaks against.
    """

    lead: str
    start: float
    end: float
    strength: float
    sign: int = 1


@dataclass(frozen=True)
class Strip:
    """Where one stretch of one lead lies on the page; for calipers and highlights.

    Attributes:
        lead: its name.
        left, baseline: mm from the left, and from the top to where the lead's `level` lies.
        start, end: seconds of the recording.
        level: mV at the baseline.
        top, bottom: mm from the top between which the trace lies.
    """

    lead: str
    left: float
    baseline: float
    start: float
    end: float
    level: float
    top: float
    bottom: float

    def seconds(self, x: float) -> float:
        """Seconds of the recording at `x` mm from the left."""
        return self.start + (x - self.left) / MM_PER_SECOND

    def millivolts(self, y: float) -> float:
        """mV at `y` mm from the top."""
        return self.level + (self.baseline - y) / MM_PER_MV


@dataclass(frozen=True)
class Drawing:
    """A page.

    Attributes:
        svg: one svg element; its user unit is a millimetre.
        width, height: mm.
        strips: what is drawn where, in the order of the page; the rhythm strip is last.
    """

    svg: str
    width: float
    height: float
    strips: tuple[Strip, ...]


def page(
    waveform: Waveform,
    *,
    highlights: Sequence[Highlight] = (),
    rate_per_minute: float | None = None,
    start: float = 0.0,
) -> Drawing:
    """Draw 10 s of an electrocardiogram, or as much as there is.

    Args:
        waveform: in canonical form.
        highlights: what counts; drawn wherever the stretch is on the page.
        rate_per_minute: heart rate to print, if it is known.
        start: seconds of the recording at which the page begins.
    """
    strips = _laid_out(waveform, start)
    bottom = max(strip.bottom for strip in strips)
    width = _LEFT + PAGE_SECONDS * MM_PER_SECOND + _RIGHT
    height = float(np.ceil((bottom + _FOOT) / 5) * 5)
    parts = [*_paper(width, height)]
    parts += [_band(mark, strip) for mark in highlights for strip in strips if _meets(mark, strip)]
    parts += [_pulse(strip.baseline) for strip in strips if strip.left == _LEFT]
    parts += [_trace(waveform, strip) for strip in strips if strip.lead in waveform.leads]
    for mark in highlights:
        parts += [_stretch(waveform, mark, strip) for strip in strips if _meets(mark, strip)]
    parts += [_named(waveform, strip) for strip in strips]
    parts += _foot(waveform, width, height, rate_per_minute)
    label = escape(_described(waveform, rate_per_minute), quote=True)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}" '
        'font-family="Noto Sans, DejaVu Sans, sans-serif">'
    )
    return Drawing(f"{head}{''.join(parts)}</svg>", width, height, strips)


def _described(waveform: Waveform, rate: float | None) -> str:
    beats = f", {rate:.0f} beats per minute" if rate is not None else ""
    return f"Electrocardiogram, {len(waveform.leads)} leads, {waveform.seconds:.0f} s{beats}"


def _laid_out(waveform: Waveform, start: float) -> tuple[Strip, ...]:
    """The strips of all rows, far enough from each other."""
    quarter = PAGE_SECONDS / 4
    rhythm = RHYTHM if RHYTHM in waveform.leads else waveform.leads[0]
    rows = [
        [(lead, start + quarter * place, start + quarter * (place + 1)) for place, lead in row]
        for row in (list(enumerate(leads)) for leads in ROWS)
    ]
    rows.append([(rhythm, start, start + PAGE_SECONDS)])
    strips: list[Strip] = []
    free = _TOP
    for row in rows:
        reaches = [_reach(waveform, *stretch) for stretch in row]
        up = min(max(above for _, above, _ in reaches), _MOST)
        down = min(max(below for _, _, below in reaches), _MOST)
        # Baselines lie on the thick lines, where the eye looks for them.
        baseline = float(np.ceil((free + _NAME + max(up, MM_PER_MV + 1)) / 5) * 5)
        bottom = baseline + max(down, 4.0)
        for (lead, first, last), (level, _, _) in zip(row, reaches, strict=True):
            left = _LEFT + (first - start) * MM_PER_SECOND
            strips.append(Strip(lead, left, baseline, first, last, level, free, bottom))
        free = max(bottom + 1.0, baseline + _LEAST - MM_PER_MV - _NAME)
    return tuple(strips)


def _samples(waveform: Waveform, lead: str, start: float, end: float) -> tuple[int, Samples]:
    """Number of the first sample of a stretch, and the stretch; empty where there is none."""
    first = max(0, round(start * waveform.rate))
    last = max(first, round(end * waveform.rate) + 1)
    return first, waveform.lead(lead)[first:last]


def _reach(waveform: Waveform, lead: str, start: float, end: float) -> tuple[float, float, float]:
    """Level (mV) of a stretch, and mm that it reaches above and below it."""
    if lead not in waveform.leads:
        return 0.0, 0.0, 0.0
    _, values = _samples(waveform, lead, start, end)
    if not len(values):
        return 0.0, 0.0, 0.0
    level = float(np.median(waveform.lead(lead)))
    above, below = float(values.max()) - level, level - float(values.min())
    return level, max(above, 0.0) * MM_PER_MV, max(below, 0.0) * MM_PER_MV


def _paper(width: float, height: float) -> list[str]:
    """The grid: thin lines every millimetre, thick ones every five."""
    return [
        '<defs><pattern id="ecg-mm" width="5" height="5" patternUnits="userSpaceOnUse">'
        f'<path d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" stroke="{FAINT}" '
        'stroke-width="0.1" fill="none"/>'
        f'<path d="M0 0V5M0 0H5M5 0V5M0 5H5" stroke="{STRONG}" stroke-width="0.22" fill="none"/>'
        "</pattern></defs>",
        f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>',
        f'<rect width="{width:g}" height="{height:g}" fill="url(#ecg-mm)"/>',
    ]


def _pulse(baseline: float) -> str:
    """The calibration pulse: 1 mV for 0.2 s."""
    left = (_LEFT - _PULSE) / 2
    return (
        f'<path class="calibration" d="M{left - 2:g} {baseline:g}h2v{-MM_PER_MV:g}h{_PULSE:g}'
        f'v{MM_PER_MV:g}h2" fill="none" stroke="{INK}" stroke-width="0.25"/>'
    )


def _trace(waveform: Waveform, strip: Strip) -> str:
    path = _path(waveform, strip, strip.start, strip.end)
    bar = ""
    if strip.left > _LEFT:
        # Where one lead gives way to the next.
        bar = (
            f'<path d="M{strip.left:g} {strip.baseline - 2:g}v4" stroke="{INK}" '
            'stroke-width="0.35"/>'
        )
    return f"{bar}{_drawn(path, INK, 0.28, strip.lead)}"


def _drawn(path: str, colour: str, width: float, lead: str) -> str:
    return (
        f'<path class="trace" data-lead="{lead}" transform="scale({1 / _UNITS:g})" d="{path}" '
        f'fill="none" stroke="{colour}" stroke-width="{width * _UNITS:g}" '
        'stroke-linejoin="round"/>'
    )


def _path(waveform: Waveform, strip: Strip, start: float, end: float) -> str:
    """Path of a stretch, in hundredths of mm, no finer than `_DETAIL` mm."""
    first, values = _samples(waveform, strip.lead, start, end)
    if not len(values):
        return ""
    seconds = (first + np.arange(len(values))) / waveform.rate
    x = strip.left + (seconds - strip.start) * MM_PER_SECOND
    y = strip.baseline - np.clip((values - strip.level) * MM_PER_MV, -_MOST, _MOST)
    kept = _extremes(x, y)
    across = np.round(x[kept] * _UNITS).astype(int)
    down = np.round(y[kept] * _UNITS).astype(int)
    steps = _straightened(np.diff(across), np.diff(down))
    lines = "".join(f"{dx}{dy:+d}" if not at else f" {dx}{dy:+d}" for at, (dx, dy) in steps)
    return f"M{across[0]} {down[0]}l{lines}" if lines else f"M{across[0]} {down[0]}h1"


def _extremes(x: Floats, y: Floats) -> NDArray[np.intp]:
    """The first, lowest, highest and last sample of each `_DETAIL` mm, in order of time."""
    column = np.floor((x - x[0]) / _DETAIL + 1e-6).astype(int)
    edges = np.flatnonzero(np.diff(column, prepend=-1)).tolist()
    if len(edges) > len(x) / 3:
        return np.arange(len(x))
    chosen = {0, len(x) - 1}
    for begin, end in zip(edges, [*edges[1:], len(x)], strict=True):
        chosen |= {begin + int(np.argmin(y[begin:end])), begin + int(np.argmax(y[begin:end]))}
    return np.array(sorted(chosen))


def _straightened(
    across: NDArray[np.int_], down: NDArray[np.int_]
) -> list[tuple[int, tuple[int, int]]]:
    """Number and step of each line of a path; lines that go on in one direction become one."""
    steps: list[tuple[int, int]] = []
    for dx, dy in zip(across.tolist(), down.tolist(), strict=True):
        if steps and steps[-1][0] * dy == steps[-1][1] * dx:
            steps[-1] = (steps[-1][0] + dx, steps[-1][1] + dy)
        else:
            steps.append((dx, dy))
    return list(enumerate(steps))


def _meets(mark: Highlight, strip: Strip) -> bool:
    return mark.lead == strip.lead and mark.start < strip.end and mark.end > strip.start


def _colour(mark: Highlight) -> str:
    return FOR if mark.sign > 0 else AGAINST


def _band(mark: Highlight, strip: Strip) -> str:
    """What lies behind a stretch that counts: the stronger, the darker."""
    start, end = max(mark.start, strip.start), min(mark.end, strip.end)
    left = strip.left + (start - strip.start) * MM_PER_SECOND
    shade = 0.10 + 0.25 * float(np.clip(mark.strength, 0, 1))
    top = strip.top + _NAME
    return (
        f'<rect class="evidence" data-lead="{strip.lead}" x="{left:.2f}" y="{top:.2f}" '
        f'width="{(end - start) * MM_PER_SECOND:.2f}" height="{strip.bottom - top:.2f}" '
        f'fill="{_colour(mark)}" fill-opacity="{shade:.2f}" rx="0.6"/>'
    )


def _stretch(waveform: Waveform, mark: Highlight, strip: Strip) -> str:
    if strip.lead not in waveform.leads:
        return ""
    start, end = max(mark.start, strip.start), min(mark.end, strip.end)
    path = _path(waveform, strip, start, end)
    return _drawn(path, _colour(mark), 0.4, strip.lead) if path else ""


def _named(waveform: Waveform, strip: Strip) -> str:
    y = strip.top + 3.2
    name = strip.lead
    if strip.lead not in waveform.leads:
        return _text(strip.left + 1, y, f"{name} not recorded", QUIET)
    return _text(strip.left + 1, y, name + ("*" if name in waveform.derived else ""), INK)


def _text(x: float, y: float, words: str, colour: str, size: float = 3.2) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}">{escape(words)}</text>'


def _foot(waveform: Waveform, width: float, height: float, rate: float | None) -> list[str]:
    words = [f"{MM_PER_SECOND:g} mm/s", f"{MM_PER_MV:g} mm/mV"]
    if rate is not None:
        words.append(f"Rate {rate:.0f}/min")
    shown = [lead for lead in waveform.derived if any(lead in row for row in ROWS)]
    if shown:
        words.append(f"* computed from I and II: {', '.join(shown)}")
    left = waveform.source.get("left_out", "")
    if left:
        words.append(f"left out for gaps: {left}")
    base = height - 2.5
    # Plain paper behind the words, so that the grid does not run through them.
    back = f'<rect y="{height - 7:g}" width="{width:g}" height="7" fill="{PAPER}"/>'
    return [back, _text(_LEFT, base, "\u2003".join(words), INK)]
