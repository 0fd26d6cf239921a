"""What somebody could try who has the database file and the code, but not the key.

Each forgery is a function of a `Forger` whose first line of documentation is what it does, in the
words of docs/ledger.md. All that rewrite events give them hashes that follow one another and move
the end of the ledger, as anybody can who reads the code.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from forger import Forger, Row
from software_passkey import SoftwarePasskey

from clinical import canonical
from clinical.audit import keys, passkey, rotation, verifier
from clinical.audit.passkey import Confirmation
from clinical.audit.signer import in_memory
from clinical.workspace import pixels

Forgery = Callable[[Forger], None]
FORGERIES: list[Forgery] = []


def forgery(made: Forgery) -> Forgery:
    FORGERIES.append(made)
    return made


def payload_of(event: Row) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event["payload"])
    return found


def put_payload(event: Row, **changes: Any) -> None:
    event["payload"] = canonical.dumps({**payload_of(event), **changes}).decode()


def first(events: list[Row], kind: str, **fields: Any) -> Row:
    """The first event of a kind with these fields or entries of its payload."""
    for event in events:
        known = {**payload_of(event), **event}
        if event["kind"] == kind and all(known.get(k) == v for k, v in fields.items()):
            return event
    raise AssertionError(kind)


def last(events: list[Row], kind: str, **fields: Any) -> Row:
    return first(events[::-1], kind, **fields)


def mend_signatures(events: list[Row], own: SoftwarePasskey | None = None) -> None:
    """Hash from the beginning, and let each signature name the decisions as they are now.

    With a passkey of the forger's `own`, that is the passkey of every account, and confirms anew.
    """
    previous, nonce = "0" * 64, "ab" * 16
    for number, event in enumerate(events, 1):
        event.update(sequence=number, previous=previous)
        if event["kind"] == "SIGNED":
            covered = [events[n - 1]["hash"] for n in payload_of(event)["decisions"]]
            put_payload(event, digest=canonical.digest(covered))
        if own and payload_of(event).get("change") == "passkey":
            put_payload(event, credential=own.credential, public_key=own.public_key)
        if own and event["kind"] == "SIGNED" and "passkey" in payload_of(event):
            answer = own.answer(passkey.challenge(event["case_id"], payload_of(event), nonce))
            put_payload(event, passkey=passkey.as_json(Confirmation(nonce, answer)))
        event["hash"] = previous = verifier.sha256(
            canonical.dumps(
                {**{k: v for k, v in event.items() if k != "hash"}, "payload": payload_of(event)}
            )
        )


def rewrite(forger: Forger, change: Callable[[list[Row]], Any]) -> None:
    """Change the events, and mend hashes and the digests of signatures."""
    events = forger.events()
    change(events)
    mend_signatures(events)
    forger.chain(events)


def record_of(forger: Forger, case: str) -> Row:
    found = [row for row in forger.rows("cases ORDER BY position") if row["case_id"] == case]
    return found[-1]


def change_case(
    forger: Forger, case: str, change: Callable[[dict[str, Any]], Any]
) -> tuple[str, str]:
    """Change a case record and all its digests in its row; the digests before and after."""
    row = record_of(forger, case)
    value = json.loads(row["record"])
    change(value)
    record = canonical.dumps(value)
    inputs = canonical.digest({n: value[n] for n in ("decision_time", "inputs")})
    new = canonical.sha256(record)
    forger.run(
        "UPDATE cases SET record = ?, record_digest = ?, input_digest = ? WHERE record_digest = ?",
        record.decode(), new, inputs, row["record_digest"],
    )  # fmt: skip
    return row["record_digest"], new


def sign_with_own_key(forger: Forger) -> None:
    """A new key in the place of the old one, and all heads made with it."""
    (forger.folder / keys.KEY_FILE).unlink(missing_ok=True)
    forger.sign_again(keys.load(forger.folder, None))


# Readings


@forgery
def accept_into_reject(forger: Forger) -> None:
    """a signed accept turned into a reject"""

    def change(events: list[Row]) -> None:
        put_payload(
            last(events, "DECIDED", action="accept"), action="reject", reason="lab_explains"
        )

    rewrite(forger, change)


@forgery
def accept_into_reject_without_mending(forger: Forger) -> None:
    """a signed accept turned into a reject, the signature left as it was"""
    events = forger.events()
    put_payload(last(events, "DECIDED", action="accept"), action="reject", reason="lab_explains")
    forger.chain(events)


@forgery
def another_diagnosis(forger: Forger) -> None:
    """a signed decision given another diagnosis"""
    rewrite(forger, lambda e: put_payload(first(e, "DECIDED"), diagnosis="heart_failure"))


@forgery
def another_reason(forger: Forger) -> None:
    """the reason of a rejection changed"""
    rewrite(forger, lambda e: put_payload(first(e, "DECIDED", action="reject"), reason="other"))


@forgery
def another_view(forger: Forger) -> None:
    """what a reader is said to have had on the screen changed"""
    rewrite(forger, lambda e: put_payload(first(e, "DECIDED"), view={"image": "image"}))


@forgery
def another_signer(forger: Forger) -> None:
    """a signature moved to another reader"""

    def change(events: list[Row]) -> None:
        signed = last(events, "SIGNED")
        signed["actor"] = "dr.bob"
        put_payload(signed, name="dr.bob")

    rewrite(forger, change)


@forgery
def a_reading_of_another(forger: Forger) -> None:
    """a whole reading moved to another reader"""

    def change(events: list[Row]) -> None:
        for event in events:
            if event["case_id"] == "case-2" and event["actor"] == "dr.ada":
                event["actor"] = "dr.bob"
                if event["kind"] == "SIGNED":
                    put_payload(event, name="dr.bob")

    rewrite(forger, change)


@forgery
def another_role(forger: Forger) -> None:
    """the role in a signature raised"""
    rewrite(forger, lambda e: put_payload(last(e, "SIGNED"), role="adjudicator"))


@forgery
def another_meaning(forger: Forger) -> None:
    """the meaning of a signature changed"""
    rewrite(forger, lambda e: put_payload(first(e, "SIGNED"), meaning="approved"))


@forgery
def a_signature_taken_away(forger: Forger) -> None:
    """the last signature taken out of the record"""
    rewrite(forger, lambda e: e.remove(last(e, "SIGNED")))


@forgery
def a_signature_made_up(forger: Forger) -> None:
    """a signature of somebody who never signed, put in at the end"""

    def change(events: list[Row]) -> None:
        decided = last(events, "DECIDED", action="accept")
        signed = {**last(events, "SIGNED"), "time": events[-1]["time"]}
        put_payload(signed, decisions=[decided["sequence"]])
        events.append(signed)

    rewrite(forger, change)


@forgery
def an_amendment_taken_away(forger: Forger) -> None:
    """an amendment taken out, so that the first signature stands"""
    rewrite(forger, lambda e: e.remove(first(e, "AMENDED")))


@forgery
def an_amendment_for_another_reason(forger: Forger) -> None:
    """the reason of an amendment changed"""
    rewrite(forger, lambda e: put_payload(first(e, "AMENDED"), reason="discussed"))


@forgery
def another_last_word(forger: Forger) -> None:
    """what an adjudicator found changed"""
    rewrite(forger, lambda e: put_payload(first(e, "ADJUDICATED"), present=[]))


@forgery
def no_last_word(forger: Forger) -> None:
    """an adjudication taken out"""
    rewrite(forger, lambda e: e.remove(first(e, "ADJUDICATED")))


@forgery
def an_undo_taken_away(forger: Forger) -> None:
    """an undo taken out, so that the earlier decision stands beside the later one"""
    rewrite(forger, lambda e: e.remove(first(e, "UNDONE")))


@forgery
def never_opened(forger: Forger) -> None:
    """that a reader had opened the case taken out"""
    rewrite(forger, lambda e: e.remove(first(e, "OPENED", actor="dr.bob")))


@forgery
def first_read_after_the_machine(forger: Forger) -> None:
    """the order of first read and model's output turned round"""

    def change(events: list[Row]) -> None:
        place = events.index(first(events, "FIRST_READ"))
        events[place], events[place + 1] = events[place + 1], events[place]

    rewrite(forger, change)


