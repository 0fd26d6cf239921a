"""An event of the ledger as a readable sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clinical.access.roles import Permission
from clinical.case.assessment import AuditEvent
from clinical.review import viewed
from clinical.review.decisions import REASONS
from clinical.review.signature import AMEND_REASONS
from clinical.wording import inside_a_sentence, words
from ui.words import phrasing

_ACTIONS = {"accept": "Accepted", "reject": "Rejected", "modify": "Changed", "add": "Added"}
_CHANGES = {
    "added": "Added the account {0} with the role {1}",
    "disabled": "Disabled the account {0}",
    "enabled": "Enabled the account {0} again",
    "password": "Set a new password for the account {0}",
    "renewed": "Hashed the password of the account {0} anew",
    "passkey": "Added a passkey to the account {0}",
    "no_passkeys": "Disabled the passkeys of the account {0}",
}
_NO_ENTRY = {
    "password": "wrong password",
    "disabled": "the account is disabled",
    "unknown": "no account with that name",
    "unverified": "the provider does not vouch for the address",
}
_ENDS = {
    "asked": "Signed out",
    "idle": "Signed out: inactive for too long",
    "disabled": "Signed out: the account was disabled",
    "password": "Signed out: an administrator set a new password",
    "stopped": "Signed out: the server was stopped",
}
PERMISSIONS: dict[Permission, str] = {
    "read_cases": "read cases",
    "add_cases": "add a case",
    "decide": "decide on a suggestion",
    "print_case": "save a case as a PDF",
    "assign": "assign a case",
    "adjudicate": "adjudicate",
    "audit": "view the record",
    "export": "export the record",
    "studies": "view studies and the model",
    "accounts": "manage accounts",
}


def kind(name: str) -> str:
    """The kind of an event in words: "SIGNED_IN" is "Signed in"."""
    return phrasing.named(name.lower())


def sentence(event: AuditEvent) -> str:
    """What happened. A kind that has no words of its own is named; its details are in the JSON."""
    written = SENTENCES.get(event.kind)
    return written(event.payload) if written else kind(event.kind)


def _assessed(payload: Mapping[str, Any]) -> str:
    flags = _part(payload, "flags")
    marks = [
        f"without {_list(payload, 'missing')}" if payload.get("missing") else "",
        "unlike the training data" if flags.get("out_of_distribution") else "",
        "inputs in conflict" if flags.get("conflicts") else "",
    ]
    if others := len(payload.get("beside", ())):
        marks.append(f"the last of {others + 1} models that were asked")
    read = f"The model {_part(payload, 'model').get('name', '')} read {_list(payload, 'used')}"
    return ", ".join([read, *(mark for mark in marks if mark)])


def _opened(_: Mapping[str, Any]) -> str:
    return "Opened the case"


def _decided(payload: Mapping[str, Any]) -> str:
    action = _ACTIONS.get(str(payload.get("action")), "Decided on")
    done = f"{action} {words(str(payload.get('diagnosis', '')))}"
    if payload.get("replacement"):
        done += f" to {words(str(payload['replacement']))}"
    reason = REASONS.get(str(payload.get("reason")), "")
    comment = ", with a comment" if payload.get("comment") else ""
    return (
        f"{done}{f': {inside_a_sentence(reason)}' if reason else ''}{comment}{_on_screen(payload)}"
    )


def _assigned(payload: Mapping[str, Any]) -> str:
    reader = payload.get("reader")
    return f"Assigned the case to {reader}" if reader else "Withdrew the assignment of the case"


ADDED = {
    "new": "Added the case on the page",
    "correction": "Corrected the case on the page",
    "received": "Put the case together from what was received",
    "received again": "Put the case together anew, from what was received later",
}
"""How a case that no model had seen came to the workspace, to what is said of it."""


def _imported(payload: Mapping[str, Any]) -> str:
    if done := ADDED.get(str(payload.get("added"))):
        return f"{done}, with {_list(payload, 'inputs')}"
    return f"Imported the case for reading without a model, with {_list(payload, 'inputs')}"


def _protocol(payload: Mapping[str, Any]) -> str:
    first = (
        "before they see the model's suggestions"
        if payload.get("first_read")
        else "with the model's suggestions in view"
    )
    share = payload.get("second_share")
    second = (
        f"; {share:.0%} of cases have two readers" if isinstance(share, float) and share else ""
    )
    third = "; a signature needs a passkey" if payload.get("passkey") is True else ""
    return f"From now on readers give their reading {first}{second}{third}"


def _first_read(payload: Mapping[str, Any]) -> str:
    ranked = payload.get("differential")
    listed = ranked if isinstance(ranked, list) else []
    entries = [entry for entry in listed if isinstance(entry, Mapping)]
    names = [words(str(entry.get("diagnosis", ""))) for entry in entries]
    listing = ", ".join(names) or "no diagnosis"
    return f"Committed a first read: {listing}{_on_screen(payload)}"


def _hypothetical(payload: Mapping[str, Any]) -> str:
    left, changed = _list(payload, "left_out"), _list(payload, "changed")
    what = " and ".join(
        part
        for part in (
            f"without {left}" if left else "",
            f"with a different {changed}" if changed else "",
        )
        if part
    )
    return f"Asked what the model would say {what} (hypothetical)"


def _undone(payload: Mapping[str, Any]) -> str:
    what = words(str(payload.get("diagnosis", "")))
    return f"Took back event {payload.get('takes_back', '')} ({what})"


def _signed(payload: Mapping[str, Any]) -> str:
    numbers = payload.get("decisions")
    count = len(numbers) if isinstance(numbers, list) else 0
    asked = ", after entering the password" if payload.get("identity") == "password" else ""
    asked += ", confirmed with a passkey" if payload.get("passkey") else ""
    signed = f"Signed {count} decision{'' if count == 1 else 's'} as {payload.get('role', '')}"
    return f"{signed}{asked}{_on_screen(payload)}"


def _timed(payload: Mapping[str, Any]) -> str:
    active = payload.get("active_seconds")
    return (
        f"Spent {active:.0f} s on the case, not counting idle time"
        if isinstance(active, int | float)
        else "Time spent"
    )


def _marked(payload: Mapping[str, Any]) -> str:
    number = payload.get("marks")
    if not number:
        return "Removed the marks on the images"
    return f"Left {number} mark{'' if number == 1 else 's'} on the images"


def _amended(payload: Mapping[str, Any]) -> str:
    reason = AMEND_REASONS.get(str(payload.get("reason")), "")
    return f"Reopened the signed case{f': {inside_a_sentence(reason)}' if reason else ''}"


def _adjudicated(payload: Mapping[str, Any]) -> str:
    return f"Adjudicated: {_list(payload, 'present') or 'none of the diagnoses'}"


_SAVED = {
    "case_pdf": "Saved the case as a PDF",
    "case_dicom": "Made DICOM objects of the case",
    "case_fhir": "Made a FHIR Bundle of the case",
    "case_hl7": "Made an HL7 message of the case",
}


def _exported(payload: Mapping[str, Any]) -> str:
    if (saved := _SAVED.get(str(payload.get("what")))) is not None:
        return saved
    if payload.get("what") == "meds":
        number = payload.get("cases", 0)
        cases = "1 case" if number == 1 else f"{number} cases"
        return f"Exported {cases} as a MEDS dataset"
    what = "the whole record" if payload.get("what") == "all" else "chosen cases"
    state = "intact" if payload.get("intact") else "broken"
    number = payload.get("cases", 0)
    cases = "1 case" if number == 1 else f"{number} cases"
    how = ", de-identified" if payload.get("de_identified") else ""
    return f"Exported {what} ({cases}{how}); the ledger was {state}"


def _sent(payload: Mapping[str, Any]) -> str:
    name, to = payload.get("name", ""), payload.get("to", "")
    if payload.get("outcome") == "delivered":
        return f"Delivered {name} to {to}"
    return f"{to} refused {name}: {payload.get('reason', '')}"


_CARDS = {
    "suggestions": "with suggestions",
    "none": "which says that the model suggests nothing",
    "withheld": "without suggestions, as they are withheld",
    "first read": "without suggestions, as the case waits for its first read",
}


def _card_sent(payload: Mapping[str, Any]) -> str:
    said = _CARDS.get(str(payload.get("said")), "")
    named = _list(payload, "suggested")
    to, hook = payload.get("client", ""), payload.get("hook", "")
    told = f" {said}" if said else ""
    return f"Sent a card to {to} ({hook}){told}{f': {named}' if named else ''}"


def _card_answered(payload: Mapping[str, Any]) -> str:
    whose = f"the card of event {payload.get('sent', '')} (not a reading)"
    if payload.get("outcome") == "accepted":
        return f"{payload.get('client', '')} accepted {_list(payload, 'accepted')} on {whose}"
    reason = REASONS.get(str(payload.get("reason")), "")
    comment = ", with a comment" if payload.get("comment") else ""
    why = f": {inside_a_sentence(reason)}" if reason else ""
    return f"{payload.get('client', '')} overrode {whose}{why}{comment}"


def _cleared(payload: Mapping[str, Any]) -> str:
    counts = [
        f"{payload[name]} {what}"
        for name, what in (
            ("objects", "received objects"),
            ("messages", "messages in the chart"),
            ("films", "films in the chart"),
            ("files", "files of the watched folder"),
            ("parcels", "parcels that waited to be sent"),
        )
        if payload.get(name)
    ]
    whose = "a patient" if payload.get("what") == "patient" else "the case"
    return f"Removed the copies of {whose} outside the store: {', '.join(counts) or 'none'}"


def _reported(payload: Mapping[str, Any]) -> str:
    state = "intact" if payload.get("intact") else "broken"
    return (
        f"Created an agreement report ({payload.get('readings', 0)} readings,"
        f" {payload.get('cases', 0)} cases); the ledger was {state}"
    )


def _account(payload: Mapping[str, Any]) -> str:
    template = _CHANGES.get(str(payload.get("change")), "Changed the account {0}")
    return template.format(payload.get("account", ""), payload.get("role", ""))


def _model(payload: Mapping[str, Any]) -> str:
    name = f"the model {payload.get('name', '')} ({str(payload.get('digest', ''))[:16]})"
    match payload.get("change"):
        case "added":
            return f"Added {name}; it is asked first from here on"
        case "retired":
            return f"Retired {name}: asked no more, kept for replay"
    number = payload.get("assessments")
    if not isinstance(number, int) or number < 1:
        return f"Removed {name}"
    its = "its assessment" if number == 1 else f"its {number} assessments"
    return f"Removed {name}: {its} cannot be replayed without it"


def _signed_in(payload: Mapping[str, Any]) -> str:
    how = "an organisation's account" if payload.get("by") == "oidc" else "a password"
    return f"Signed in with {how}, as {payload.get('role', '')}"


def _signed_out(payload: Mapping[str, Any]) -> str:
    return _ENDS.get(str(payload.get("why")), "Signed out")


def _refused(payload: Mapping[str, Any]) -> str:
    what = str(payload.get("what", ""))
    if what == "sign_in":
        why = _NO_ENTRY.get(str(payload.get("why")), "not allowed")
        return f"Sign-in refused: {why}{_times(payload)}"
    if what == "request":
        return f"Refused: what a page of another address asked for{_times(payload)}"
    if what == "confirm":
        return "Refused: wrong password at confirmation"
    known = next((said for name, said in PERMISSIONS.items() if name == what), words(what))
    return f"Refused: to {known}, as {payload.get('role', '')}"


def _times(payload: Mapping[str, Any]) -> str:
    times = payload.get("times")
    return f" ({times} times within a minute)" if isinstance(times, int) and times > 1 else ""


def _on_screen(payload: Mapping[str, Any]) -> str:
    view = viewed.said(payload.get("view"))
    return f"; on the screen: {view}" if view else ""


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    # The record may have been tampered with, and is shown all the same.
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def _list(payload: Mapping[str, Any], name: str) -> str:
    items = payload.get(name)
    return ", ".join(words(str(item)) for item in items) if isinstance(items, list) else ""


SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "PROTOCOL": _protocol,
    "ACCOUNT": _account,
    "MODEL": _model,
    "SIGNED_IN": _signed_in,
    "REFUSED": _refused,
    "IMPORTED": _imported,
    "ASSESSED": _assessed,
    "ASSIGNED": _assigned,
    "OPENED": _opened,
    "FIRST_READ": _first_read,
    "SHOWN": lambda _: "Saw the model's suggestions",
    "HYPOTHETICAL": _hypothetical,
    "DECIDED": _decided,
    "UNDONE": _undone,
    "SIGNED": _signed,
    "TIMED": _timed,
    "AMENDED": _amended,
    "ADJUDICATED": _adjudicated,
    "MARKED": _marked,
    "NOTED": lambda _: "Left a note for the next reader",
    "NOTE_WITHDRAWN": lambda payload: f"Withdrew the note of event {payload.get('takes_back', '')}",
    "EXPORTED": _exported,
    "SENT": _sent,
    "CARD_SENT": _card_sent,
    "CARD_ANSWERED": _card_answered,
    "REPORTED": _reported,
    "PURGED": lambda _: "Removed the case from the store; its events remain",
    "CLEARED": _cleared,
    "KEY_ROTATED": lambda _: "Replaced the signing key",
    "SIGNED_OUT": _signed_out,
}
