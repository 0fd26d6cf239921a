"""What a suggestion rests on, in two or three sentences; every clause leads to its evidence.

They are derived from what the record holds (an assessment and its case) and kept nowhere, so that
page, report, Structured Report and FHIR say the same of the same record. No language model writes
them: they are lists of pieces of evidence that stood the test of `clinical.assess.gate`, each with
the probability that the model gives without it, first those that fit what it says (for what is
suggested, against what is not), then the others, then what was missing and what is held back. They
say what the model's number depends on, never what causes what in the patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clinical.case.assessment import Assessment, EvidenceItem, Explanation, Suggestion
from clinical.case.case import Case
from clinical.case.held_back import AGAINST, AS_A_WHOLE, LITTLE, NO_MORE
from clinical.case.sentences import Clause, Named, Sentence, Whole
from clinical.formatting import percent
from clinical.modalities import kit
from clinical.modalities.kit import Telling
from clinical.terms import diagnoses
from clinical.wording import inside_a_sentence, words

MOST, FEWER = 3, 2
"""Pieces that are named on the side of what the model says, and on the other."""

CLEAR = 0.01
"""Change of the probability from which a piece is told to change it."""

FAINT = 0.005
"""Share of all evidence below which a piece is not named."""

_NONE = "none_of_these"
_BECAUSE = {
    AGAINST: "because as a whole {} {} against the suggestion",
    LITTLE: "because leaving out {} strongest part hardly changes the figure",
    NO_MORE: "because leaving out {} strongest part changes the figure no more than leaving out"
    " anything else",
}


@dataclass(frozen=True)
class _Piece:
    """Something that can be named.

    Attributes:
        named: in words.
        weight: what it is ranked by; above 0 it speaks for the diagnosis.
        without: the probability without it; None where that is not known.
        held: name of the input, where only the whole of it is named.
    """

    named: Named
    weight: float
    without: float | None
    held: str = ""


def told(shown: Sequence[Suggestion], explained: Mapping[str, Explanation]) -> Iterator[Suggestion]:
    """The most probable suggestion and every other at or above its threshold."""
    for rank, suggestion in enumerate(shown):
        if suggestion.diagnosis in explained and (
            rank == 0 or suggestion.probability >= suggestion.threshold
        ):
            yield suggestion


def sentences(
    case: Case, assessment: Assessment, diagnosis: str, *, quoted: bool = True
) -> tuple[Sentence, ...]:
    """What the suggestion of a diagnosis rests on; nothing where it is withheld or unexplained.

    Args:
        case: what was assessed. An input that is not in it any more is named without its content.
        assessment: of the case.
        diagnosis: the suggestion.
        quoted: whether sentences of notes and names that a source made up may be quoted.
    """
    suggestion = next(s for s in assessment.suggestions if s.diagnosis == diagnosis)
    explanation = next((e for e in assessment.explanations if e.diagnosis == diagnosis), None)
    if suggestion.withheld_because is not None or explanation is None:
        return ()
    telling = Telling(kit.person(case).age_years, quoted)
    pieces = sorted(
        _pieces(case, assessment, suggestion, explanation, telling),
        key=lambda piece: -abs(piece.weight),
    )
    return tuple(
        tuple(sentence)
        for sentence in _composed(assessment, suggestion, explanation.held_back, pieces)
        if sentence
    )


def _composed(
    assessment: Assessment,
    suggestion: Suggestion,
    held_back: Mapping[str, str],
    pieces: Sequence[_Piece],
) -> Iterator[list[Clause]]:
    """The side that fits the number, the other side, and what is not there; pieces by weight."""
    sides = [piece for piece in pieces if piece.weight > 0], [p for p in pieces if p.weight < 0]
    suggested = suggestion.probability >= suggestion.threshold
    fitting, other = sides if suggested else reversed(sides)
    probability = suggestion.probability
    named = [piece for piece in fitting if _clear(piece, probability)][:MOST]
    unclear = [] if named else fitting[:MOST]
    beside = [piece for piece in other if _clear(piece, probability)][:FEWER]
    mentioned = {piece.held for piece in (*named, *unclear, *beside)}
    yield _first(suggestion, named, unclear, "for" if suggested else "against")
    if beside or len(pieces) > 1 or len(assessment.used) > 1:  # else nothing could stand beside it
        yield _second(beside, probability, "against" if suggested else "for")
    yield _last(
        assessment.missing,
        {name: why for name, why in held_back.items() if name not in mentioned},
    )


def _first(
    suggestion: Suggestion, named: Sequence[_Piece], unclear: Sequence[_Piece], side: str
) -> list[Clause]:
    about = f"{_diagnosis(suggestion.diagnosis)} ({percent(suggestion.probability)})"
    listed = named or unclear
    if not listed:
        return [Clause(f"No single piece of evidence stands out {side} {about}.")]
    end = Clause(".")
    if unclear:
        left = "leaving out any one of them" if len(unclear) > 1 else "leaving it out"
        shown = {percent(one.without) for one in unclear if one.without is not None}
        same = shown <= {percent(suggestion.probability)}
        end = Clause(f"; {left} {'does not change' if same else 'hardly changes'} the figure.")
    return [
        Clause(f"The main evidence {side} {about} is "),
        *_listed(listed, suggestion.probability),
        end,
    ]


def _second(beside: Sequence[_Piece], probability: float, side: str) -> list[Clause]:
    if not beside:
        return [Clause(f"No single piece of evidence speaks clearly {side} it.")]
    return [
        Clause(f"The main evidence {side} it is "),
        *_listed(beside, probability),
        Clause("."),
    ]


def _listed(pieces: Sequence[_Piece], probability: float) -> Iterator[Clause]:
    """ "A, B and C", each with its source."""
    for place, piece in enumerate(pieces):
        if place:
            yield Clause(" and " if place == len(pieces) - 1 else ", ")
        facts = list(piece.named.facts)
        if piece.without is not None and _clear(piece, probability):
            facts.append(f"{percent(piece.without)} without {piece.named.without}")
        brackets = f" ({'; '.join(facts)})" if facts else ""
        yield Clause(f"{piece.named.words}{brackets}", piece.named.source)


def _clear(piece: _Piece, probability: float) -> bool:
    """Whether leaving it out changes the probability by what can be seen."""
    if piece.without is None:
        return abs(piece.weight) >= FAINT
    return abs(probability - piece.without) >= CLEAR and percent(piece.without) != percent(
        probability
    )


def _pieces(
    case: Case,
    assessment: Assessment,
    suggestion: Suggestion,
    explanation: Explanation,
    telling: Telling,
) -> Iterator[_Piece]:
    yield from _single(case, suggestion, explanation, telling)
    yield from _drawn(case, assessment, suggestion, explanation)
    yield from _whole(assessment, suggestion, explanation)


def _single(
    case: Case, suggestion: Suggestion, explanation: Explanation, telling: Telling
) -> Iterator[_Piece]:
    """What was taken away one piece at a time; all values of one thing are one piece."""
    strongest: dict[object, EvidenceItem] = {}
    for item in explanation.items:
        known = strongest.setdefault(_piece(item), item)
        if abs(item.relevance) > abs(known.relevance):
            strongest[_piece(item)] = item
    for item in strongest.values():
        if abs(item.relevance) < FAINT:
            continue
        named = kit.named(case, item, telling)
        if item.change is None:
            yield _Piece(named, item.relevance, None)
        else:
            yield _Piece(named, item.change, suggestion.probability - item.change)


def _piece(item: EvidenceItem) -> tuple[object, ...]:
    pooled = item.change is not None and item.start is None
    return (item.modality, item.label) if pooled else (item.modality, item.index, item.start)


def _drawn(
    case: Case, assessment: Assessment, suggestion: Suggestion, explanation: Explanation
) -> Iterator[_Piece]:
    """What is shown as a map; it shows what speaks for the suggestion."""
    seen: set[str] = set()
    for heat_map in explanation.heat_maps:
        if heat_map.modality in seen:
            continue
        seen.add(heat_map.modality)
        without = _without(assessment, suggestion, heat_map.modality)
        weight = explanation.share.get(heat_map.modality, 0.0)
        if without is None:
            yield _Piece(kit.mapped(case, heat_map), weight, None)
        elif without < suggestion.probability:
            yield _Piece(kit.mapped(case, heat_map), suggestion.probability - without, without)


def _whole(
    assessment: Assessment, suggestion: Suggestion, explanation: Explanation
) -> Iterator[_Piece]:
    """Inputs that count as a whole, so that the whole is what can be named of them."""
    for name, reason in explanation.held_back.items():
        if reason not in (AGAINST, AS_A_WHOLE):
            continue
        without = _without(assessment, suggestion, name)
        if without is None or (reason == AGAINST and without <= suggestion.probability):
            continue
        plural = kit.is_plural(name)
        fact = f"no part of {'them' if plural else 'it'} stands out"
        if reason == AGAINST:
            fact = "which is why it has no heat map"
        named = Named(
            f"{kit.the(name)} as a whole", Whole(name), (fact,), "them" if plural else "it"
        )
        yield _Piece(named, suggestion.probability - without, without, name)


def _without(assessment: Assessment, suggestion: Suggestion, name: str) -> float | None:
    """The probability of the suggestion where an input is not given at all."""
    return assessment.ledger.without.get(name, {}).get(suggestion.diagnosis)


def _last(missing: Sequence[str], held: Mapping[str, str]) -> list[Clause]:
    """What there was not, and what is held back and why."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in held.items():
        by_reason.setdefault(reason, []).append(name)
    parts = [_missing(missing)] if missing else []
    parts += [_held(names, reason) for reason, names in by_reason.items()]
    made: list[Clause] = []
    for part in parts:
        first, *rest = part
        spoken = first.text if made else first.text[:1].upper() + first.text[1:]
        made += [*([Clause("; ")] if made else []), Clause(spoken, first.source), *rest]
    return [*made, Clause(".")] if made else []


