"""The same for marks on films, signatures with a passkey, and what was sent to other systems."""

from __future__ import annotations

import json

from forger import Forger, Row
from forgeries import (
    first,
    forgery,
    last,
    make_heads,
    mend_references,
    mend_signatures,
    payload_of,
    put_payload,
    rewrite,
)
from software_passkey import SoftwarePasskey

from clinical import canonical
from clinical.audit import passkey
from clinical.audit.passkey import Confirmation

CASE = "case-7"


def marks_row(forger: Forger) -> Row:
    return next(row for row in forger.rows("comments") if '"marks"' in row["text"])


def reworded(forger: Forger, old: str, new: str) -> tuple[str, str]:
    """Change what is marked, and its digest in the store; the digests before and after."""
    row = marks_row(forger)
    assert old in row["text"]
    text = row["text"].replace(old, new, 1)
    digest = canonical.digest({"salt": row["salt"], "text": text})
    forger.run(
        "UPDATE comments SET text = ?, digest = ? WHERE digest = ?", text, digest, row["digest"]
    )
    return row["digest"], digest


# Marks and key images


@forgery
def another_mark(forger: Forger) -> None:
    """a mark moved in the store"""
    row = marks_row(forger)
    text = row["text"].replace("[2.0,3.0]", "[2.0,4.0]")
    assert text != row["text"]
    forger.run("UPDATE comments SET text = ? WHERE digest = ?", text, row["digest"])


@forgery
def another_mark_with_its_digest(forger: Forger) -> None:
    """the words of an arrow changed, the digest mended in store and events"""
    old, new = reworded(forger, "nodule", "vessel")
    rewrite(forger, lambda e: put_payload(first(e, "MARKED", comment=old), comment=new))


@forgery
def another_length(forger: Forger) -> None:
    """a measured length changed, the digest mended in store and events"""
    value = json.loads(marks_row(forger)["text"])["marks"][0]["values"][0]["value"]
    old, new = reworded(forger, canonical.text(value), "4.5")
    rewrite(forger, lambda e: put_payload(first(e, "MARKED", comment=old), comment=new))


@forgery
def another_key_image(forger: Forger) -> None:
    """the window of a key image changed, the digest mended in store and events"""
    old, new = reworded(forger, '"inverted":false', '"inverted":true')
    rewrite(forger, lambda e: put_payload(first(e, "MARKED", comment=old), comment=new))


@forgery
def marks_on_another_film(forger: Forger) -> None:
    """marks moved to another film, the digest mended in store and events"""
    film = json.loads(marks_row(forger)["text"])["marks"][0]["digest"]
    old, new = reworded(forger, film, "ab" * 32)
    rewrite(forger, lambda e: put_payload(first(e, "MARKED", comment=old), comment=new))


@forgery
def marks_of_another(forger: Forger) -> None:
    """marks given another reader"""
    rewrite(forger, lambda e: first(e, "MARKED").update(actor="dr.bob"))


@forgery
def marks_on_another_case(forger: Forger) -> None:
    """marks moved to another case"""
    rewrite(forger, lambda e: first(e, "MARKED").update(case_id="case-1"))


@forgery
def marks_taken_away(forger: Forger) -> None:
    """marks taken out of record and store"""
    forger.run("DELETE FROM comments WHERE digest = ?", marks_row(forger)["digest"])
    rewrite(forger, lambda e: e.remove(first(e, "MARKED")))


@forgery
def marks_in_the_place_of_a_comment(forger: Forger) -> None:
    """marks made to name the text of a note"""
    note = next(r for r in forger.rows("comments") if r["text"] == "Ask for the lateral.")
    rewrite(forger, lambda e: put_payload(first(e, "MARKED"), comment=note["digest"]))


# Signatures with a passkey


@forgery
def no_passkey(forger: Forger) -> None:
    """what a passkey answered taken out of a signature"""

    def change(events: list[Row]) -> None:
        event = first(events, "SIGNED", case_id=CASE)
        kept = {k: v for k, v in payload_of(event).items() if k != "passkey"}
        event["payload"] = canonical.dumps(kept).decode()

    rewrite(forger, change)


@forgery
def no_passkey_needed(forger: Forger) -> None:
    """what a passkey answered taken out of a signature, and that the protocol asks for it"""
    no_passkey(forger)

    def change(events: list[Row]) -> None:
        event = last(events, "PROTOCOL")
        kept = {k: v for k, v in payload_of(event).items() if k != "passkey"}
        event["payload"] = canonical.dumps(kept).decode()

    rewrite(forger, change)


@forgery
def another_passkey(forger: Forger) -> None:
    """a passkey of one's own in the place of the reader's, and a signature confirmed with it"""
    own, nonce = SoftwarePasskey(), "ab" * 16

    def change(events: list[Row]) -> None:
        added = first(events, "ACCOUNT", change="passkey")
        put_payload(added, credential=own.credential, public_key=own.public_key)
        signed = first(events, "SIGNED", case_id=CASE)
        put_payload(signed, meaning="reviewed by somebody else")
        answer = own.answer(passkey.challenge(CASE, payload_of(signed), nonce))
        put_payload(signed, passkey=passkey.as_json(Confirmation(nonce, answer)))

    rewrite(forger, change)


@forgery
def an_answer_to_another_signature(forger: Forger) -> None:
    """what a passkey answered to one signature put into another of the same reader"""

    def change(events: list[Row]) -> None:
        answer = payload_of(first(events, "SIGNED", case_id=CASE))["passkey"]
        put_payload(first(events, "SIGNED", case_id="case-2"), passkey=answer)

    rewrite(forger, change)


@forgery
def a_passkey_of_another_account(forger: Forger) -> None:
    """a passkey given to another account"""
    rewrite(forger, lambda e: put_payload(first(e, "ACCOUNT", change="passkey"), account="dr.bob"))


@forgery
def signed_again_but_for_the_passkeys(forger: Forger) -> None:
    """everything signed again with another key, and what passkeys answered left as it was"""
    events = [event for event in forger.events() if event["kind"] != "KEY_ROTATED"]
    mend_references(events)
    mend_signatures(events)
    forger.chain(events)
    forger.run("DELETE FROM tree_heads")
    make_heads(forger)


# What was sent


@forgery
def said_to_be_delivered(forger: Forger) -> None:
    """a refused delivery said to have arrived"""
    rewrite(forger, lambda e: put_payload(first(e, "SENT", to="clinic"), outcome="delivered"))


@forgery
def sent_elsewhere(forger: Forger) -> None:
    """a delivery said to have gone to another system"""
    rewrite(forger, lambda e: put_payload(first(e, "SENT", to="archive"), to="research"))


@forgery
def another_file_sent(forger: Forger) -> None:
    """the file of a delivery changed"""
    rewrite(forger, lambda e: put_payload(first(e, "SENT", to="archive"), file="ef" * 32))


@forgery
def never_sent(forger: Forger) -> None:
    """a delivery taken out"""
    rewrite(forger, lambda e: e.remove(first(e, "SENT", to="archive")))


@forgery
def another_file_left(forger: Forger) -> None:
    """the files of a case exported for other systems changed"""
    rewrite(
        forger, lambda e: put_payload(first(e, "EXPORTED", what="case_fhir"), files=["ef" * 32])
    )
