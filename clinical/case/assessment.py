"""What the model said, why, and what a person decided about it. Frozen values.

`SCHEMA_VERSION` names the JSON form of `Assessment` that `as_json` writes and docs/schema.md
describes. It changes whenever a key changes its name or meaning, or one is added. An assessment
that was read in an older form is written in that form again: its digest is in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from clinical import canonical
from clinical.wording import words

SCHEMA_VERSION = "1.2"
_BEFORE_LOGITS = "1.1"
_BEFORE_SETS = "1.0"

Probabilities = Mapping[str, float]
"""Diagnosis to calibrated probability."""


@dataclass(frozen=True)
class ModelIdentity:
    """Which model spoke: name, digest of its weights and settings, digest of its configuration."""

    name: str
    digest: str
    configuration_digest: str


@dataclass(frozen=True)
class Suggestion:
    """One diagnosis that the inputs may support.

    Attributes:
        diagnosis: name from the model's list.
        probability: calibrated, 0 to 1. Kept for the record even where the suggestion is withheld.
        threshold: operating point chosen on validation data; at or above it reads as "suggested".
        prevalence: share of positive cases in the training data, to compare with.
        withheld_because: why a person should not be shown the number, or None.
        in_set: member of the prediction set; what is not in it is not ruled out. None where
            there is no set.
        logit: what the network gave before calibration; None in records from before it was kept.
    """

    diagnosis: str
    probability: float
    threshold: float
    prevalence: float
    withheld_because: str | None = None
    in_set: bool | None = None
    logit: float | None = None


@dataclass(frozen=True)
class PredictionSet:
    """What the members of the set of a case (`Suggestion.in_set`) mean.

    Attributes:
        coverage: share of cases, from where validation was, whose true diagnoses all are in it.
        cases: validation cases that the limit rests on.
        pooled: True where too few of them had this case's inputs, so that cases with other inputs
            hidden or missing count as well and coverage for these inputs is not promised.
        absent_because: why there is no set, or None.
    """

    coverage: float = 0.0
    cases: int = 0
    pooled: bool = False
    absent_because: str | None = None


NO_SETS = PredictionSet(absent_because="the model was trained without prediction sets")


@dataclass(frozen=True)
class HeatMap:
    """Relevance over an image, in the coordinates of the source image.

    Attributes:
        modality: name of the input.
        values: rows x columns of relevance, not negative, 1 = the strongest cell.
        box: top, left, bottom, right in source pixels that the grid of cells covers (the box may
            reach beyond the image where the image was padded to a square).
        item: which image of the input, from 0.
    """

    modality: str
    values: tuple[tuple[float, ...], ...]
    box: tuple[float, float, float, float]
    item: int = 0


@dataclass(frozen=True)
class EvidenceItem:
    """One measurement, history item or sentence and its share in one suggestion.

    Attributes:
        modality: name of the input.
        index: position of the item in its input (for notes: of the section).
        label: what it is, without its value: a code, "age", "sex", or "sentence 3".
        relevance: signed; above 0 speaks for the diagnosis, below 0 against. Absolute values over
            all modalities of one explanation sum to at most 1.
        start, end: for notes, the characters of the sentence in its section; for a signal over
            time, ms from its first sample; else None.
        change: by how much the probability of the diagnosis falls if this piece is taken away (all
            values of one thing are one piece, and share it); below 0 it rises. None in records from
            before it was kept.
    """

    modality: str
    index: int
    label: str
    relevance: float
    start: int | None = None
    end: int | None = None
    change: float | None = None


@dataclass(frozen=True)
class Explanation:
    """What one suggestion rests on.

    Attributes:
        diagnosis: the suggestion it belongs to.
        method: name of the attribution method.
        share: modality to its share of the attribution, summing to 1.
        heat_maps: one for each image input.
        items: all other evidence, strongest first.
        held_back: name of an input to why neither map nor items of it are here: they did not stand
            the test of `clinical.assess.gate`.
    """

    diagnosis: str
    method: str
    share: Mapping[str, float]
    heat_maps: tuple[HeatMap, ...]
    items: tuple[EvidenceItem, ...]
    held_back: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModalityLedger:
    """Probabilities from each modality alone, and from all but that one (if others remain)."""

    alone: Mapping[str, Probabilities]
    without: Mapping[str, Probabilities]


@dataclass(frozen=True)
class OutOfDistribution:
    """Is this input like what the model was trained on?

    Attributes:
        score: the largest ratio of distance to limit over the modalities; above 1 is outside.
        flagged: `score` > 1, or an input that the model cannot place at all.
        reasons: one sentence for each modality outside its limit.
    """

    score: float
    flagged: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assessment:
    """What one model made of one case.

    Attributes:
        case_id, patient_id: pseudonyms of the cohort.
        model: which model spoke.
        input_digest: `case.input_digest` of what it was given.
        used, missing: modality names the model knows, present and absent in the case.
        unknown: modality names in the case that the model has no encoder for.
        suggestions: most probable first; withheld ones last.
        ledger: what each modality contributes.
        explanations: one for each suggestion, in the same order; none where readers of a study are
            not shown what suggestions rest on.
        conflicts: sentences that name modalities which disagree.
        out_of_distribution: whether to trust any of this.
        problems: what of the case could not be read, as sentences.
        prediction_set: what the set of diagnoses means, or why there is none.
        unknown_codes: one sentence for each modality with items that the model was not trained
            on; they had no part in what it says.
        schema_version: the JSON form it was made or read in.
    """

    case_id: str
    patient_id: str
    model: ModelIdentity
    input_digest: str
    used: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    ledger: ModalityLedger
    explanations: tuple[Explanation, ...]
    conflicts: tuple[str, ...]
    out_of_distribution: OutOfDistribution
    problems: tuple[str, ...] = ()
    prediction_set: PredictionSet = NO_SETS
    unknown_codes: tuple[str, ...] = ()
    schema_version: str = SCHEMA_VERSION


# Version to the keys of a suggestion that came after it.
_LATER = {_BEFORE_LOGITS: ("logit",), _BEFORE_SETS: ("logit", "in_set")}

SCHEMA_VERSIONS = (SCHEMA_VERSION, *_LATER)
"""Every version that `from_json` reads and `as_json` can write."""


def as_json(assessment: Assessment) -> dict[str, Any]:
    """The documented JSON form of an assessment (docs/schema.md), in its own version."""
    data = asdict(assessment)
    modalities = {key: data.pop(key) for key in ("used", "missing", "unknown")}
    later = _LATER.get(assessment.schema_version, ())
    if not data["unknown_codes"]:  # as it was before there could be any
        del data["unknown_codes"]
    for suggestion in data["suggestions"]:
        for key in later:
            del suggestion[key]
    if "in_set" in later:
        del data["prediction_set"]
    for explanation in data["explanations"]:
        _drop_if_older(explanation)
        for heat_map in explanation["heat_maps"]:
            if heat_map["item"] == 0:  # as it was before there could be several images
                del heat_map["item"]
    return {key: _plain(value) for key, value in {**data, "modalities": modalities}.items()}


def from_json(data: Mapping[str, Any]) -> Assessment:
    """Rebuild an assessment from `as_json`.

    Raises:
        ValueError: if the schema version is neither this one nor an earlier one.
    """
    version = data.get("schema_version")
    if version not in SCHEMA_VERSIONS:
        raise ValueError(f"assessment schema {version!r}, not {SCHEMA_VERSION}")
    return Assessment(
        case_id=data["case_id"],
        patient_id=data["patient_id"],
        model=ModelIdentity(**data["model"]),
        input_digest=data["input_digest"],
        used=tuple(data["modalities"]["used"]),
        missing=tuple(data["modalities"]["missing"]),
        unknown=tuple(data["modalities"]["unknown"]),
        suggestions=tuple(Suggestion(**s) for s in data["suggestions"]),
        ledger=ModalityLedger(**data["ledger"]),
        explanations=tuple(_explanation(e) for e in data["explanations"]),
        conflicts=tuple(data["conflicts"]),
        out_of_distribution=OutOfDistribution(
            data["out_of_distribution"]["score"],
            data["out_of_distribution"]["flagged"],
            tuple(data["out_of_distribution"]["reasons"]),
        ),
        problems=tuple(data["problems"]),
        prediction_set=PredictionSet(**data["prediction_set"])
        if "prediction_set" in data
        else NO_SETS,
        unknown_codes=tuple(data.get("unknown_codes", ())),
        schema_version=version,
    )


def _drop_if_older(explanation: dict[str, Any]) -> None:
    """Write what is not there as it was before it could be there."""
    if not explanation["held_back"]:
        del explanation["held_back"]
    for item in explanation["items"]:
        if item["change"] is None:
            del item["change"]


def _explanation(data: Mapping[str, Any]) -> Explanation:
    heat_maps = tuple(
        HeatMap(
            h["modality"],
            tuple(tuple(row) for row in h["values"]),
            _box(h["box"]),
            h.get("item", 0),
        )
        for h in data["heat_maps"]
    )
    items = tuple(EvidenceItem(**item) for item in data["items"])
    return Explanation(
        data["diagnosis"],
        data["method"],
        data["share"],
        heat_maps,
        items,
        dict(data.get("held_back", {})),
    )


def _box(edges: list[float]) -> tuple[float, float, float, float]:
    top, left, bottom, right = edges
    return top, left, bottom, right


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def assessment_digest(assessment: Assessment) -> str:
    """SHA-256 of the canonical JSON of an assessment; names it in the store and the ledger."""
    return canonical.digest(as_json(assessment))


def set_sentence(assessment: Assessment) -> str:
    """The prediction set in plain words, for every screen and export."""
    found = assessment.prediction_set
    if found.absent_because is not None:
        return f"No set of diagnoses is given: {found.absent_because}."
    members = [words(s.diagnosis) for s in assessment.suggestions if s.in_set]
    basis = f"{found.cases} validation cases" + (
        ", whatever inputs they had, because too few had these" if found.pooled else ""
    )
    listed = ", ".join(members) or "none of the diagnoses the model knows"
    return (
        f"Listed: {listed}. A list is made to hold every true diagnosis in {found.coverage:.0%} of"
        f" cases (from {basis}); what is not on it is not ruled out."
    )


Action = Literal["accept", "modify", "reject", "add"]
Confidence = Literal["low", "medium", "high"]


@dataclass(frozen=True)
class ReviewDecision:
    """What a reader decided about one suggestion, or a diagnosis that a reader added.

    Attributes:
        case_id: the case.
        assessment_digest: the assessment that was on the screen; "" where the case is read
            without a model.
        diagnosis: the suggestion it is about, or the diagnosis that is added.
        action: accept, modify (`replacement` says to what), reject, or add.
        reason: code from `clinical.review.REASONS`; required to modify or reject.
        reader: account name of the reader.
        time: when, with time zone.
        replacement: the diagnosis chosen instead, for modify.
        comment: free text; kept in the store, only its digest goes to the ledger.
        confidence: how sure the reader is, or None where that was not said.
    """

    case_id: str
    assessment_digest: str
    diagnosis: str
    action: Action
    reason: str
    reader: str
    time: datetime
    replacement: str = ""
    comment: str = ""
    confidence: Confidence | None = None


EventKind = Literal[
    "PROTOCOL",
    "ACCOUNT",
    "MODEL",
    "SIGNED_IN",
    "REFUSED",
    "IMPORTED",
    "ASSESSED",
    "ASSIGNED",
    "OPENED",
    "FIRST_READ",
    "SHOWN",
    "HYPOTHETICAL",
    "DECIDED",
    "UNDONE",
    "SIGNED",
    "TIMED",
    "AMENDED",
    "ADJUDICATED",
    "NOTED",
    "NOTE_WITHDRAWN",
    "MARKED",
    "EXPORTED",
    "SENT",
    "CARD_SENT",
    "CARD_ANSWERED",
    "REPORTED",
    "PURGED",
    "CLEARED",
    "KEY_ROTATED",
    "SIGNED_OUT",
]


@dataclass(frozen=True)
class AuditEvent:
    """One entry of the append-only ledger.

    Attributes:
        sequence: 1, 2, 3, ... without gaps.
        time: ISO 8601 with time zone, UTC.
        actor: account name, or "system".
        kind: what happened.
        case_id: the case it is about, or "" (for example an export of everything).
        payload: JSON-compatible details; digests instead of patient data.
        previous: hash of the event before, or 64 zeros.
        hash: SHA-256 of the canonical JSON of all the above.
    """

    sequence: int
    time: str
    actor: str
    kind: EventKind
    case_id: str
    payload: Mapping[str, Any]
    previous: str
    hash: str
