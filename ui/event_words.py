"""An event of the ledger as a sentence that a person reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clinical.assessment import AuditEvent
from clinical.review import REASONS
from clinical.roles import Permission
from clinical.wording import words
from ui import wording

_ACTIONS = {"accept": "Accepted", "reject": "Rejected", "modify": "Changed"}
_CHANGES = {
    "added": "Added the account {0} with the role {1}",
    "disabled": "Disabled the account {0}",
    "enabled": "Enabled the account {0} again",
    "password": "Set another password for the account {0}",
}
_NO_ENTRY = {
    "password": "wrong password",
    "disabled": "the account is disabled",
    "unknown": "no account of that name",
    "unverified": "the provider does not vouch for the address",
}
_ENDS = {
    "asked": "Signed out",
    "idle": "Signed out: nobody at work for the idle time",
    "disabled": "Signed out: the account was disabled",
    "password": "Signed out: an administrator set another password",
    "stopped": "Signed out: the server was stopped",
}
PERMISSIONS: dict[Permission, str] = {
    "read_cases": "read cases",
    "decide": "decide on a suggestion",
    "assign": "assign a case",
    "adjudicate": "adjudicate",
    "audit": "look through the record",
    "export": "export the record",
    "studies": "see studies and the model",
    "accounts": "look after accounts",
}


def kind(name: str) -> str:
    """The kind of an event in words: "SIGNED_IN" is "Signed in"."""
    return wording.named(name.lower())


def sentence(event: AuditEvent) -> str:
    """What happened. A kind that has no words of its own is named; its details are in the JSON."""
    written = _SENTENCES.get(event.kind)
    return written(event.payload) if written else kind(event.kind)


def _assessed(payload: Mapping[str, Any]) -> str:
    flags = _part(payload, "flags")
    marks = [
        f"without {_list(payload, 'missing')}" if payload.get("missing") else "",
        "unlike the training data" if flags.get("out_of_distribution") else "",
        "inputs in conflict" if flags.get("conflicts") else "",
    ]
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
    return f"{done}{f': {wording.inside(reason)}' if reason else ''}{comment}"


def _exported(payload: Mapping[str, Any]) -> str:
    what = "the whole record" if payload.get("what") == "all" else "chosen cases"
    state = "intact" if payload.get("intact") else "broken"
    return f"Exported {what} ({payload.get('cases', 0)} cases); the ledger was {state}"


def _account(payload: Mapping[str, Any]) -> str:
    template = _CHANGES.get(str(payload.get("change")), "Changed the account {0}")
    return template.format(payload.get("account", ""), payload.get("role", ""))


def _signed_in(payload: Mapping[str, Any]) -> str:
    how = "an organisation's account" if payload.get("by") == "oidc" else "a password"
    return f"Signed in with {how}, as {payload.get('role', '')}"


def _signed_out(payload: Mapping[str, Any]) -> str:
    return _ENDS.get(str(payload.get("why")), "Signed out")


def _refused(payload: Mapping[str, Any]) -> str:
    what = str(payload.get("what", ""))
    if what == "sign_in":
        return f"Sign-in refused: {_NO_ENTRY.get(str(payload.get('why')), 'not allowed')}"
    known = next((said for name, said in PERMISSIONS.items() if name == what), words(what))
    return f"Refused: to {known}, as {payload.get('role', '')}"


def _part(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    # The record may have been tampered with, and is shown all the same.
    part = payload.get(name)
    return part if isinstance(part, Mapping) else {}


def _list(payload: Mapping[str, Any], name: str) -> str:
    items = payload.get(name)
    return ", ".join(words(str(item)) for item in items) if isinstance(items, list) else ""


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "ACCOUNT": _account,
    "SIGNED_IN": _signed_in,
    "REFUSED": _refused,
    "ASSESSED": _assessed,
    "OPENED": _opened,
    "DECIDED": _decided,
    "EXPORTED": _exported,
    "SIGNED_OUT": _signed_out,
}
