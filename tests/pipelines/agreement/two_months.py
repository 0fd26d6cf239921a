"""A workspace whose every figure can be counted by hand: two readers, two models, two months.

January, model alpha: it suggests pneumonia (0.8) in each of A1 to A6 and never effusion (0.1).

    case  dr.one                      dr.two      adjudicated
    A1    accepts, adds a code        accepts
    A2    accepts                     accepts
    A3    accepts                     accepts
    A4    accepts                     accepts
    A5    rejects (lab_explains)      accepts     pneumonia
    A6    modifies it to effusion     rejects, and never signs

    dr.one takes 10, 20, 30, 40, 50 s, and nobody measures A6; dr.two takes 100 s for each.

A1 and A2 have no image, A3 is marked for its image; C-reactive protein is 8, 9, 10, 8, 9, 10.
P1 is read by dr.one, too, and purged afterwards.

February, model beta: it suggests effusion (0.9) in B1 to B3 and nothing in B4 to B6; first reads.

    case  first read   dr.one decides               and holds
    B1    pneumonia    accepts effusion             effusion
    B2    nothing      rejects effusion (other...)  nothing
    B3    effusion     accepts effusion             effusion
    B4    pneumonia    accepts pneumonia            pneumonia
    B5    pneumonia    -                            nothing
    B6    nothing      adds a code                  the code

A2 is assessed anew by beta in February, and nobody reads it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from clinical.audit import ledger, retention
from clinical.case.assessment import (
    Action,
    Assessment,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    ReviewDecision,
    Suggestion,
    assessment_digest,
)
from clinical.case.case import Case, input_digest
from clinical.case.shapes import Events, Measurement, Measurements, Shape
from clinical.review import adjudication, decisions, first_read, intake, progress, protocol
from clinical.review import signature as signature_rules
from clinical.review.adjudication import Adjudication
from clinical.review.first_read import FirstRead
from clinical.review.progress import Ranked
from clinical.review.protocol import Protocol
from clinical.review.signature import Signature
from clinical.review.times import Attention
from clinical.workspace.database import open_workspace, writing

ALPHA, BETA = "alpha aaaaaaaa", "beta bbbbbbbb"
JANUARY, FEBRUARY = "2031-01", "2031-02"
START = {
    JANUARY: datetime(2031, 1, 10, 9, tzinfo=UTC),
    FEBRUARY: datetime(2031, 2, 10, 9, tzinfo=UTC),
}
CODE = "ICD-10:J44.1"
PREVALENCE = {"pneumonia": 0.2, "effusion": 0.1}
CRP = "1988-5"


def two_months(folder: Path, *, alpha: str = "a" * 64) -> Engine:
    """The workspace; `alpha` is the digest of the first model."""
    engine = open_workspace(folder, create=True)
    for number, value in enumerate((8, 9, 10, 8, 9, 10), start=1):
        found = {"pneumonia": 0.8, "effusion": 0.1}
        name = f"A{number}"
        assess(engine, name, ("alpha", alpha), JANUARY, found, crp=value, image=number > 2)
        for reader in ("dr.one", "dr.two"):
            intake.record_opened(engine, name, reader, time=START[JANUARY])
    _january(engine)
    assess(engine, "P1", ("alpha", alpha), JANUARY, {"pneumonia": 0.8})
    intake.record_opened(engine, "P1", "dr.one", time=START[JANUARY])
    decide(engine, "P1", "dr.one", JANUARY)
    sign(engine, "P1", "dr.one", JANUARY, 1000)
    retention.purge(engine, ["P1"], because="erasure", actor="system", time=START[FEBRUARY])
    _february(engine)
    return engine


def _january(engine: Engine) -> None:
    for number in range(1, 7):
        name = f"A{number}"
        if number < 5:
            decide(engine, name, "dr.one", JANUARY)
        if number == 1:
            decide(engine, name, "dr.one", JANUARY, diagnosis=CODE, action="add")
        if number == 5:
            decide(engine, name, "dr.one", JANUARY, action="reject", reason="lab_explains")
        if number == 6:
            other = {"reason": "other_diagnosis_more_likely", "replacement": "effusion"}
            decide(engine, name, "dr.one", JANUARY, action="modify", **other)
            decide(engine, name, "dr.two", JANUARY, action="reject", reason="lab_explains")
        sign(engine, name, "dr.one", JANUARY, 10 * number if number < 6 else None)
        if number < 6:
            decide(engine, name, "dr.two", JANUARY)
            sign(engine, name, "dr.two", JANUARY, 100)
    with engine.connect() as connection:
        now = progress.progress(ledger.events(connection, case_id="A5"))
    present = frozenset({"pneumonia"})
    last_word = Adjudication(
        "A5", "dr.chief", "adjudicator", adjudication.signatures(now), present, START[JANUARY]
    )
    adjudication.adjudicate(engine, last_word)


def _february(engine: Engine) -> None:
    protocol.set_protocol(engine, Protocol(first_read=True), "dr.chief")
    firsts = ("pneumonia", "", "effusion", "pneumonia", "pneumonia", "")
    for number, first in enumerate(firsts, start=1):
        name, suggested = f"B{number}", 0.9 if number < 4 else 0.1
        found = {"pneumonia": 0.25, "effusion": suggested}
        digest = assess(engine, name, ("beta", "b" * 64), FEBRUARY, found)
        intake.record_opened(engine, name, "dr.one", time=START[FEBRUARY])
        ranked = (Ranked(first, "medium"),) if first else ()
        read = FirstRead(name, digest, ranked, "dr.one", START[FEBRUARY])
        first_read.commit_first_read(engine, read)
    for name in ("B1", "B3"):
        decide(engine, name, "dr.one", FEBRUARY, diagnosis="effusion")
    rejected = {"diagnosis": "effusion", "reason": "finding_is_artifact"}
    decide(engine, "B2", "dr.one", FEBRUARY, action="reject", **rejected)
    decide(engine, "B4", "dr.one", FEBRUARY)
    decide(engine, "B6", "dr.one", FEBRUARY, diagnosis=CODE, action="add")
    for number in range(1, 7):
        sign(engine, f"B{number}", "dr.one", FEBRUARY, None)
    again = {"pneumonia": 0.25, "effusion": 0.1}
    assess(engine, "A2", ("beta", "b" * 64), FEBRUARY, again, crp=9, image=False)


def assess(
    engine: Engine,
    case_id: str,
    model: tuple[str, str],
    period: str,
    found: Mapping[str, float],
    *,
    crp: float = 4,
    image: bool = True,
) -> str:
    """Record an assessment; a diagnosis is suggested from 0.5 on."""
    taken = Measurement(CRP, "CRP", float(crp), "mg/L", None, str(crp), "mg/L")
    inputs: dict[str, Shape] = {"measurements": Measurements((taken,)), "history": Events()}
    case = Case(case_id, f"patient of {case_id}", START[period], inputs)
    images = ("image",) if image else ()
    marked = ("image: 1.5 times as far from the training cases as allowed",)
    assessment = Assessment(
        case_id,
        case.patient_id,
        ModelIdentity(*model, "c" * 64),
        input_digest(case),
        used=("measurements", *images),
        missing=() if image else ("image",),
        unknown=(),
        suggestions=tuple(Suggestion(d, p, 0.5, PREVALENCE[d]) for d, p in found.items()),
        ledger=ModalityLedger({}, {}),
        explanations=(),
        conflicts=(),
        out_of_distribution=OutOfDistribution(1.5, True, marked)
        if case_id == "A3"
        else OutOfDistribution(0.5, False),
    )
    with writing(engine) as connection:
        intake.record_assessment(connection, case, assessment, "system", time=START[period])
    return assessment_digest(assessment)


def decide(
    engine: Engine,
    case_id: str,
    reader: str,
    period: str,
    *,
    diagnosis: str = "pneumonia",
    action: Action = "accept",
    reason: str = "",
    replacement: str = "",
) -> None:
    """One decision, a minute after the start of the month's readings."""
    with writing(engine) as connection:
        subject = progress.progress(ledger.events(connection, case_id=case_id)).subject
        time = START[period] + timedelta(minutes=1)
        named = subject.digest if subject else ""
        decision = ReviewDecision(
            case_id, named, diagnosis, action, reason, reader, time, replacement
        )
        decisions.record_decision(connection, decision, time=time)


def sign(engine: Engine, case_id: str, reader: str, period: str, seconds: float | None) -> None:
    """Sign, having worked for so many seconds, or nobody knows how many."""
    start, time = START[period], START[period] + timedelta(minutes=2)
    with engine.connect() as connection:
        now = progress.progress(ledger.events(connection, case_id=case_id))
    digest = now.subject.digest if now.subject else ""
    signature = Signature(
        case_id, digest, reader, "reader", signature_rules.decisions_digest(now.of(reader)), time
    )
    active = timedelta(seconds=seconds or 0)
    attention = Attention(start, time, start, active) if seconds is not None else None
    signature_rules.sign(engine, signature, attention=attention)
