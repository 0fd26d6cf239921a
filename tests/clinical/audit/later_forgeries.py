"""The same for notes, events appended many at once, printed cases and corrected ones."""

from __future__ import annotations

import json

from forger import Forger, Row
from forgeries import change_case, first, forgery, payload_of, put_payload, record_of, rewrite

from clinical import canonical

# Notes to the next reader


@forgery
def another_note(forger: Forger) -> None:
    """a note reworded in the store"""
    forger.run("UPDATE comments SET text = 'No need.' WHERE text = 'Ask for the lateral.'")


@forgery
def another_note_with_its_digest(forger: Forger) -> None:
    """a note reworded, its digest mended in store and events"""
    row = next(r for r in forger.rows("comments") if r["text"] == "Ask for the lateral.")
    new = canonical.digest({"salt": row["salt"], "text": "No need."})
    forger.run(
        "UPDATE comments SET text = 'No need.', digest = ? WHERE digest = ?", new, row["digest"]
    )
    rewrite(forger, lambda e: put_payload(first(e, "NOTED", comment=row["digest"]), comment=new))


@forgery
def a_note_on_another_case(forger: Forger) -> None:
    """a note moved to another case"""
    rewrite(forger, lambda e: first(e, "NOTED").update(case_id="case-1"))


@forgery
def a_withdrawn_note_on_another_case(forger: Forger) -> None:
    """a note moved to another case with its withdrawal"""

    def change(events: list[Row]) -> None:
        withdrawn = first(events, "NOTE_WITHDRAWN")
        noted = first(events, "NOTED", sequence=payload_of(withdrawn)["takes_back"])
        for event in (noted, withdrawn):
            event["case_id"] = "case-1"

    rewrite(forger, change)


@forgery
def a_note_of_another(forger: Forger) -> None:
    """a note given another author"""
    rewrite(forger, lambda e: first(e, "NOTED").update(actor="dr.bob"))


@forgery
def a_note_taken_away(forger: Forger) -> None:
    """a note taken out of record and store"""
    forger.run("DELETE FROM comments WHERE text = 'Ask for the lateral.'")
    rewrite(forger, lambda e: e.remove(first(e, "NOTED")))


@forgery
def a_note_withdrawn_by_nobody(forger: Forger) -> None:
    """a withdrawal made to name a note that stands"""

    def change(events: list[Row]) -> None:
        stands = first(events, "NOTED")["sequence"]
        put_payload(first(events, "NOTE_WITHDRAWN"), takes_back=stands)

    rewrite(forger, change)


@forgery
def a_withdrawal_taken_away(forger: Forger) -> None:
    """a withdrawal taken out, so that the note stands again"""
    rewrite(forger, lambda e: e.remove(first(e, "NOTE_WITHDRAWN")))


# Many events that were appended at once, and a case that was printed


