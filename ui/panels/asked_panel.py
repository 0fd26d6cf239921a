"""Where several models were asked about a case: which one is shown, what the others say, and why
those that say nothing do not.

Each is named with its own numbers, and one at a time fills the page: what is shown, decided on and
explained is always of one model.
"""

from __future__ import annotations

from collections.abc import Iterable

from clinical.case import beside, withheld
from clinical.case.assessment import Assessment
from ui.panels import picklist
from ui.state import state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, chip, tag

CAPTION = "Models that were asked, the one that readers begin with first"


def render(shown: OpenCase) -> None:
    """The list, where there is more than one model; choosing another one shows what it says."""
    if shown.machine is None or len(shown.asked) < 2:
        return
    picklist.show(
        listing(shown.asked.items(), shown.machine.digest),
        key="models",
        subject=shown.case.case_id,
        on_pick=state.hear,
    )


def listing(asked: Iterable[tuple[str, Assessment]], shown: str) -> Markup:
    """Every model that was asked, and what it says; those that speak can be chosen.

    Args:
        asked: digest and assessment, the one that readers begin with first.
        shown: digest of the one on the page.
    """
    rows = [_row(digest, one, on_page=digest == shown) for digest, one in asked]
    return tag(
        "section", tag("h3", "Models that were asked"), *rows, class_="asked", aria_label=CAPTION
    )


def _row(digest: str, one: Assessment, *, on_page: bool) -> Markup:
    name = tag("b", one.model.name, title=one.model.digest)
    if on_page:
        return tag("p", name, " ", chip("shown here"))
    said = phrasing.sentence(beside.brief(one))
    if withheld.whole(one):
        return tag("p", name, " ", said)
    label = f"Show what {one.model.name} says"
    button = tag("button", "Show", type="button", data_pick=digest, class_="link", aria_label=label)
    return tag("p", name, " ", button, " ", said)