@forgery
def not_withheld(forger: Forger) -> None:
    """that the model's output was withheld taken out of an event"""

    def change(events: list[Row]) -> None:
        event = first(events, "OPENED", withheld=True)
        kept = {k: v for k, v in payload_of(event).items() if k != "withheld"}
        event["payload"] = canonical.dumps(kept).decode()

    rewrite(forger, change)


@forgery
def another_assignment(forger: Forger) -> None:
    """a case assigned to somebody else"""
    rewrite(forger, lambda e: put_payload(first(e, "ASSIGNED"), reader="dr.ada"))


@forgery
def another_protocol(forger: Forger) -> None:
    """the protocol of reading changed"""
    rewrite(forger, lambda e: put_payload(first(e, "PROTOCOL"), first_read=False))


@forgery
def quicker(forger: Forger) -> None:
    """the time that a reader took changed"""
    rewrite(forger, lambda e: put_payload(first(e, "TIMED"), active_seconds=600))


@forgery
def a_day_earlier(forger: Forger) -> None:
    """a whole reading day backdated by a day"""

    def change(events: list[Row]) -> None:
        for event in events:
            if event["time"] > "2026":
                moved = datetime.fromisoformat(event["time"]) - timedelta(days=1)
                event["time"] = moved.isoformat(timespec="microseconds")

    rewrite(forger, change)


