"""What a model and people made of one case, as it leaves for other systems: one value, any format.

It holds what the record says at one moment and nothing that the record keeps back: a withheld
number is not in it, and neither is free text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from clinical import canonical
from clinical.case.assessment import Action, Confidence, ModelIdentity

State = Literal["suggested", "below threshold", "withheld", "added"]
MarkKind = Literal["length", "angle", "rectangle", "key"]
CodeSystem = Literal["SNOMED", "ICD-10", "ICD-11", "local"]


@dataclass(frozen=True)
class Code:
    """A diagnosis in one coding system; "local" is the name that the model's own list has."""

    system: CodeSystem
    value: str
    display: str


@dataclass(frozen=True)
class Verdict:
    """What one reader decided about one finding, as it stands.

    Attributes:
        action: accept, modify (`replacement` says to what), reject, or add.
        reader: account name.
        recorded: ISO 8601, UTC.
        reason: code of `clinical.review.decisions.REASONS`, or "".
        replacement: codes of the diagnosis put in the place of the suggestion; empty unless modify.
        confidence: how sure the reader is, or None where that was not said.
    """

    action: Action
    reader: str
    recorded: str
    reason: str = ""
    replacement: tuple[Code, ...] = ()
    confidence: Confidence | None = None


@dataclass(frozen=True)
class Finding:
    """One diagnosis that a model suggested or a reader added.

    Attributes:
        diagnosis: as suggestions and decisions name it.
        codes: the same in words and systems that others know, the best known system first.
        state: what the model said of it; "added" where it said nothing.
        probability, threshold: None where the number is withheld or there is none.
        withheld_because: why the number is not given, or "".
        verdicts: of each reader whose decision stands, oldest first.
        rests_on: what the suggestion rests on, in sentences that quote nothing that somebody wrote;
            "" where that is not told.
        held_back: input and why nothing of it is shown as evidence, both in words.
    """

    diagnosis: str
    codes: tuple[Code, ...]
    state: State
    probability: float | None = None
    threshold: float | None = None
    withheld_because: str = ""
    verdicts: tuple[Verdict, ...] = ()
    rests_on: str = ""
    held_back: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Number:
    """One number of a mark: "length", "angle" or "area", with its UCUM unit."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Mark:
    """What a reader measured on a film, or chose it as a key image for.

    Attributes:
        kind: a key image has no points and no numbers.
        instance: SOP Instance UID of the film.
        points: columns and rows in pixels of the film as it is hung; the outer corner of the first
            pixel is (0, 0). Ends, end, corner and end, or opposite corners.
        numbers: what it measures.
        scale: what a millimetre is there, in words, or "".
        reader: account name.
        recorded: ISO 8601, UTC.
    """

    kind: MarkKind
    instance: str
    points: tuple[tuple[float, float], ...]
    numbers: tuple[Number, ...]
    scale: str
    reader: str
    recorded: str


@dataclass(frozen=True)
class Signed:
    """Who vouches for a reading: a signature that stands, or the word of an adjudicator.

    Attributes:
        name, role: account and the role it was used in.
        recorded: ISO 8601, UTC.
        event: number of the event in the ledger.
    """

    name: str
    role: str
    recorded: str
    event: int


@dataclass(frozen=True)
class Reading:
    """One case as it was read.

    Attributes:
        case_id, patient_id: pseudonyms of the workspace.
        began: when the model assessed the case, or it was imported; ISO 8601, UTC.
        changed: when the last thing that is said here was recorded; ISO 8601, UTC.
        assessment: digest of the assessment, or "" where the case is read without a model.
        model: which model spoke, or None.
        findings: suggestions in their order, then what readers added.
        conclusion: the diagnoses that hold after a final reading; empty before it.
        signatures: those that stand, in their order.
        adjudicator: whose word settled readings that differed, or None.
        final: whether the case has all the signatures that its protocol asks for, and they agree.
        remarks: sentences that anybody has to know who uses the suggestions.
        marks: of the readers, on films that came from an archive.
    """

    case_id: str
    patient_id: str
    began: str
    changed: str
    assessment: str
    model: ModelIdentity | None
    findings: tuple[Finding, ...]
    conclusion: tuple[Finding, ...]
    signatures: tuple[Signed, ...]
    adjudicator: Signed | None
    final: bool
    remarks: tuple[str, ...]
    marks: tuple[Mark, ...] = ()

    @property
    def vouched(self) -> tuple[Signed, ...]:
        """Who vouches for a final reading: the adjudicator, or all who signed; else nobody."""
        if not self.final:
            return ()
        return (self.adjudicator,) if self.adjudicator else self.signatures

    @property
    def readers(self) -> tuple[str, ...]:
        """Everybody whose decision, mark or signature is in it, each once."""
        names = [verdict.reader for found in self.findings for verdict in found.verdicts]
        names += [mark.reader for mark in self.marks]
        names += [signed.name for signed in (*self.signatures, *self.vouched)]
        return tuple(dict.fromkeys(names))

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: the same reading has the same, and a changed one another."""
        return canonical.digest(as_json(self))


@dataclass(frozen=True)
class Subject:
    """Whom a reading is about, as the systems know them that it goes to.

    Attributes:
        patient_id: medical record number as the film's header has it, or else the pseudonym of the
            workspace.
        known: whether it is the number of the film's header.
        issuer: who gave the number out, or "".
        name: as DICOM writes it, "Family^Given", or "".
        birth_date: YYYYMMDD, or "".
        sex: M, F, O, or "".
        accession: number of the order, or "".
        study: Study Instance UID of the film, or "".
    """

    patient_id: str
    known: bool = False
    issuer: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""
    accession: str = ""
    study: str = ""


def as_json(reading: Reading) -> Mapping[str, Any]:
    """`reading` as JSON-compatible values."""
    data: Mapping[str, Any] = asdict(reading)
    return data