def _missing(names: Sequence[str]) -> list[Clause]:
    nouns = [kit.noun(name) for name in names]
    verb = "were" if kit.is_plural(names[-1]) else "was"
    match nouns:
        case [only]:
            return [Clause(f"no {only} {verb} available")]
        case [one, other]:
            return [Clause(f"neither {one} nor {other} {verb} available")]
        case [*several, last]:
            return [Clause(f"no {', '.join(several)} or {last} {verb} available")]
    return []


def _held(names: Sequence[str], reason: str) -> list[Clause]:
    """ "the history counts only as a whole", "nothing in the notes is singled out, because ..."."""
    several = len(names) > 1 or kit.is_plural(names[0])
    if reason == AS_A_WHOLE:
        end = " count only as a whole" if several else " counts only as a whole"
        return [*_joined(names, "", " and "), Clause(end)]
    found = kit.usual_kit(names[0])
    what = _joined(names, f"{found.part if found else 'nothing in'} ", " or ")
    whose = "their" if several else "its"
    if reason == AGAINST:
        because = _BECAUSE[reason].format(*(("they", "speak") if several else ("it", "speaks")))
    else:
        because = _BECAUSE[reason].format(whose) if reason in _BECAUSE else f"because {reason}"
    return [*what, Clause(f" is singled out, {because}")]


def _joined(names: Sequence[str], before: str, conjunction: str) -> Iterator[Clause]:
    for place, name in enumerate(names):
        if place:
            yield Clause(conjunction if place == len(names) - 1 else ", ")
        yield Clause(f"{before if not place else ''}{kit.the(name)}", Whole(name))


def _diagnosis(name: str) -> str:
    """As it stands in a sentence; one that is only the absence of the others is quoted."""
    spoken = diagnoses.spoken(name) if ":" in name else None
    plain = inside_a_sentence(spoken) if spoken else words(name)
    return f"“{plain}”" if name == _NONE else plain