@forgery
def from_1970(forger: Forger) -> None:
    """the last event dated 1970"""
    rewrite(forger, lambda e: e[-1].update(time="1970-01-01T00:00:00.000000+00:00"))


@forgery
def from_2099(forger: Forger) -> None:
    """the last event dated 2099"""
    rewrite(forger, lambda e: e[-1].update(time="2099-01-01T00:00:00.000000+00:00"))


@forgery
def a_signed_event_from_2099(forger: Forger) -> None:
    """a signature dated 2099"""
    rewrite(forger, lambda e: last(e, "SIGNED").update(time="2099-01-01T00:00:00.000000+00:00"))


# Comments


@forgery
def another_comment(forger: Forger) -> None:
    """a comment reworded in the store"""
    forger.run("UPDATE comments SET text = 'Not typical.' WHERE text = 'Typical.'")


@forgery
def another_comment_with_its_digest(forger: Forger) -> None:
    """a comment reworded, its digest mended in store and events"""
    row = next(r for r in forger.rows("comments") if r["text"] == "After all.")
    new = canonical.digest({"salt": row["salt"], "text": "Never."})
    forger.run(
        "UPDATE comments SET text = 'Never.', digest = ? WHERE digest = ?", new, row["digest"]
    )
    rewrite(forger, lambda e: put_payload(first(e, "DECIDED", comment=row["digest"]), comment=new))


@forgery
def no_comment(forger: Forger) -> None:
    """a comment deleted"""
    forger.run("DELETE FROM comments WHERE text = 'Typical.'")


# Cases, images, assessments, the list of cases


@forgery
def another_patient(forger: Forger) -> None:
    """the patient in a case record changed"""
    forger.run(
        "UPDATE cases SET record = replace(record, 'patient of case-2', 'patient of case-1')"
    )


@forgery
def another_patient_with_digest(forger: Forger) -> None:
    """the patient in a case record changed, its digest mended"""
    change_case(forger, "case-2", lambda c: c.update(patient_id="somebody"))


@forgery
def another_patient_with_events(forger: Forger) -> None:
    """the patient in a case record changed, its digest mended in store and events"""
    old, new = change_case(forger, "case-5", lambda c: c.update(patient_id="somebody"))
    rewrite(forger, lambda e: put_payload(first(e, "IMPORTED", record=old), record=new))


@forgery
def another_site(forger: Forger) -> None:
    """the site in a case record changed, its digest mended"""
    change_case(forger, "case-2", lambda c: c.update(site="B"))


@forgery
def no_problems(forger: Forger) -> None:
    """the problems noted in a case record taken out, its digest mended"""
    change_case(forger, "case-2", lambda c: c.update(problems=[]))


