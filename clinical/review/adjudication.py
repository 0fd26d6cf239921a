"""Adjudication: the final decision where signed readings of a case differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from clinical.access.roles import Role, may
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import ReviewError
from clinical.review.comment import check_comment
from clinical.review.conclusion import concluded, differ
from clinical.review.decisions import CODED
from clinical.review.progress import Progress, progress
from clinical.workspace import comments
from clinical.workspace.database import writing


@dataclass(frozen=True)
class Adjudication:
    """What an adjudicator decides on readings that differ.

    Attributes:
        case_id: the case.
        adjudicator, role: who decides, in which role.
        signatures: numbers of the signatures that were compared on the screen.
        present: the diagnoses that hold: all that the readers agree on, and what the adjudicator
            makes of the others.
        time: when, with time zone.
        comment: free text, optional.
    """

    case_id: str
    adjudicator: str
    role: Role
    signatures: tuple[int, ...]
    present: frozenset[str]
    time: datetime
    comment: str = ""


def agreed(now: Progress) -> frozenset[str]:
    """Diagnoses that every signed reading holds to be present."""
    held = [concluded(reader) for reader in now.signed]
    return frozenset.intersection(*held) if held else frozenset()


def disputed(now: Progress) -> list[str]:
    """Diagnoses that some signed readings hold to be present and others do not, by name."""
    held = [concluded(reader) for reader in now.signed]
    return sorted(frozenset().union(*held) - agreed(now))


def signatures(now: Progress) -> tuple[int, ...]:
    """Numbers of the signatures that stand, in order."""
    return tuple(reader.signature.sequence for reader in now.signed if reader.signature)


def check_adjudicate(adjudication: Adjudication, events: Iterable[AuditEvent]) -> None:
    """Refuse a last word that is not due, not theirs to speak, or on other signatures.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    _check_due(adjudication, now)
    if adjudication.signatures != signatures(now):
        raise ReviewError(
            "A reader has signed or amended since the readings were compared.",
            remedy="review the readings as they are now.",
        )
    if missing := agreed(now) - adjudication.present:
        raise ReviewError(
            f"The readers agree on {len(missing)} of the diagnoses that were left out.",
            remedy="decide only on the ones where they differ.",
        )
    other = adjudication.present - agreed(now) - set(disputed(now))
    if any(not CODED.fullmatch(name) for name in other):
        raise ReviewError(
            "An adjudicated diagnosis must be one of the readers', or a code.",
            remedy='give a code such as "ICD-10:J18.9" for any other.',
        )
    check_comment(adjudication.comment, needed=False)


def can_adjudicate(adjudication: Adjudication, events: Iterable[AuditEvent]) -> bool:
    """Whether `check_adjudicate` allows it."""
    try:
        check_adjudicate(adjudication, events)
    except ReviewError:
        return False
    return True


def adjudicate(engine: Engine, adjudication: Adjudication) -> AuditEvent:
    """Append ADJUDICATED with its comment, in one transaction; both readings stay as they are.

    Raises:
        ReviewError: as `check_adjudicate`; nothing is recorded then.
    """
    with writing(engine) as connection:
        events = list(ledger.events(connection, case_id=adjudication.case_id))
        check_adjudicate(adjudication, events)
        subject = progress(events).subject
        text = adjudication.comment
        payload = {
            "assessment": subject.digest if subject else "",
            "signatures": list(adjudication.signatures),
            "present": sorted(adjudication.present),
            "decided": adjudication.time.isoformat(),
            "comment": comments.put(connection, text) if text else "",
        }
        return ledger.append(
            connection,
            "ADJUDICATED",
            actor=adjudication.adjudicator,
            case_id=adjudication.case_id,
            payload=payload,
        )


def _check_due(adjudication: Adjudication, now: Progress) -> None:
    if not may(adjudication.role, "adjudicate"):
        raise ReviewError("This role may not adjudicate.", remedy="ask an adjudicator.")
    if adjudication.time.tzinfo is None:
        raise ReviewError("The time needs a time zone.", remedy="give the time in UTC.")
    if now.adjudicated is not None:
        raise ReviewError(
            f"{now.adjudicated.adjudicator} has adjudicated this case already.",
            remedy="nothing more can be decided unless the case is assessed again.",
        )
    if not differ(now.signed):
        raise ReviewError(
            "This case does not have two signed readings that differ.",
            remedy="wait until both readers have signed.",
        )
    if adjudication.adjudicator in {reader.name for reader in now.signed}:
        raise ReviewError(
            "You are one of the readers who differ.", remedy="ask another adjudicator."
        )
