"""The worklist: every assessed case in one table; sort, filter, search, assign, open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from clinical.modalities import kit
from clinical.review import assignment, danger
from clinical.review.priority import Level
from ui.access import presence
from ui.panels import arrivals_panel, frame, picklist
from ui.state import address, assigning, state, worklist_order
from ui.state.worklist_order import COLUMNS, MARKS, STATUS_WORDS, Column, Row, View
from ui.words import phrasing
from ui.words.markup import Markup, bar, chip, joined, tag, unseen

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import Page

ASSIGNEE = "assignee"
PAGE_SIZE = 100
HEADINGS: dict[Column, str] = {
    "priority": "Priority",
    "case": "Case",
    "status": "Status",
    "suggestion": "Top suggestion",
    "probability": "Probability",
    "inputs": "Inputs",
    "marks": "Marks",
    "assigned": "Reader",
    "time": "Decision time",
}
LEVEL_WORDS: dict[Level, str] = {"now": "Now", "soon": "Soon", "routine": "Routine", "done": "–"}
ALL_READERS, MINE, NOBODY = "All readers", "Mine", "Nobody's"
ALL_INPUTS = "Any inputs"


def render(case_page: Page) -> None:
    """Show the worklist; opening a case goes to `case_page`.

    An account that assigns cases and may not read them sees no word of the model about any.
    """
    opens = presence.can("read_cases")
    head = state.head_of_rows()  # before the rows, so that nothing falls between the two
    rows = state.rows() if opens else tuple(map(worklist_order.unreadable, state.rows()))
    unread = sum(row.status == "unread" for row in rows)
    frame.masthead("Worklist", f"{len(rows)} cases", f"{unread} unread")
    arrivals_panel.render(head)
    view, start = _controls(rows)
    shown = worklist_order.arrange(rows, view)
    state.keep_order(shown)
    if opens:
        _start(start, shown)
    if state.requested():
        st.switch_page(case_page, query_params=address.wanted())
    assigns = presence.can("assign")
    if assigns:
        _assign()
    _table(shown, opens, assigns)
    st.html(tag("p", _legend(opens, assigns), class_="quiet"))
    frame.audit_strip()


def _controls(rows: Sequence[Row]) -> tuple[View, DeltaGenerator]:
    before = state.view()
    search, status, marks, inputs, hands, start = st.columns(
        [2.4, 2.2, 1.6, 1.6, 1.4, 1.3], vertical_alignment="bottom"
    )
    words = search.text_input(
        "Search",
        before.search,
        placeholder="Press /: case, patient, accession",
        key="search",
        live=True,
    )
    statuses = status.multiselect(
        "Status",
        list(STATUS_WORDS),
        list(before.status),
        format_func=STATUS_WORDS.__getitem__,
        placeholder="Any status",
        key="status",
    )
    mark = marks.selectbox("Marks", MARKS, MARKS.index(before.marks), key="marks")
    view = replace(
        before,
        search=words or "",
        status=tuple(statuses),
        marks=mark,
        without=_without(rows, before, inputs),
        assigned=_of_reader(before, hands),
    )
    if replace(view, page=0) != replace(before, page=0):
        view = replace(view, page=0)
    state.arrange(view)
    return view, start


def _without(rows: Sequence[Row], before: View, place: DeltaGenerator) -> str:
    names = sorted({name for row in rows for name in row.entry.missing} | {before.without} - {""})
    options = ["", *names]
    return place.selectbox(
        "Missing",
        options,
        options.index(before.without),
        format_func=lambda name: f"No {name}" if name else ALL_INPUTS,
        key="without",
    )


def _of_reader(before: View, place: DeltaGenerator) -> str | None:
    meant = {ALL_READERS: None, MINE: state.reader(), NOBODY: ""}
    index = list(meant.values()).index(before.assigned) if before.assigned is not None else 0
    return meant[place.selectbox("Reader", list(meant), index, key="hands")]


def _start(place: DeltaGenerator, shown: Sequence[Row]) -> None:
    following = worklist_order.next_unread(shown)
    place.button(
        "Next unread",
        key="next-unread",
        type="primary",
        shortcut="n",
        disabled=following is None,
        width="stretch",
        on_click=state.open_case,
        args=(following,),
    )


def _assign() -> None:
    """Controls to assign the marked cases; only for roles that may."""
    marked = assigning.marked()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="assign"):
        count = f"{len(marked)} marked" if marked else "Mark cases with the box or the space bar"
        st.html(tag("p", count, class_="quiet"), width="content")
        to = st.selectbox(
            "Assign to",
            ["", *assigning.readers()],
            format_func=lambda name: name or "Nobody",
            key=ASSIGNEE,
            width=200,
        )
        allowed = assignment.can_assign(marked, to, state.role())
        st.button("Assign", key="assign-marked", disabled=not allowed, on_click=_assigned)
        st.button("Clear marks", key="unmark", disabled=not marked, on_click=assigning.unmark)


def _assigned() -> None:
    changed = assigning.assign(st.session_state[ASSIGNEE])
    st.toast(f"{changed} {'case' if changed == 1 else 'cases'} assigned.")


def _table(shown: Sequence[Row], opens: bool, assigns: bool) -> None:
    if not shown:
        st.info("No case matches this search.")
        return
    view = state.view()
    pages = -(-len(shown) // PAGE_SIZE)
    page = min(view.page, pages - 1)
    first = page * PAGE_SIZE
    picklist.show_sortable(
        table(
            shown[first : first + PAGE_SIZE],
            view,
            marked=assigning.marked() if assigns else None,
            now=datetime.now(UTC),
            told=opens,
        ),
        key="worklist",
        on_pick=state.open_case if opens else assigning.mark,
        on_sort=_sort,
        on_mark=assigning.mark if assigns else None,
    )
    if pages > 1:
        _pager(page, pages, len(shown))


def _pager(page: int, pages: int, count: int) -> None:
    first = page * PAGE_SIZE + 1
    last = min(count, first + PAGE_SIZE - 1)
    text, back, forth = st.columns([0.76, 0.12, 0.12], vertical_alignment="center")
    text.html(tag("p", f"Cases {first} to {last} of {count}", class_="quiet"))
    back.button("Earlier", on_click=_turn, args=(page - 1,), disabled=page == 0)
    forth.button("Further", on_click=_turn, args=(page + 1,), disabled=page + 1 == pages)


def _turn(page: int) -> None:
    state.arrange(replace(state.view(), page=page))


def _sort(column: str) -> None:
    for name in COLUMNS:
        if name == column:
            state.arrange(state.view().sorted_by(name))


def _legend(opens: bool, assigns: bool) -> str:
    known = " · ".join(f"{letter} {name}" for name, letter in kit.letters().items())
    keys = ["/ search", "arrows, Home, End"]
    keys += ["Enter open", "N next unread"] if opens else []
    keys += ["space mark"] if assigns else []
    return f"Inputs: {known}; outlined where missing. Keys: {', '.join(keys)}."


def table(
    rows: Sequence[Row],
    view: View,
    *,
    marked: frozenset[str] | None,
    now: datetime,
    told: bool = True,
) -> Markup:
    """The worklist as markup; each row answers a click and Enter with its case.

    Args:
        rows: to show.
        view: how they are sorted.
        marked: cases that are marked to be assigned, or None where nothing can be.
        now: to say how long ago a decision was needed.
        told: the reader may see values of the patients.
    """
    headings = [_heading(column, words, view) for column, words in HEADINGS.items()]
    if marked is not None:
        headings.insert(0, tag("th", unseen("Marked"), scope="col"))
    return tag(
        "table",
        tag("caption", "Worklist", class_="unseen"),
        tag("thead", tag("tr", *headings)),
        tag("tbody", *(_row(row, marked, now, told=told, first=row is rows[0]) for row in rows)),
        class_="worklist",
    )


def _heading(column: Column, words: str, view: View) -> Markup:
    sorting = column == view.sort
    direction = "descending" if view.descending else "ascending"
    arrow = ("▼" if view.descending else "▲") if sorting else ""
    control = tag("button", words, tag("i", arrow), type="button", data_sort=column)
    return tag("th", control, scope="col", aria_sort=direction if sorting else None, class_=column)


def _row(
    row: Row, marked: frozenset[str] | None, now: datetime, *, told: bool, first: bool
) -> Markup:
    entry = row.entry
    top = entry.top
    number = (
        joined([bar(top[1]), tag("span", phrasing.percent(top[1]), class_="number")]) if top else ""
    )
    return tag(
        "tr",
        _box(entry.case_id, entry.case_id in marked) if marked is not None else "",
        tag("td", _level(row, told), class_="priority"),
        tag("td", tag("b", entry.case_id), class_="case"),
        tag("td", chip(STATUS_WORDS.get(row.status, row.status), row.status)),
        tag("td", phrasing.named(top[0]) if top else "No suggestion shown"),
        tag("td", number, class_="probability"),
        tag("td", _inputs(entry.used, entry.missing, row.bare)),
        tag("td", _marks(row)),
        tag("td", row.assigned, class_="assigned"),
        tag(
            "td",
            phrasing.moment(entry.decision_time),
            tag("small", _ago(entry.decision_time, now)),
            class_="time",
        ),
        data_pick=entry.case_id,
        # One stop for the Tab key; the arrows go on from there (picklist.js).
        tabindex=0 if first else -1,
        class_=row.status,
    )


def _box(case_id: str, on: bool) -> Markup:
    box = tag(
        "span",
        "✓" if on else "",
        role="checkbox",
        aria_checked="true" if on else "false",
        aria_label=f"Mark {case_id}",
        data_mark=case_id,
        class_="box",
    )
    return tag("td", box, class_="mark")


def _level(row: Row, told: bool) -> Markup:
    """The level and what of the measurements asks for it."""
    values = danger.short_words(row.danger) if told and row.level != "done" else ""
    found = row.entry.dangerous
    because = (
        f"{phrasing.named(found[0])} {phrasing.percent(found[1])}"
        if found
        else "no dangerous diagnosis is shown"
    )
    level = chip(LEVEL_WORDS[row.level], row.level, because)
    return joined([level, tag("small", values)]) if values else level


def _ago(time: datetime | None, now: datetime) -> str:
    ago = phrasing.before(time, now)
    return f"{ago} ago" if ago and not ago.startswith("-") else ""


def _inputs(used: tuple[str, ...], missing: tuple[str, ...], bare: frozenset[str]) -> Markup:
    order = {name: place for place, name in enumerate(kit.letters())}
    names = sorted((*used, *missing), key=lambda name: (order.get(name, len(order)), name))
    return joined(
        tag(
            "span",
            kit.letter(name),
            unseen(f" {name} {_there(name, used, bare)}; "),
            class_="input" if name in used and name not in bare else "input absent",
            title=f"{name}: {_there(name, used, bare)}",
        )
        for name in names
    )


def _there(name: str, used: tuple[str, ...], bare: frozenset[str]) -> str:
    if name not in used:
        return "missing"
    return "age and sex only" if name in bare else "present"


def _marks(row: Row) -> Markup:
    conflicts = row.entry.conflicts
    words = "Conflict" if conflicts == 1 else f"{conflicts} conflicts"
    return joined(
        [
            chip("Out of distribution", "warn") if row.entry.flagged else "",
            chip(words, "warn") if conflicts else "",
            chip("Note" if row.notes == 1 else f"{row.notes} notes") if row.notes else "",
        ]
    )