@forgery
def another_decision_time(forger: Forger) -> None:
    """the decision time of a case changed, its digests mended"""
    change_case(forger, "case-2", lambda c: c.update(decision_time="2025-01-01T00:00:00+00:00"))


@forgery
def another_file(forger: Forger) -> None:
    """the file that an image is said to come from changed, its digests mended"""

    def change(case: dict[str, Any]) -> None:
        text = json.dumps(case["inputs"]["image"]).replace('"PA"', '"AP"')
        case["inputs"]["image"] = json.loads(text)

    change_case(forger, "case-2", change)


@forgery
def another_value(forger: Forger) -> None:
    """a measured value changed, its digests mended in store and events"""

    def change(case: dict[str, Any]) -> None:
        text = json.dumps(case["inputs"]["measurements"]).replace("184.0", "4.0")
        case["inputs"]["measurements"] = json.loads(text)

    old, new = change_case(forger, "case-5", change)
    inputs = record_of(forger, "case-5")["input_digest"]
    rewrite(
        forger,
        lambda e: put_payload(first(e, "IMPORTED", record=old), record=new, input=inputs),
    )


@forgery
def another_film(forger: Forger) -> None:
    """an image replaced by another film under its digest"""
    encoding, data = pixels.pack(np.full((40, 30), 700, np.float32))
    forger.run("UPDATE pixels SET encoding = ?, data = ?", encoding, data)


@forgery
def no_film(forger: Forger) -> None:
    """the images deleted"""
    forger.run("DELETE FROM pixels")


@forgery
def a_spoiled_film(forger: Forger) -> None:
    """bytes of an image flipped"""
    (row,) = forger.rows("pixels")
    data = bytes([row["data"][0] ^ 1]) + row["data"][1:]
    forger.run("UPDATE pixels SET data = ?", data)


@forgery
def another_probability(forger: Forger) -> None:
    """a probability in an assessment changed"""
    forger.run("UPDATE assessments SET record = replace(record, '0.83', '0.13')")


@forgery
def another_assessment(forger: Forger) -> None:
    """an assessment replaced, its digest mended in store, list and events"""
    (row,) = [r for r in forger.rows("assessments") if r["case_id"] == "case-2"]
    record = row["record"].replace("0.83", "0.53")
    new = canonical.sha256(record.encode())
    forger.run(
        "UPDATE assessments SET record = ?, digest = ? WHERE digest = ?",
        record, new, row["digest"],
    )  # fmt: skip
    forger.run(
        "UPDATE worklist SET assessment_digest = ?, probabilities = replace(probabilities, '0.83',"
        " '0.53') WHERE case_id = 'case-2'",
        new,
    )

    def change(events: list[Row]) -> None:
        for event in events:
            if payload_of(event).get("assessment") == row["digest"]:
                put_payload(event, assessment=new)

    rewrite(forger, change)


@forgery
def an_assessment_taken_away(forger: Forger) -> None:
    """an assessment deleted, without a purge"""
    forger.run("DELETE FROM worklist WHERE case_id = 'case-3'")
    forger.run("DELETE FROM assessments WHERE case_id = 'case-3'")


@forgery
def an_assessment_of_another_case(forger: Forger) -> None:
    """an assessment filed under another case"""
    forger.run("UPDATE assessments SET case_id = 'case-3' WHERE case_id = 'case-2'")


@forgery
def another_row_of_the_list(forger: Forger) -> None:
    """a probability in the list of cases changed"""
    forger.run("UPDATE worklist SET probabilities = replace(probabilities, '0.83', '0.01')")


@forgery
def no_flag_in_the_list(forger: Forger) -> None:
    """the warning in the list of cases taken away"""
    forger.run("UPDATE worklist SET flagged = 0, conflicts = 0")


@forgery
def another_time_in_the_list(forger: Forger) -> None:
    """the time in the list of cases changed"""
    forger.run("UPDATE worklist SET decision_time = '2025-01-01T00:00:00+00:00'")


@forgery
def not_in_the_list(forger: Forger) -> None:
    """a case taken off the list of cases"""
    forger.run("DELETE FROM worklist WHERE case_id = 'case-3'")


