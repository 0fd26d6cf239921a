"""Cards in the ledger: CARD_SENT for each that leaves, CARD_ANSWERED for what came back about it.

Feedback is what somebody in the record system did with a card. It is no decision of a reader: it
changes no status, needs no signature and counts in no agreement. A comment is kept like a reader's,
apart from the ledger, and goes with the case when that is purged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.retention import purge_of
from clinical.errors import ReviewError
from clinical.exchange.cds_card import Card
from clinical.exchange.facts import Refusal
from clinical.exchange.fhir_elements import Element, child, children, word
from clinical.review.comment import check_comment
from clinical.review.decisions import REASONS
from clinical.workspace import comments
from clinical.workspace.layout import EVENTS

ACTOR = "cds hooks"
OUTCOMES = ("accepted", "overridden")

_STAFF = re.compile(r"(?:Practitioner|PractitionerRole)/[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True)
class Asked:
    """Who asked for a card, and when in their work.

    Attributes:
        client: name of the record system.
        service: id of the service.
        hook: for example "patient-view".
        instance: `hookInstance`, or "".
        user: `context.userId`, or "".
    """

    client: str
    service: str
    hook: str
    instance: str = ""
    user: str = ""


@dataclass(frozen=True)
class Feedback:
    """What somebody did with one card.

    Attributes:
        card: its uuid.
        outcome: one of `OUTCOMES`.
        accepted: uuids of suggestions.
        reason: code of `clinical.review.decisions.REASONS`, or "".
        comment: free text, or "".
        time: when, UTC.
    """

    card: str
    outcome: str
    accepted: tuple[str, ...]
    reason: str
    comment: str
    time: datetime


@dataclass(frozen=True)
class _Sent:
    """A card as the ledger holds it."""

    event: int
    case_id: str
    client: str
    suggested: Mapping[str, str]


def sent(connection: Connection, card: Card, asked: Asked) -> None:
    """Append CARD_SENT; in the transaction in which the card was made.

    Raises:
        LedgerError: if the ledger cannot be appended to.
    """
    payload = {
        "card": card.uuid,
        "client": asked.client,
        "service": asked.service,
        "hook": asked.hook,
        "instance": _uuid(asked.instance),
        # Somebody of the staff as a reference; a patient who looks at the own record is not named.
        "user": asked.user if _STAFF.fullmatch(asked.user) else "",
        "assessment": card.assessment,
        "said": card.said,
        "suggested": list(card.suggested.values()),
        "suggestions": list(card.suggested),
        "content": canonical.digest(card.content),
    }
    ledger.append(connection, "CARD_SENT", actor=ACTOR, case_id=card.case_id, payload=payload)


def feedback_of(entry: Element, place: str) -> Feedback | Refusal:
    """One entry of `feedback`, or what of it cannot be used."""
    card, outcome = _uuid(word(entry, "card")), word(entry, "outcome")
    if not card:
        return Refusal(f"{place}.card", "it is no uuid.")
    if outcome not in OUTCOMES:
        return Refusal(f"{place}.outcome", "it is neither accepted nor overridden.")
    try:
        time = datetime.fromisoformat(word(entry, "outcomeTimestamp"))
        moment = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return Refusal(f"{place}.outcomeTimestamp", "it is no time.")
    accepted = tuple(_uuid(word(one, "id")) for one in children(entry, "acceptedSuggestions"))
    if (outcome == "accepted") != bool(accepted):
        reason = "an accepted card names suggestions, an overridden one none."
        return Refusal(f"{place}.acceptedSuggestions", reason)
    override = child(entry, "overrideReason")
    code, comment = word(child(override, "reason"), "code"), word(override, "userComment")
    if code and (code not in REASONS or outcome == "accepted"):
        return Refusal(f"{place}.overrideReason.reason.code", "the card did not offer it.")
    try:
        check_comment(comment, needed=False)
    except ReviewError as error:
        return Refusal(f"{place}.overrideReason.userComment", error.message)
    return Feedback(card, outcome, accepted, code, comment, moment)


def answered(
    connection: Connection, told: Feedback, asked: Asked, place: str = "feedback"
) -> Refusal | None:
    """Append CARD_ANSWERED, unless the ledger holds just that already.

    Args:
        connection: of a write transaction.
        told: what was done with the card.
        asked: which client says so, by which service.
        place: of it in the request.

    Returns:
        Why it is not recorded, or None.

    Raises:
        LedgerError: if the ledger cannot be appended to.
    """
    found = _find(connection, told.card)
    if found is None or found.client != asked.client:
        return Refusal(f"{place}.card", "no such card was given.")
    if not set(told.accepted) <= set(found.suggested):
        return Refusal(f"{place}.acceptedSuggestions", "the card has no such suggestion.")
    past = list(ledger.events(connection, case_id=found.case_id))
    if purge_of(past):
        return Refusal(f"{place}.card", "its case was removed.")
    payload: dict[str, object] = {
        "card": told.card,
        "sent": found.event,
        "client": asked.client,
        "service": asked.service,
        "outcome": told.outcome,
        "accepted": [found.suggested[one] for one in dict.fromkeys(told.accepted)],
        "reason": told.reason,
        "answered": told.time.isoformat(timespec="microseconds"),
    }
    for event in past:
        said = {key: value for key, value in event.payload.items() if key != "comment"}
        if event.kind == "CARD_ANSWERED" and said == payload:
            digest = str(event.payload["comment"])
            if (comments.get(connection, digest) if digest else "") == told.comment:
                return None  # a client may tell it again
    payload["comment"] = comments.put(connection, told.comment) if told.comment else ""
    ledger.append(connection, "CARD_ANSWERED", actor=ACTOR, case_id=found.case_id, payload=payload)
    return None


def _find(connection: Connection, card: str) -> _Sent | None:
    # The payload is canonical JSON, so this text stands nowhere else; the two databases have no
    # JSON function in common.
    query = select(EVENTS.c.sequence, EVENTS.c.case_id, EVENTS.c.payload).where(
        EVENTS.c.kind == "CARD_SENT", EVENTS.c.payload.contains(f'"card":"{card}"')
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    payload = json.loads(row.payload)
    suggested = dict(zip(payload["suggestions"], payload["suggested"], strict=True))
    return _Sent(row.sequence, row.case_id, payload["client"], suggested)


def _uuid(text: str) -> str:
    """A uuid in the form in which cards are named, or "" for anything else."""
    try:
        return str(UUID(text)) if len(text) == 36 else ""
    except ValueError:
        return ""
