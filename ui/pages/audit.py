"""Who did what: the events of the ledger in words, its verification, and its export."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from clinical.audit import ledger
from clinical.audit.search import Sought
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, TriptychError
from ui.access import presence
from ui.panels import frame
from ui.state import record, state
from ui.words import event_words
from ui.words.markup import Markup, chip, table, tag

PAGE_SIZE = 100
DE_IDENTIFIED = "de-identified"
WHAT_IS_LEFT_OUT = "Names and times are replaced; images and free text are left out."
HEADINGS = ("Event", "Time (UTC)", "Who", "Kind", "Case", "What happened")


def render() -> None:
    """Show the record of the workspace."""
    frame.masthead("Audit", f"{state.events_count()} events")
    top = st.container()
    try:
        _record()
    except LedgerError as error:  # a corrupted event; the verdict says more
        frame.refusal(error)
    with top:  # last, because it reads the whole ledger
        _verification()


def _record() -> None:
    sought = _filters()
    if presence.can("export"):
        _export(sought)
    page = record.page_number(sought)
    found = record.find(sought, limit=PAGE_SIZE, skip=page * PAGE_SIZE)
    if not found.events:
        st.info("No event matches this filter.")
        return
    st.html(events_table(found.events))
    _pager(sought, page, found.total)


def events_table(events: tuple[AuditEvent, ...]) -> Markup:
    """Events as rows; the JSON of each is behind its sentence."""
    return table(HEADINGS, (_row(event) for event in events), "events", "Events, newest first")


def _row(event: AuditEvent) -> Markup:
    whole = json.dumps(ledger.as_json(event), indent=2, ensure_ascii=False)
    more = tag("details", tag("summary", event_words.sentence(event)), tag("pre", whole))
    kind = "warn" if event.kind == "REFUSED" else ""
    return tag(
        "tr",
        tag("td", event.sequence, class_="number"),
        tag("td", event.time[:19].replace("T", " "), class_="time"),
        tag("td", event.actor),
        tag("td", chip(event_words.kind(event.kind), kind)),
        tag("td", event.case_id, class_="case"),
        tag("td", more),
    )


def _verification() -> None:
    line, button = st.columns([0.86, 0.14], vertical_alignment="center")
    again = button.button("Verify ledger", key="verify", width="stretch")
    with st.spinner("Verifying every event and the records it names"):
        found = state.verified(again=again)
    verdict = found.verdict
    place = f"broken at event {verdict.first_broken}" if verdict.first_broken else "broken"
    line.html(
        tag(
            "p",
            chip("intact", "good") if verdict.intact else chip(place, "bad"),
            f" {verdict.reason}. {verdict.events} events verified at {found.time:%H:%M:%S}; head ",
            tag("code", verdict.head),
            class_="verdict good" if verdict.intact else "verdict",
            role="status",
        )
    )


def _filters() -> Sought:
    fields = st.columns([1.6, 2.6, 1.6, 1.2, 1.2], vertical_alignment="bottom")
    who = fields[0].selectbox(
        "Who", record.actors(), index=None, placeholder="Everybody", key="who"
    )
    kinds = fields[1].multiselect(
        "Kind",
        ledger.KINDS,
        format_func=event_words.kind,
        placeholder="All kinds",
        key="kinds",
    )
    case = fields[2].text_input("Case", placeholder="Full case name", key="case")
    first = fields[3].date_input("From", None, format="YYYY-MM-DD", key="from")
    last = fields[4].date_input("To", None, format="YYYY-MM-DD", key="to")
    return Sought(
        who or "",
        tuple(kinds),
        (case or "").strip(),
        _midnight(first),
        _midnight(last + timedelta(days=1)) if isinstance(last, date) else None,
    )


def _midnight(day: object) -> datetime | None:
    return datetime.combine(day, time(), UTC) if isinstance(day, date) else None


def _export(sought: Sought) -> None:
    what = f"the record of {sought.case_id}" if sought.case_id else "the whole record"
    with st.container(horizontal=True, vertical_alignment="center", key="export-row"):
        if st.button(f"Export {what}", key="export"):
            _prepare([sought.case_id] if sought.case_id else None)
        st.checkbox("De-identified", key=DE_IDENTIFIED, help=WHAT_IS_LEFT_OUT, width="content")
        waiting = record.exported()
        if waiting is None:
            st.html(tag("p", "Exporting is recorded.", class_="quiet"), width="content")
            return
        st.download_button(
            f"Save {waiting.name}",
            waiting.data,
            waiting.name,
            "application/zip",
            key="save",
            type="primary",
            on_click=record.drop_export,
        )
        state_of = "the ledger is intact" if waiting.intact else "THE LEDGER IS BROKEN"
        number = "1 case" if waiting.cases == 1 else f"{waiting.cases} cases"
        words = f"{number}, {len(waiting.data) / 1e6:.1f} MB; {state_of}."
        st.html(tag("p", words, class_="quiet"), width="content")


def _prepare(case_ids: list[str] | None) -> None:
    shown = st.progress(0.0, "Writing the report")

    def tell(done: int, total: int) -> None:
        shown.progress(done / total, f"Writing the report: case {done} of {total}")

    try:
        kept = st.session_state.get(DE_IDENTIFIED, False)
        record.prepare_export(case_ids, tell, de_identified=bool(kept))
    except TriptychError as error:
        frame.refusal(error)
    shown.empty()


def _pager(sought: Sought, page: int, total: int) -> None:
    first = page * PAGE_SIZE + 1
    last = min(total, first + PAGE_SIZE - 1)
    text, newer, older = st.columns([0.76, 0.12, 0.12], vertical_alignment="center")
    text.html(tag("p", f"{first} to {last} of {total} events, newest first", class_="quiet"))
    if total > PAGE_SIZE:
        newer.button("Newer", on_click=record.turn_to, args=(sought, page - 1), disabled=page == 0)
        older.button(
            "Older", on_click=record.turn_to, args=(sought, page + 1), disabled=last == total
        )