@forgery
def an_older_assessment_in_the_list(forger: Forger) -> None:
    """the list of cases made to show an earlier assessment"""
    (now,) = [r for r in forger.rows("worklist") if r["case_id"] == "case-3"]
    shown = now["assessment_digest"]
    rows = [r for r in forger.rows("assessments") if r["case_id"] == "case-3"]
    (other,) = [row["digest"] for row in rows if row["digest"] != shown]
    forger.run("UPDATE worklist SET assessment_digest = ? WHERE case_id = 'case-3'", other)


@forgery
def an_older_record_shown(forger: Forger) -> None:
    """an earlier record of a case made the current one"""
    rows = [r for r in forger.rows("cases ORDER BY position") if r["case_id"] == "case-3"]
    forger.run("UPDATE cases SET position = 9 WHERE record_digest = ?", rows[0]["record_digest"])


@forgery
def a_case_made_up(forger: Forger) -> None:
    """a case that nobody brought put into the store"""
    row = record_of(forger, "case-5")
    record = row["record"].replace("case-5", "case-9")
    new = {**row, "case_id": "case-9", "record": record}
    new["record_digest"] = canonical.sha256(record.encode())
    forger.put("cases", [*forger.rows("cases"), new])


@forgery
def a_case_taken_away(forger: Forger) -> None:
    """a case deleted, without a purge"""
    forger.run("DELETE FROM cases WHERE case_id = 'case-5'")


@forgery
def a_purge_made_up(forger: Forger) -> None:
    """a case deleted, and a purge of it written at the end"""
    row = record_of(forger, "case-5")
    forger.run("DELETE FROM cases WHERE case_id = 'case-5'")

    def change(events: list[Row]) -> None:
        purged = {**first(events, "PURGED"), "case_id": "case-5", "time": events[-1]["time"]}
        put_payload(purged, inputs=[row["input_digest"]], assessments=[], comments=[], pixels=[])
        events.append(purged)

    rewrite(forger, change)


@forgery
def a_purge_taken_away(forger: Forger) -> None:
    """a purge taken out, with all events of its case"""
    rewrite(
        forger,
        lambda e: [e.remove(event) for event in list(e) if event["case_id"] == "case-4"],
    )


# Accounts


@forgery
def a_role_raised(forger: Forger) -> None:
    """a reader made administrator in the table of accounts"""
    forger.run("UPDATE accounts SET role = 'administrator' WHERE name = 'dr.ada'")


@forgery
def a_role_raised_in_events(forger: Forger) -> None:
    """a reader made administrator in the table of accounts and in the events"""
    forger.run("UPDATE accounts SET role = 'administrator' WHERE name = 'dr.ada'")
    rewrite(
        forger,
        lambda e: put_payload(first(e, "ACCOUNT", account="dr.ada"), role="administrator"),
    )


@forgery
def another_password(forger: Forger) -> None:
    """the password of an account replaced"""
    ((stolen,),) = [(r["hash"],) for r in forger.rows("accounts") if r["name"] == "dr.bob"]
    forger.run("UPDATE accounts SET hash = ? WHERE name = 'boss'", stolen)


@forgery
def a_ghost(forger: Forger) -> None:
    """an account put into the table of accounts"""
    (row,) = [r for r in forger.rows("accounts") if r["name"] == "boss"]
    forger.put("accounts", [*forger.rows("accounts"), {**row, "name": "ghost"}])


@forgery
def a_ghost_with_an_event(forger: Forger) -> None:
    """an account put into the table of accounts, and its making written at the end"""
    (row,) = [r for r in forger.rows("accounts") if r["name"] == "boss"]
    ghost = {**row, "name": "ghost"}
    forger.put("accounts", [*forger.rows("accounts"), ghost])

    def change(events: list[Row]) -> None:
        made = {**first(events, "ACCOUNT"), "time": events[-1]["time"]}
        put_payload(made, account="ghost", row=canonical.digest(ghost))
        events.append(made)

    rewrite(forger, change)


@forgery
def switched_on(forger: Forger) -> None:
    """a disabled account switched on"""
    forger.run("UPDATE accounts SET disabled = '' WHERE name = 'dr.gone'")


