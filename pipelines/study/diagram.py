"""The flow of a study as a figure: boxes, arrows and text, 900 px wide, for print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil

from pipelines.reports.figures import lettering
from pipelines.reports.figures.figure import Figure, figure
from pipelines.study.flow import Flow, Part, Share, heading, removed_words
from pipelines.study.selection import Step

WIDTH = 900
MARGIN = 40
MAIN, SIDE = 340, 430
"""Widths of the main column and of the boxes that branch off it, in px."""
FONT, LINE, PAD, GAP = 14, 19, 10, 16
"""Size of text, distance of lines, padding inside and distance between boxes, in px."""
MOST_ACROSS = 4
CENTRE, TRUNK = MARGIN + MAIN / 2, MARGIN / 2
"""Where the way goes down: through the main column, and left of the rows of parts."""
SIDE_LEFT = WIDTH - MARGIN - SIDE
INK, PALE, TINT = "#222222", "#f4f4f4", "#eaf1f8"

Point = tuple[float, float]


@dataclass(frozen=True)
class _Line:
    """A line of a box: centred or, with `left`, at the left; `right` stands at the right."""

    text: str
    bold: bool = False
    left: bool = False
    right: str = ""


@dataclass(frozen=True)
class _Box:
    x: float
    y: float
    width: float
    lines: tuple[_Line, ...]
    fill: str = "#ffffff"

    @property
    def height(self) -> float:
        return 2 * PAD + LINE * len(self.lines)

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def flow_diagram(found: Flow) -> Figure:
    """The flow diagram of a study."""
    drawn: list[str] = []
    main: list[_Box] = []
    y = float(GAP)
    for lines, branch in _rows(found):
        box = _Box(MARGIN, y, MAIN, lines)
        main.append(box)
        drawn.append(_box(box))
        y = box.bottom + 2 * GAP
        if branch:
            side = _Box(SIDE_LEFT, box.bottom + GAP, SIDE, branch, PALE)
            level = side.y + side.height / 2
            drawn += [_box(side), _arrow((CENTRE, level), (SIDE_LEFT, level))]
            y = side.bottom + GAP
    drawn += [_arrow((CENTRE, one.bottom), (CENTRE, two.y)) for one, two in pairwise(main)]
    if found.parts:
        drawn.append(_path((CENTRE, main[-1].bottom), (CENTRE, y)))
        parts, y = _split(found.parts, y)
        drawn += parts
    else:
        y -= GAP
    words = f"Flow of cases: {found.listed} in the cohort, {found.chosen.cases} eligible"
    return figure(drawn, WIDTH, y, words, font=FONT, ink=INK)


def _rows(found: Flow) -> Iterator[tuple[tuple[_Line, ...], tuple[_Line, ...]]]:
    """From the top: lines of a box in the main column, and of the box that branches off below."""
    listed = f"{found.listed} case{'' if found.listed == 1 else 's'}"
    yield _main("Cases of the cohort", listed), _reasons("Could not be read", found.skipped)
    unused = _reasons("Not used", found.left_out)
    if not found.steps:
        yield _main("Read, all eligible", str(found.read)), unused
        return
    lines = _main("Read", str(found.read))
    for step in found.steps:
        yield lines, _removed(step)
        lines = _main("", str(step.left))
    yield _main("Eligible", str(found.chosen)), unused


def _main(title: str, text: str) -> tuple[_Line, ...]:
    named = (_Line(title, bold=True),) if title else ()
    return (*named, *(_Line(part) for part in wrapped(text, MAIN - 2 * PAD)))


def _reasons(title: str, reasons: Mapping[str, int]) -> tuple[_Line, ...]:
    if not reasons:
        return ()
    total = sum(reasons.values())
    lines = [_Line(title, bold=True, left=True, right=str(total))]
    for reason, count in reasons.items():
        lines += _entry(reason, str(count), SIDE - 2 * PAD)
    return tuple(lines)


def _removed(step: Step) -> tuple[_Line, ...]:
    inner = SIDE - 2 * PAD
    lines = [_Line(text, bold=True, left=True) for text in wrapped(heading(step), inner, bold=True)]
    for text in (f"({step.condition})", *removed_words(step)):
        lines += [_Line(part, left=True) for part in wrapped(text, inner)]
    return tuple(lines)


def _entry(name: str, value: str, inner: float) -> list[_Line]:
    """A name at the left and its value at the right, beside its end or, if too wide, below it."""
    beside = inner - FONT - text_width(value)
    lines = wrapped(name, inner)
    if text_width(lines[-1]) > beside:
        if any(text_width(word) > beside for word in name.split()):
            below = wrapped(value, inner)
            lefts = [_Line(part, left=True) for part in lines]
            return [*lefts, *(_Line("", left=True, right=part) for part in below)]
        lines = wrapped(name, beside)
    *first, last = lines
    return [*(_Line(part, left=True) for part in first), _Line(last, left=True, right=value)]


def _split(parts: Sequence[Part], y: float) -> tuple[list[str], float]:
    """Boxes of the parts in rows, under a line that the last main box leads to; and their end."""
    across = ceil(len(parts) / ceil(len(parts) / MOST_ACROSS))
    width = (WIDTH - 2 * MARGIN - GAP * (across - 1)) / across
    drawn: list[str] = []
    levels = []
    for start in range(0, len(parts), across):
        levels.append(y)
        boxes = [
            _part(part, MARGIN + n * (width + GAP), y + GAP, width)
            for n, part in enumerate(parts[start : start + across])
        ]
        # The line above a row reaches all its boxes and what leads to it from above.
        ends = [CENTRE if start == 0 else TRUNK, *(box.middle for box in boxes)]
        if len(parts) > across:
            ends.append(TRUNK)
        drawn.append(_path((min(ends), y), (max(ends), y)))
        for box in boxes:
            drawn += [_arrow((box.middle, y), (box.middle, box.y)), _box(box)]
        y = max(box.bottom for box in boxes) + GAP
    drawn += [_path((TRUNK, one), (TRUNK, two)) for one, two in pairwise(levels)]
    return drawn, y


def _part(part: Part, x: float, y: float, width: float) -> _Box:
    inner = width - 2 * PAD
    lines = [_Line(text, bold=True) for text in wrapped(part.name, inner, bold=True)]
    lines += [_Line(text) for text in wrapped(str(part.counts), inner)]
    if part.labels:
        lines.append(_Line("positive of known:", left=True))
    for name, value in _values(part.labels, inner).items():
        lines += _entry(name, value, inner)
    return _Box(x, y, width, tuple(lines), TINT)


def _values(labels: Mapping[str, Share], inner: float) -> dict[str, str]:
    """Shares as text, with percentages where that takes no more lines."""
    short = {name: str(share) for name, share in labels.items()}
    full = {name: f"{share} {share.percent}".strip() for name, share in labels.items()}
    lengths = [
        sum(len(_entry(name, value, inner)) for name, value in values.items())
        for values in (short, full)
    ]
    return full if lengths[1] <= lengths[0] else short


def text_width(text: str, *, bold: bool = False) -> float:
    """About how many px a text takes, on the large side."""
    return lettering.text_width(text, FONT, bold=bold)


def wrapped(text: str, width: float, *, bold: bool = False) -> list[str]:
    """Lines of at most `width` px, broken between words, or within one that is too long."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, bold=bold) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, bold=bold) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _box(box: _Box) -> str:
    rows = [
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}"'
        f' rx="3" fill="{box.fill}" stroke="{INK}"/>'
    ]
    for number, line in enumerate(box.lines):
        y = box.y + PAD + LINE * number + 0.75 * LINE
        if line.left:
            rows += _text(line.text, (box.x + PAD, y), "start", line.bold)
        else:
            rows += _text(line.text, (box.middle, y), "middle", line.bold)
        rows += _text(line.right, (box.x + box.width - PAD, y), "end", line.bold)
    return "\n".join(rows)


def _text(text: str, place: Point, anchor: str, bold: bool) -> list[str]:
    if not text:
        return []
    weight = ' font-weight="bold"' if bold else ""
    x, y = place
    return [f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight}>{escape(text)}</text>']


def _path(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    return f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" fill="none" stroke="{INK}"/>'


def _arrow(start: Point, end: Point) -> str:
    """A line with a head; straight down, or straight to the right."""
    x, y = end
    right = start[1] == y
    head = f"M{x:g} {y:g}l-8 -4v8z" if right else f"M{x:g} {y:g}l-4 -8h8z"
    return f'{_path(start, end)}\n<path d="{head}" fill="{INK}"/>'
