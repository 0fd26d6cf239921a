"""Signing a reading, and amending what was signed.

A signature says who signed, in which role, when and what that means (21 CFR 11.50), and is tied to
what was signed (11.70): it names the decisions that stood and the digest of their events' hashes.
After it that reader changes nothing, until they amend the reading with a reason; the signature and
what it covered stay in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.access import passkeys
from clinical.access.roles import Role, may
from clinical.audit import ledger, passkey
from clinical.audit.passkey import Confirmation
from clinical.case.assessment import AuditEvent
from clinical.errors import ReviewError
from clinical.review import marking, protocol, viewed
from clinical.review.comment import check_comment
from clinical.review.decisions import NEEDS_COMMENT, check_reading
from clinical.review.marking import Told
from clinical.review.progress import Progress, Reader, RecordedDecision, progress
from clinical.review.times import Attention, timed
from clinical.review.viewed import Viewed
from clinical.workspace import comments
from clinical.workspace.database import writing

MEANINGS: dict[str, str] = {
    "reviewed": "I have reviewed this case and these are my decisions",
}
AMEND_REASONS: dict[str, str] = {
    "mistake": "I made a mistake in recording",
    "new_information": "I have learnt something about the patient",
    "discussed": "I have discussed the case with somebody",
    "other": "Another reason, see the comment",
}

Identify = Callable[[], bool]
"""Asks whether who signs is who they say: False, or an error of its own, if not."""


@dataclass(frozen=True)
class Signature:
    """A reader's wish to sign.

    Attributes:
        case_id: the case.
        assessment_digest: the assessment that was on the screen, or "".
        reader, role: who signs, in which role.
        decisions: `decisions_digest` of what was on the screen.
        time: when, with time zone.
        meaning: a key of `MEANINGS`.
    """

    case_id: str
    assessment_digest: str
    reader: str
    role: Role
    decisions: str
    time: datetime
    meaning: str = "reviewed"


@dataclass(frozen=True)
class Amendment:
    """A reader's wish to reopen what they signed.

    Attributes:
        case_id, reader: whose reading of what.
        reason: a key of `AMEND_REASONS`.
        comment: free text; needed for "other".
    """

    case_id: str
    reader: str
    reason: str
    comment: str = ""


def decisions_digest(reader: Reader) -> str:
    """SHA-256 of the canonical JSON of the event hashes of the decisions that stand, in order."""
    return canonical.digest([decision.event_hash for decision in _signable(reader)])


def left_to_decide(now: Progress, name: str) -> list[str]:
    """Suggestions that this reader still has to decide on before they can sign."""
    decided = now.of(name).standing
    wanted = now.subject.to_decide if now.subject else ()
    return [diagnosis for diagnosis in wanted if diagnosis not in decided]


def check_sign(signature: Signature, events: Iterable[AuditEvent]) -> Reader:
    """Refuse a signature that the rules of review do not allow.

    Returns:
        The reading that would be signed.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    if not may(signature.role, "decide"):
        raise ReviewError("This role may not sign readings.", remedy="sign in as a reader.")
    if signature.meaning not in MEANINGS:
        raise ReviewError("A signature needs a meaning.", remedy=f"use one of {tuple(MEANINGS)}.")
    if signature.time.tzinfo is None:
        raise ReviewError("The time of a signature needs a time zone.", remedy="give it in UTC.")
    if now.subject is None or now.subject.digest != signature.assessment_digest:
        raise ReviewError(
            "The case has been assessed again since this assessment was shown.",
            remedy="open the case again and decide on the latest assessment.",
        )
    mine = check_reading(now, signature.reader)
    if left := left_to_decide(now, signature.reader):
        raise ReviewError(
            f"{len(left)} of the suggestions at or above their threshold"
            f" {'has' if len(left) == 1 else 'have'} no decision of yours.",
            remedy="accept, modify or reject each of them first.",
        )
    if decisions_digest(mine) != signature.decisions:
        raise ReviewError(
            "Your decisions were changed in another window after they were shown here.",
            remedy="review them as they are now, then sign.",
        )
    return mine


def can_sign(signature: Signature, events: Iterable[AuditEvent]) -> bool:
    """Whether `check_sign` allows it."""
    try:
        check_sign(signature, events)
    except ReviewError:
        return False
    return True


