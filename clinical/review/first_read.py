"""The blinded first read: a reader's own differential, before they see the model's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import get_args

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.case.assessment import Assessment, AuditEvent, Confidence
from clinical.errors import ReviewError
from clinical.review import marking, viewed
from clinical.review.decisions import CODED
from clinical.review.marking import Told
from clinical.review.progress import Ranked, progress
from clinical.review.viewed import Viewed
from clinical.workspace import store
from clinical.workspace.database import writing

MOST_RANKED = 10


@dataclass(frozen=True)
class FirstRead:
    """What a reader holds a case to be, before the model's suggestions are shown.

    Attributes:
        case_id: the case.
        assessment_digest: the assessment that is withheld meanwhile.
        differential: most likely first; empty says "no diagnosis".
        reader: account name of the reader.
        time: when, with time zone.
    """

    case_id: str
    assessment_digest: str
    differential: tuple[Ranked, ...]
    reader: str
    time: datetime


def check_first_read(read: FirstRead, assessment: Assessment, events: Iterable[AuditEvent]) -> None:
    """Refuse a first read that is late, or not a ranked list of diagnoses.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    mine = now.of(read.reader)
    if now.subject is None or read.assessment_digest != now.subject.digest:
        raise ReviewError(
            "The case has been assessed again since it was opened.", remedy="open the case again."
        )
    if not mine.opened:
        raise ReviewError(
            "This reader has not opened the case since it was assessed.",
            remedy="open the case first.",
        )
    if mine.shown:
        raise ReviewError(
            "You have already seen the model's suggestions for this case.",
            remedy="decide on them; a first read must come before.",
        )
    if read.time.tzinfo is None:
        raise ReviewError("The time of a first read needs a time zone.", remedy="give it in UTC.")
    _check_differential(read.differential, {s.diagnosis for s in assessment.suggestions})


def can_commit(read: FirstRead, assessment: Assessment, events: Iterable[AuditEvent]) -> bool:
    """Whether `check_first_read` allows it."""
    try:
        check_first_read(read, assessment, events)
    except ReviewError:
        return False
    return True


def commit_first_read(
    engine: Engine,
    read: FirstRead,
    *,
    view: Viewed | None = None,
    marked: Told | None = None,
) -> AuditEvent:
    """Record a first read and that the model's output is shown now, in one transaction.

    Args:
        engine: the workspace.
        read: the differential.
        view: what the reader had on the screen, where that is known.
        marked: what they had marked on the images, where that is known.

    Returns:
        The FIRST_READ event; a SHOWN event follows it.

    Raises:
        ReviewError: as `check_first_read`; nothing is recorded then.
    """
    with writing(engine) as connection:
        assessment = store.get_assessment(connection, read.assessment_digest)
        check_first_read(read, assessment, ledger.events(connection, case_id=read.case_id))
        listed = [
            {"diagnosis": item.diagnosis, "confidence": item.confidence}
            for item in read.differential
        ]
        payload: dict[str, object] = {
            "assessment": read.assessment_digest,
            "differential": listed,
            "decided": read.time.isoformat(),
        }
        if view is not None:
            payload["view"] = viewed.as_json(view)
        marking.record(connection, read.case_id, read.reader, marked)
        record = partial(ledger.append, connection, actor=read.reader, case_id=read.case_id)
        event = record("FIRST_READ", payload=payload)
        record("SHOWN", payload={"assessment": read.assessment_digest})
        return event


def _check_differential(differential: tuple[Ranked, ...], known: set[str]) -> None:
    names = [item.diagnosis for item in differential]
    if len(names) > MOST_RANKED:
        raise ReviewError(
            f"A differential has at most {MOST_RANKED} diagnoses.", remedy="remove some."
        )
    if len(set(names)) < len(names):
        raise ReviewError("A diagnosis appears twice in the differential.", remedy="remove one.")
    if any(name not in known and not CODED.fullmatch(name) for name in names):
        raise ReviewError(
            "A differential may only hold diagnoses from the list, or codes.",
            remedy='give a code such as "ICD-10:J18.9" for any other.',
        )
    if any(item.confidence not in get_args(Confidence) for item in differential):
        raise ReviewError(
            "Each diagnosis of a differential needs a confidence.",
            remedy=f"choose one of {', '.join(get_args(Confidence))}.",
        )
