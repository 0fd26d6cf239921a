"""What the record says of one case, gathered for the objects and messages that leave for others.

Every format says the same: each is made of the `Reading` that is gathered here. Who gets an object
in an archive is decided there, so nothing leaves that somebody who still has to read the case must
not see (`check_leaving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from clinical.assess.sentences import sentences, told
from clinical.audit import ledger
from clinical.audit.retention import purge_of
from clinical.case import beside
from clinical.case.assessment import Assessment, AuditEvent, Suggestion
from clinical.case.case import Case
from clinical.case.reading import (
    Code,
    Finding,
    Mark,
    MarkKind,
    Number,
    Reading,
    Signed,
    Verdict,
)
from clinical.case.sentences import text
from clinical.errors import ReviewError
from clinical.formatting import uncertain
from clinical.modalities.kit import noun
from clinical.review import conclusion, marking, progress
from clinical.review import protocol as protocol_rules
from clinical.review import status as status_rules
from clinical.review.progress import Progress, RecordedDecision
from clinical.review.protocol import Protocol
from clinical.terms import diagnoses
from clinical.wording import words
from clinical.workspace import store

FINAL = ("complete", "adjudicated")
"""Status of a case that needs no further signature and has no dispute."""


_LEAVING: Final[Mapping[str, MarkKind]] = {
    "length": "length",
    "angle": "angle",
    "rectangle": "rectangle",
    "key": "key",
}
_SCALES: Final[Mapping[str, str]] = {
    "PixelSpacing": "Millimetres by Pixel Spacing of the film.",
    "ImagerPixelSpacing": "Millimetres at the detector, more than in the patient.",
    "NominalScannedPixelSpacing": "Millimetres on the film, more than in the patient.",
}


def codes_of(diagnosis: str) -> tuple[Code, ...]:
    """A diagnosis of a suggestion or a decision in the systems that others know, best known first.

    A name of the model's own list is coded where it is, word for word, one of the listed diagnoses;
    it stays there as it is, too, because a code never says quite the same as the model learnt.
    """
    named = words(diagnosis)
    if ":" in diagnosis:
        code = diagnosis
        own: tuple[Code, ...] = ()
    else:
        code = diagnoses.coded(named) or ""
        own = (Code("local", diagnosis, named),)
    listed = diagnoses.diagnoses().get(code)
    shown = listed.name if listed else code
    found = [Code("SNOMED", listed.snomed, shown)] if listed and listed.snomed else []
    system, _, value = code.partition(":")
    match system:
        case "SNOMED" | "ICD-10" | "ICD-11":
            found.append(Code(system, value, shown if listed else value))
    return (*found, *own)


def reading_of(connection: Connection, case_id: str) -> Reading:
    """Gather one case as it stands.

    Raises:
        ReviewError: if there is nothing to read of it, or it was purged.
        StoreError: if its record, its assessment or what was marked is missing or corrupted.
        LedgerError: if one of its events was corrupted.
    """
    past = list(ledger.events(connection, case_id=case_id))
    now, protocol = progress.progress(past), protocol_rules.in_force(connection)
    if now.subject is None or purge_of(past):
        raise ReviewError("There is nothing to read of this case.", remedy="assess it first.")
    digest = now.subject.digest
    assessment = store.get_assessment(connection, digest) if digest else None
    others = [store.get_assessment(connection, one) for one in now.subject.beside]
    began = next(event.time for event in past if event.sequence == now.subject.sequence)
    findings = tuple(_findings(assessment, now))
    final = status_rules.status(past, protocol) in FINAL
    adjudicator = _adjudicator(now)
    return Reading(
        case_id=case_id,
        patient_id=store.patient_of(connection, case_id) or "",
        began=began,
        changed=_changed(past, began),
        assessment=digest,
        model=assessment.model if assessment else None,
        findings=findings,
        conclusion=tuple(_held(now, findings)) if final else (),
        signatures=tuple(_signatures(now)),
        adjudicator=adjudicator,
        final=final,
        remarks=(*(_remarks(assessment) if assessment else ()), *map(beside.sentence, others)),
        marks=tuple(_marks(connection, past)),
    )


def explained(reading: Reading, assessment: Assessment, case: Case) -> Reading:
    """The reading with what its suggestions rest on: of the most probable, and of all suggested.

    Args:
        reading: of the case.
        assessment: that it is about.
        case: what was assessed, with its pixels.
    """
    made = {found.diagnosis: found for found in assessment.explanations}
    shown = [s for s in assessment.suggestions if s.withheld_because is None]
    chosen = {suggestion.diagnosis for suggestion in told(shown, made)}

    def with_reasons(found: Finding) -> Finding:
        if found.diagnosis not in chosen:
            return found
        said = text(sentences(case, assessment, found.diagnosis, quoted=False))
        held = made[found.diagnosis].held_back.items()
        return replace(
            found, rests_on=said, held_back=tuple((noun(name), why) for name, why in held)
        )

    return replace(reading, findings=tuple(map(with_reasons, reading.findings)))


def check_leaving(reading: Reading, protocol: Protocol) -> None:
    """Refuse to hand on a case that others still have to read without knowing all of it.

    Raises:
        ReviewError: if the protocol asks for a first read without the model or for two readers, and
            the reading is not final.
    """
    if reading.final:
        return
    if protocol.first_read or protocol.readers(reading.case_id) > 1:
        raise ReviewError(
            "Readers of this case still have to read it without the model or each other.",
            remedy="sign the case, by all the readers that it needs, before it leaves.",
        )


def _findings(assessment: Assessment | None, now: Progress) -> Iterator[Finding]:
    suggestions = assessment.suggestions if assessment else ()
    decided = _standing(now)
    for suggestion in suggestions:
        yield _suggested(suggestion, decided)
    known = {suggestion.diagnosis for suggestion in suggestions}
    for diagnosis in dict.fromkeys(d.diagnosis for d in decided):
        if diagnosis not in known:
            yield Finding(
                diagnosis,
                codes_of(diagnosis),
                "added",
                verdicts=_verdicts(diagnosis, decided),
            )


def _standing(now: Progress) -> list[RecordedDecision]:
    found = [d for reader in now.readers.values() for d in reader.standing.values()]
    return sorted(found, key=lambda decision: decision.sequence)


def _suggested(suggestion: Suggestion, decided: Sequence[RecordedDecision]) -> Finding:
    diagnosis = suggestion.diagnosis
    codes, verdicts = codes_of(diagnosis), _verdicts(diagnosis, decided)
    if (because := suggestion.withheld_because) is not None:
        return Finding(diagnosis, codes, "withheld", withheld_because=because, verdicts=verdicts)
    reached = suggestion.probability >= suggestion.threshold
    return Finding(
        diagnosis,
        codes,
        "suggested" if reached else "below threshold",
        suggestion.probability,
        suggestion.threshold,
        verdicts=verdicts,
    )


def _verdicts(diagnosis: str, decided: Iterable[RecordedDecision]) -> tuple[Verdict, ...]:
    return tuple(
        Verdict(
            decision.action,
            decision.reader,
            decision.recorded,
            decision.reason,
            codes_of(decision.replacement) if decision.replacement else (),
            decision.confidence,
        )
        for decision in decided
        if decision.diagnosis == diagnosis
    )


def _held(now: Progress, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The diagnoses that hold: of the adjudicator, or of the readers, who then all agree."""
    if now.adjudicated is not None:
        present = set(now.adjudicated.present)
    else:
        present = set(conclusion.concluded(now.signed[0]))
    for found in findings:
        if found.diagnosis in present:
            present.remove(found.diagnosis)
            yield found
    for diagnosis in sorted(present):
        yield Finding(diagnosis, codes_of(diagnosis), "added")