def sign(
    engine: Engine,
    signature: Signature,
    *,
    attention: Attention | None = None,
    identify: Identify | None = None,
    view: Viewed | None = None,
    marked: Told | None = None,
    confirmed: Confirmation | None = None,
) -> AuditEvent:
    """Append SIGNED and TIMED in one transaction.

    Args:
        engine: the workspace.
        signature: who signs what.
        attention: how long the reader worked on the case, where that was measured.
        identify: asks for the identity again where there are accounts; None where there are none.
            The event says which. It is asked before the transaction: hashing a password takes its
            time, and nobody else could write meanwhile.
        view: what the reader had on the screen, where that is known.
        marked: what they had marked on the images, where that is known.
        confirmed: what a passkey of the reader's said to this signature, where one was asked.

    Raises:
        ReviewError: if the rules do not allow it, the identity was not confirmed, or the protocol
            asks for a passkey and none of the reader's confirmed this; nothing is recorded then.
    """
    if identify is not None and not identify():
        raise ReviewError("Wrong password.", remedy="type it again.")
    with writing(engine) as connection:
        events = ledger.events(connection, case_id=signature.case_id)
        mine = check_sign(signature, events)
        time = signature.time.astimezone(UTC)
        record = partial(
            ledger.append,
            connection,
            actor=signature.reader,
            case_id=signature.case_id,
            time=time,
        )
        payload: dict[str, object] = {
            **_said(signature),
            "identity": "session" if identify is None else "password",
            "decisions": [decision.sequence for decision in _signable(mine)],
        }
        if confirmed is not None or protocol.in_force(connection).passkey:
            payload["passkey"] = _confirmed(connection, signature, confirmed)
        if view is not None:
            payload["view"] = viewed.as_json(view)
        marking.record(connection, signature.case_id, signature.reader, marked, time=time)
        event = record("SIGNED", payload=payload)
        times = {"assessment": signature.assessment_digest, **timed(mine, attention, time)}
        record("TIMED", payload=times)
        return event


def passkey_challenge(signature: Signature, nonce: str) -> str:
    """What a passkey is asked to confirm this signature with (`clinical.audit.passkey`)."""
    return passkey.challenge(signature.case_id, _said(signature), nonce)


def _said(signature: Signature) -> dict[str, object]:
    return {
        "assessment": signature.assessment_digest,
        "name": signature.reader,
        "role": signature.role,
        "meaning": signature.meaning,
        "digest": signature.decisions,
    }


def _confirmed(
    connection: Connection, signature: Signature, confirmed: Confirmation | None
) -> dict[str, str]:
    if confirmed is None:
        raise ReviewError(
            "A signature in this workspace needs your passkey.",
            remedy="press Confirm with passkey, then sign.",
        )
    said = confirmed.assertion
    held = {one.credential: one for one in passkeys.of(connection, signature.reader)}
    known = held.get(said.credential)
    asked = passkey_challenge(signature, confirmed.nonce)
    why = "it is none of yours"
    if known:
        last = passkeys.last_counter(connection, signature.reader, known)
        why = passkey.objection(known.public_key, said, asked, last)
    if why:
        raise ReviewError(
            f"The passkey did not confirm this signature: {why}.",
            remedy="press Confirm with passkey again, then sign.",
        )
    return passkey.as_json(confirmed)


def check_amend(amendment: Amendment, events: Iterable[AuditEvent]) -> Reader:
    """Refuse to reopen what is not signed, was adjudicated, or without a reason.

    Returns:
        The signed reading.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    mine = now.of(amendment.reader)
    if now.adjudicated is not None:
        raise ReviewError(
            f"{now.adjudicated.adjudicator} has adjudicated this case.",
            remedy="a signed reading can be amended only before that.",
        )
    if mine.signature is None:
        raise ReviewError(
            "You have no signature to amend.", remedy="change your decisions directly."
        )
    if amendment.reason not in AMEND_REASONS:
        raise ReviewError(
            "Amending needs one of the coded reasons.",
            remedy=f"choose one of {', '.join(AMEND_REASONS)}.",
        )
    check_comment(amendment.comment, needed=amendment.reason == NEEDS_COMMENT)
    return mine


def can_amend(amendment: Amendment, events: Iterable[AuditEvent]) -> bool:
    """Whether `check_amend` allows it."""
    try:
        check_amend(amendment, events)
    except ReviewError:
        return False
    return True


def amend(engine: Engine, amendment: Amendment, *, time: datetime | None = None) -> AuditEvent:
    """Append AMENDED: the decisions stand as they were signed and can be changed and signed again.

    Raises:
        ReviewError: as `check_amend`; nothing is recorded then.
    """
    with writing(engine) as connection:
        events = list(ledger.events(connection, case_id=amendment.case_id))
        mine = check_amend(amendment, events)
        subject = progress(events).subject
        text = amendment.comment
        payload = {
            "assessment": subject.digest if subject else "",
            "signature": mine.signature.sequence if mine.signature else None,
            "reason": amendment.reason,
            "comment": comments.put(connection, text) if text else "",
        }
        return ledger.append(
            connection,
            "AMENDED",
            actor=amendment.reader,
            case_id=amendment.case_id,
            payload=payload,
            time=time,
        )


def holds(reader: Reader) -> bool:
    """Whether the decisions that stand are those that the standing signature was made over."""
    return reader.signature is not None and reader.signature.digest == decisions_digest(reader)


def _signable(reader: Reader) -> list[RecordedDecision]:
    return sorted(reader.standing.values(), key=lambda decision: decision.sequence)