@forgery
def switched_off_earlier(forger: Forger) -> None:
    """the time at which an account was disabled changed"""
    forger.run("UPDATE accounts SET disabled = '2025-01-01T00:00:00+00:00' WHERE name = 'dr.gone'")


@forgery
def an_account_taken_away(forger: Forger) -> None:
    """an account deleted"""
    forger.run("DELETE FROM accounts WHERE name = 'dr.gone'")


@forgery
def a_change_of_password_taken_away(forger: Forger) -> None:
    """that a password was changed taken out"""
    rewrite(forger, lambda e: e.remove(first(e, "ACCOUNT", change="password")))


# The ledger as a whole, its heads and its key


@forgery
def an_event_put_in(forger: Forger) -> None:
    """an event put in between others"""

    def change(events: list[Row]) -> None:
        opened = first(events, "OPENED")
        place = events.index(opened)
        events.insert(place, {**opened, "actor": "dr.bob"})

    events = forger.events()
    change(events)
    forger.chain(events)


@forgery
def two_events_swapped(forger: Forger) -> None:
    """two events swapped"""
    events = forger.events()
    events[8], events[9] = events[9], events[8]
    forger.chain(events)


@forgery
def the_end_cut_off(forger: Forger) -> None:
    """the last signed reading cut off, with all that follows"""
    events = forger.events()
    forger.chain(events[: last(events, "SIGNED")["sequence"] - 1])


@forgery
def the_end_cut_off_with_its_heads(forger: Forger) -> None:
    """everything after a signed head cut off, with later heads and what had been brought"""
    size = forger.signed_before(forger.ledger.kept.size)
    forger.chain(forger.events()[:size])
    forger.run("DELETE FROM tree_heads WHERE size > ?", size)
    forget_what_is_not_named(forger)


@forgery
def put_back(forger: Forger) -> None:
    """an older copy of the database put back"""
    shutil.copy(forger.ledger.older, forger.database)


@forgery
def put_back_to_the_kept_head(forger: Forger) -> None:
    """the database put back to where a head was kept, and not further"""
    size = forger.ledger.kept.size
    forger.chain(forger.events()[:size])
    forger.run("DELETE FROM tree_heads WHERE size > ?", size)
    forget_what_is_not_named(forger)


def forget_what_is_not_named(forger: Forger) -> None:
    """Delete from the store what came after the last event that is left."""
    kept = {payload_of(event).get("record") for event in forger.events()}
    cases = [row for row in forger.rows("cases") if row["record_digest"] in kept]
    named = {payload_of(event).get("assessment") for event in forger.events()}
    listed = {row["case_id"] for row in cases}
    forger.put("cases", cases)
    for table, name in (("assessments", "digest"), ("worklist", "assessment_digest")):
        rows = [r for r in forger.rows(table) if r[name] in named and r["case_id"] in listed]
        forger.put(table, rows)


@forgery
def no_heads(forger: Forger) -> None:
    """all signed heads taken away"""
    forger.run("DELETE FROM tree_heads")


