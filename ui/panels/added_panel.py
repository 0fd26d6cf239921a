"""What became of cases that were added: how far their assessment is, and the way to open them."""

from __future__ import annotations

from collections.abc import Sequence

from ui.panels import picklist
from ui.panels.attempt import attempt
from ui.state import added, assessing, models, state
from ui.state.assessing import Job
from ui.words.markup import Markup, chip, table, tag

MOST_SHOWN = 6  # the newest first
SAVED = "Saved. It is read without suggestions."
MARKS = {"working": "", "done": "good", "failed": "bad"}


def render() -> None:
    """The cases that this reader added, and those of anybody that no model has assessed."""
    mine = assessing.of(state.workspace(), state.reader())[:MOST_SHOWN]
    named = {job.case_id for job in mine}
    bare = [case_id for case_id in added.waiting(MOST_SHOWN) if case_id not in named]
    if mine or bare:
        markup = listing(mine, bare, assessable=bool(models.asked()))
        picklist.show(markup, key="added", subject="", on_pick=_picked)


def listing(mine: Sequence[Job], bare: Sequence[str], *, assessable: bool) -> Markup:
    """One line for each case; `added.js` keeps those of running assessments up to date.

    Args:
        mine: assessments of this reader.
        bare: cases that wait for a model.
        assessable: a model is installed that could assess them.
    """
    rows = [
        _row(
            job.case_id,
            chip(job.state, MARKS[job.state]),
            # The browser has changed the words since it was sent them; another try is other markup.
            tag("span", job.words, data_job=job.name, data_state=job.state, data_try=job.tries),
            also=_pick("Try again", f"again {job.name}", hidden=job.state != "failed"),
        )
        for job in mine
    ]
    rows += [
        _row(
            case_id,
            tag("span", SAVED),
            also=_pick("Assess it", f"assess {case_id}") if assessable else Markup(),
        )
        for case_id in bare
    ]
    return table(("Case", "Assessment", ""), rows, "jobs", "Cases that were added")


def _row(case_id: str, *words: Markup, also: Markup) -> Markup:
    return tag(
        "tr",
        tag("td", tag("b", case_id)),
        tag("td", *words, role="status"),
        tag("td", _pick("Open the case", f"open {case_id}"), also),
    )


def _pick(label: str, what: str, *, hidden: bool = False) -> Markup:
    return tag("button", label, type="button", data_pick=what, class_="link", hidden=hidden)


def _picked(what: str) -> None:
    verb, _, rest = what.partition(" ")
    if verb == "open":
        state.open_case(rest)
    elif verb == "assess":
        attempt(lambda: added.assess(rest))
    elif (job := assessing.find(rest, state.reader())) is not None:
        assessing.again(job)