def look_in_a_block(events: list[Row]) -> int:
    """Place of an event in the middle of those that were appended at once."""
    looks = [place for place, e in enumerate(events) if e["kind"] == "OPENED"]
    return looks[len(looks) // 2]


@forgery
def another_entry_of_a_block(forger: Forger) -> None:
    """an event changed that was appended at once with many others"""
    rewrite(forger, lambda e: e[look_in_a_block(e)].update(actor="dr.chief"))


@forgery
def two_entries_of_a_block_swapped(forger: Forger) -> None:
    """two events swapped that were appended at once with many others"""

    def change(events: list[Row]) -> None:
        place = look_in_a_block(events)
        events[place], events[place + 1] = events[place + 1], events[place]

    rewrite(forger, change)


@forgery
def an_entry_moved_out_of_a_block(forger: Forger) -> None:
    """an event moved behind those that were appended at once with it"""

    def change(events: list[Row]) -> None:
        moved = events.pop(look_in_a_block(events))
        events.append({**moved, "time": events[-1]["time"]})

    rewrite(forger, change)


@forgery
def a_head_within_a_block_less(forger: Forger) -> None:
    """the head within many events appended at once taken away"""
    events = forger.events()
    at = {event["sequence"]: event["kind"] for event in events}
    within = [size for size in forger.sizes if at[size] == "OPENED"]
    forger.run("DELETE FROM tree_heads WHERE size = ?", within[-1])


@forgery
def another_print(forger: Forger) -> None:
    """the digest of a printed case changed"""
    rewrite(forger, lambda e: put_payload(first(e, "EXPORTED", what="case_pdf"), pdf="cd" * 32))


@forgery
def another_case_printed(forger: Forger) -> None:
    """a printed case said to be another"""
    rewrite(forger, lambda e: first(e, "EXPORTED", what="case_pdf").update(case_id="case-1"))


@forgery
def never_printed(forger: Forger) -> None:
    """that a case was printed taken out"""
    rewrite(forger, lambda e: e.remove(first(e, "EXPORTED", what="case_pdf")))


# Cases that were entered on the page, and corrected


@forgery
def another_correction(forger: Forger) -> None:
    """a correction of a case changed, its digest mended"""
    change_case(forger, "case-6", lambda c: c.update(site="C"))


@forgery
def another_correction_with_events(forger: Forger) -> None:
    """a correction of a case changed, its digest mended in store and events"""
    old, new = change_case(forger, "case-6", lambda c: c.update(site="C"))
    rewrite(forger, lambda e: put_payload(first(e, "IMPORTED", record=old), record=new))


@forgery
def another_version_before(forger: Forger) -> None:
    """the version before a correction changed, its digest mended in store and events"""
    before = next(r for r in forger.rows("cases ORDER BY position") if r["case_id"] == "case-6")
    record = before["record"].replace("128.0", "138.0")
    value = json.loads(record)
    inputs = canonical.digest({n: value[n] for n in ("decision_time", "inputs")})
    old, new = before["record_digest"], canonical.sha256(record.encode())
    forger.run(
        "UPDATE cases SET record = ?, record_digest = ?, input_digest = ? WHERE record_digest = ?",
        record, new, inputs, old,
    )  # fmt: skip

    def change(events: list[Row]) -> None:
        put_payload(first(events, "IMPORTED", record=old), record=new, input=inputs)
        put_payload(first(events, "IMPORTED", corrects=old), corrects=new)

    rewrite(forger, change)


@forgery
def the_version_before_shown(forger: Forger) -> None:
    """the version before a correction made the current one"""
    before = next(r for r in forger.rows("cases ORDER BY position") if r["case_id"] == "case-6")
    forger.run("UPDATE cases SET position = 99 WHERE record_digest = ?", before["record_digest"])


@forgery
def the_version_before_taken_away(forger: Forger) -> None:
    """the version before a correction deleted"""
    before = next(r for r in forger.rows("cases ORDER BY position") if r["case_id"] == "case-6")
    forger.run("DELETE FROM cases WHERE record_digest = ?", before["record_digest"])


@forgery
def never_corrected(forger: Forger) -> None:
    """a correction taken out of record and store"""
    forger.run(
        "DELETE FROM cases WHERE record_digest = ?", record_of(forger, "case-6")["record_digest"]
    )
    rewrite(forger, lambda e: e.remove(first(e, "IMPORTED", added="correction")))


@forgery
def said_to_be_new(forger: Forger) -> None:
    """a correction said to be a new case"""

    def change(events: list[Row]) -> None:
        event = first(events, "IMPORTED", added="correction")
        kept = {k: v for k, v in payload_of(event).items() if k != "corrects"}
        event["payload"] = canonical.dumps({**kept, "added": "new"}).decode()

    rewrite(forger, change)


@forgery
def entered_by_another(forger: Forger) -> None:
    """a case said to have been entered by somebody else"""
    rewrite(forger, lambda e: first(e, "IMPORTED", added="new").update(actor="dr.bob"))
