"""The reading of one case as a table: who did what, newest first, nothing left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from clinical.case.assessment import AuditEvent
from clinical.review import decisions, signature
from clinical.review.decisions import ACTED
from clinical.review.progress import ranked, recorded_decision
from ui.panels.first_read_panel import differential
from ui.words import phrasing
from ui.words.markup import Markup, chip, table, tag

HEAD = ("Event", "Time (UTC)", "Reader", "Diagnosis", "Action", "Reason and comment")
KINDS = ("FIRST_READ", "SHOWN", "DECIDED", "UNDONE", "SIGNED", "TIMED", "AMENDED", "ADJUDICATED")


def table_of(
    events: Sequence[AuditEvent], standing: set[int], comment: Callable[[str], str]
) -> Markup:
    """The events of a reading.

    Args:
        events: of one case, in order.
        standing: numbers of the decisions that stand; others stay visible and are told apart.
        comment: from its digest to its text.
    """
    undone = {e.payload.get("takes_back") for e in events if e.kind == "UNDONE"}
    rows = [
        _row(event, event.sequence in standing, event.sequence in undone, comment)
        for event in reversed(events)
        if event.kind in KINDS
    ]
    if not rows:
        return tag("p", "No decision has been recorded for this case.", class_="empty")
    return table(HEAD, rows, "decisions", "The reading of this case, newest first")


def _row(event: AuditEvent, stands: bool, undone: bool, comment: Callable[[str], str]) -> Markup:
    diagnosis, done = _what(event)
    faded = event.kind == "DECIDED" and not stands
    fate = tag("small", " undone" if undone else " superseded") if faded else ""
    codes = signature.AMEND_REASONS if event.kind == "AMENDED" else decisions.REASONS
    code = str(event.payload.get("reason", ""))
    words = comment(str(event.payload.get("comment", "")))
    return tag(
        "tr",
        tag("td", event.sequence, class_="number"),
        tag("td", f"{datetime.fromisoformat(event.time):%Y-%m-%d %H:%M:%S}", class_="time"),
        tag("td", event.actor),
        tag("td", diagnosis),
        tag("td", *done, fate),
        tag("td", codes.get(code, code), tag("div", words, class_="comment") if words else ""),
        class_="superseded" if faded else None,
    )


def _time(payload: Mapping[str, Any]) -> str:
    active, idle = payload.get("active_seconds"), payload.get("idle_seconds")
    if active is None or idle is None:
        return "not measured"
    return f"{active:.0f} s active, {idle:.0f} s idle not counted"


def _what(event: AuditEvent) -> tuple[str, list[str | Markup]]:
    payload = event.payload
    match event.kind:
        case "DECIDED":
            decision = recorded_decision(event)
            instead, sure = decision.replacement, decision.confidence
            details = [f"to {phrasing.diagnosis(instead)}"] if instead else []
            details += [f"{sure} confidence"] if sure else []
            return phrasing.diagnosis(decision.diagnosis), [
                chip(ACTED[decision.action], decision.action),
                ", ".join(details),
            ]
        case "UNDONE":
            named = phrasing.diagnosis(str(payload.get("diagnosis", "")))
            return named, [chip("undone"), f"event {payload.get('takes_back')}"]
        case "FIRST_READ":
            return "", [chip("first read"), differential(ranked(event))]
        case "SHOWN":
            return "", [chip("shown"), "the model's suggestions"]
        case "SIGNED":
            meaning = signature.MEANINGS.get(str(payload.get("meaning", "")), "")
            return "", [chip("signed", "good"), f"as {payload.get('role')}: {meaning}."]
        case "TIMED":
            return "", [chip("timed"), _time(payload)]
        case "AMENDED":
            return "", [chip("reopened", "warn"), f"signature of event {payload.get('signature')}"]
    held = [phrasing.diagnosis(str(name)) for name in payload.get("present", ())]
    return "", [chip("adjudicated", "good"), ", ".join(held) or "no diagnosis"]