@forgery
def one_head_less(forger: Forger) -> None:
    """one signed head in the middle taken away"""
    forger.run("DELETE FROM tree_heads WHERE size = ?", forger.sizes[len(forger.sizes) // 2])


@forgery
def a_head_of_a_signature_less(forger: Forger) -> None:
    """the head over a signature taken away, to rewrite the signature"""
    signed = last(forger.events(), "SIGNED")["sequence"]
    forger.run("DELETE FROM tree_heads WHERE size >= ?", signed)
    accept_into_reject(forger)


@forgery
def a_head_from_the_future(forger: Forger) -> None:
    """a signed head dated 2099"""
    forger.run(
        "UPDATE tree_heads SET time = '2099-01-01T00:00:00.000000+00:00' WHERE size = ?",
        forger.sizes[-1],
    )


@forgery
def another_edge(forger: Forger) -> None:
    """the edge of the tree beside the last head changed, to mislead the next one"""
    forger.run("UPDATE tree_heads SET edge = '[]' WHERE size = ?", forger.sizes[-1])


@forgery
def the_end_moved(forger: Forger) -> None:
    """the row that says where the ledger ends changed"""
    forger.run("UPDATE ledger_head SET sequence = sequence - 1")


@forgery
def signed_with_another_key(forger: Forger) -> None:
    """all heads signed again with another key, which is put in place of the key file"""
    events = [event for event in forger.events() if event["kind"] != "KEY_ROTATED"]
    mend_references(events)
    mend_signatures(events, SoftwarePasskey())
    forger.chain(events)
    forger.run("DELETE FROM tree_heads")
    make_heads(forger)


@forgery
def rewritten_and_signed_with_another_key(forger: Forger) -> None:
    """a signed accept turned into a reject, and everything signed again with another key"""
    events = [event for event in forger.events() if event["kind"] != "KEY_ROTATED"]
    put_payload(last(events, "DECIDED", action="accept"), action="reject", reason="lab_explains")
    mend_references(events)
    mend_signatures(events, SoftwarePasskey())
    forger.chain(events)
    forger.run("DELETE FROM tree_heads")
    make_heads(forger)


@forgery
def only_the_last_heads_with_another_key(forger: Forger) -> None:
    """the last heads signed again with another key"""
    forger.sign_again(in_memory(Ed25519PrivateKey.generate()))


@forgery
def the_key_changed_by_a_made_up_event(forger: Forger) -> None:
    """a change to the forger's key written at the end, and a head signed with it"""
    own = in_memory(Ed25519PrivateKey.generate())
    public = own.public

    def change(events: list[Row]) -> None:
        made = {**first(events, "KEY_ROTATED"), "time": events[-1]["time"]}
        before = payload_of(made)
        payload = {"old": before["new"], "new": keys.key_digest(public), "public_key": public}
        payload["signature"] = own.sign(rotation._statement(payload, "00" * 16))
        made["payload"] = canonical.dumps(payload).decode()
        events.append(made)

    rewrite(forger, change)


@forgery
def the_last_minute_changed(forger: Forger) -> None:
    """an event of the last minute changed, over which no head is signed yet"""
    rewrite(forger, lambda e: e[-1].update(actor="dr.ada"))


@forgery
def the_last_minute_added_to(forger: Forger) -> None:
    """an event written into the last minute, over which no head is signed yet"""

    def change(events: list[Row]) -> None:
        opened = {**last(events, "OPENED"), "actor": "dr.ada"}
        events.append(opened)

    rewrite(forger, change)


@forgery
def the_last_minute_taken_away(forger: Forger) -> None:
    """the events of the last minute taken away, over which no head is signed yet"""
    forger.chain(forger.events()[: forger.sizes[-1]])


@forgery
def much_later_without_a_head(forger: Forger) -> None:
    """an event of much later put after the last head, without a head of its own"""

    def change(events: list[Row]) -> None:
        later = datetime.fromisoformat(events[-1]["time"]) + timedelta(minutes=5)
        events.append({**events[-1], "time": later.isoformat(timespec="microseconds")})

    rewrite(forger, change)


def mend_references(events: list[Row]) -> None:
    """Give events that refer to others the numbers that those have now."""
    moved = {event["sequence"]: number for number, event in enumerate(events, 1)}
    for event in events:
        payload = payload_of(event)
        for name in ("decisions", "signatures"):
            if name in payload:
                put_payload(event, **{name: [moved[n] for n in payload[name]]})
        for name in ("signature", "takes_back"):
            if isinstance(payload.get(name), int):
                put_payload(event, **{name: moved[payload[name]]})


def make_heads(forger: Forger) -> None:
    """Heads wherever one is due, signed with a key of the forger's, which replaces the key file."""
    (forger.folder / keys.KEY_FILE).unlink(missing_ok=True)
    last_size, last_time = 0, ""
    for event in forger.events():
        number = event["sequence"]
        is_last = number == forger.sizes[-1] - 1
        if (
            not last_size
            or is_last
            or verifier.due(event["kind"], number - last_size, last_time, event["time"])
        ):
            forger.run(
                "INSERT INTO tree_heads VALUES (?, '', ?, ?, '', '', '', '')",
                number, event["time"], "00" * 16,
            )  # fmt: skip
            last_size, last_time = number, event["time"]
    forger.sign_again(keys.load(forger.folder, None))
