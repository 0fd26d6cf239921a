"""HTML that cannot be forged: every inserted text is escaped, whatever it holds.

All markup of the page is made with `tag` and the few shapes below. Only `Markup`, which only this
module makes, passes through unescaped; case text never becomes Markup without `tag` around it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from markupsafe import Markup, escape

Content = str | Markup

EMPTY = Markup()
_WHOLE, _VOID = Markup("<{0}{1}>{2}</{0}>"), Markup("<{0}{1}>")


def tag(
    name: str, *content: Content | int, **attributes: str | int | float | bool | None
) -> Markup:
    """One element. Attribute names: `class_` for class, `data_open` for data-open.

    An attribute that is None or False is left out; True stands without a value.
    """
    return _WHOLE.format(name, _attributes(**attributes), joined(content))


def _attributes(**attributes: str | int | float | bool | None) -> Markup:
    return joined(
        Markup(" {0}").format(key) if value is True else Markup(' {0}="{1}"').format(key, value)
        for key, value in (
            (key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()
        )
        if value is not None and value is not False
    )


def joined(pieces: Iterable[Content | int]) -> Markup:
    """The pieces one after another, each escaped unless it is markup already."""
    return EMPTY.join(escape(piece) for piece in pieces)


def bar(share: float, kind: str = "", marks: Iterable[tuple[float, str]] = ()) -> Markup:
    """A horizontal bar filled to `share` (0 to 1), with labelled ticks at `marks`.

    It repeats a number that stands beside it, so a screen reader passes it by.
    """
    ticks = joined(
        tag("i", style=f"left:{_percent(at)}", title=label, class_="tick") for at, label in marks
    )
    fill = tag("b", style=f"width:{_percent(share)}")
    return tag("span", fill, ticks, class_=f"bar {kind}".strip(), aria_hidden="true")


def signed_bar(value: float, largest: float) -> Markup:
    """A bar from the middle: right for what speaks for, left for what speaks against."""
    share = 0.0 if largest <= 0 else min(1.0, abs(value) / largest) / 2
    side = "for" if value >= 0 else "against"
    start = 0.5 if value >= 0 else 0.5 - share
    fill = tag("b", style=f"left:{_percent(start)};width:{_percent(share)}")
    return tag("span", fill, class_=f"signed {side}", aria_hidden="true")


def table(head: Iterable[Content], rows: Iterable[Markup], class_: str, caption: str) -> Markup:
    """A table with column headings and a caption that only a screen reader says."""
    heading = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    return tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", heading),
        tag("tbody", *rows),
        class_=class_,
    )


def photograph(address: str, description: str, class_: str) -> Markup:
    """A picture that is there as a data URI.

    `description` is what a screen reader says; "" where words beside it say the same.
    """
    return _VOID.format("img", _attributes(src=address, alt=description, class_=class_))


def picture(svg: bytes, description: str, class_: str) -> Markup:
    """An SVG document as an image, in which no script runs and nothing is fetched.

    `description` is what a screen reader says; "" where words beside it say the same.
    """
    address = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return photograph(address, description, class_)


def chip(text: str, kind: str = "", title: str | None = None) -> Markup:
    """A short marked word."""
    return tag("span", text, class_=f"chip {kind}".strip(), title=title)


def unseen(text: str) -> Markup:
    """Words for a screen reader only."""
    return tag("span", text, class_="unseen")


def _percent(share: float) -> str:
    return f"{100 * min(1.0, max(0.0, share)):.1f}%"


__all__ = [
    "Markup",
    "bar",
    "chip",
    "escape",
    "joined",
    "picture",
    "signed_bar",
    "table",
    "tag",
    "unseen",
]