def _signatures(now: Progress) -> Iterator[Signed]:
    for reader in now.signed:
        if (made := reader.signature) is not None:
            yield Signed(made.name, made.role, made.recorded, made.sequence)


def _adjudicator(now: Progress) -> Signed | None:
    if (last := now.adjudicated) is None:
        return None
    return Signed(last.adjudicator, "adjudicator", last.recorded, last.sequence)


def _marks(connection: Connection, past: Iterable[AuditEvent]) -> Iterator[Mark]:
    """What readers measured and chose on films of an archive; words on images stay here."""
    standing = sorted(marking.standing(past).values(), key=lambda found: found.sequence)
    for marked in standing:
        for found in marking.marks_of(connection, marked):
            if found.instance and found.kind in _LEAVING:
                yield Mark(
                    _LEAVING[found.kind],
                    found.instance,
                    found.points,
                    tuple(Number(one.name, one.value, one.unit) for one in found.values),
                    _SCALES.get(found.calibration, ""),
                    marked.reader,
                    marked.recorded,
                )


def _changed(past: Iterable[AuditEvent], began: str) -> str:
    said = ("DECIDED", "UNDONE", "MARKED", "SIGNED", "AMENDED", "ADJUDICATED")
    return max((event.time for event in past if event.kind in said), default=began)


def _remarks(assessment: Assessment) -> Iterator[str]:
    if assessment.out_of_distribution.flagged:
        yield "The case is unlike those that the model was trained on."
        yield from assessment.out_of_distribution.reasons
    for conflict in assessment.conflicts:
        yield uncertain(conflict)
    if assessment.missing:
        yield f"Not available to the model: {', '.join(words(n) for n in assessment.missing)}."
