"""What one suggestion means and is based on, in words: for, against, missing, disagreeing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clinical.case.assessment import (
    Assessment,
    EvidenceItem,
    Explanation,
    PredictionSet,
    Suggestion,
)
from clinical.case.case import Case
from clinical.modalities.kit import label
from clinical.wording import words
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag

FOR, AGAINST = "For it", "Against it"
SHARES = "{}, in % of all evidence"  # of records from before the pieces were taken away
NOT_SHOWN = "Not shown, because it did not stand the test"
NOTHING = "nothing that stands out"
MOST = 3  # pieces of evidence named on each side
LEAST = 0.005  # share of the evidence below which a piece is not named
LONGEST = 64  # letters of a sentence
APART = 0.2  # in probability; an input nearer to all together does not disagree with it


def strip(case: Case, assessment: Assessment, diagnosis: str) -> Markup:
    """Four short lists about the selected suggestion; two where nothing of it is explained."""
    suggestion = next(s for s in assessment.suggestions if s.diagnosis == diagnosis)
    hidden = suggestion.withheld_because is not None
    made = (e for e in assessment.explanations if e.diagnosis == diagnosis and not hidden)
    explanation = next(made, None)
    said = (
        "withheld"
        if hidden
        else f"{phrasing.percent(suggestion.probability)}, "
        f"{phrasing.probability_words(suggestion.probability)}"
    )
    told = map(phrasing.capital, meaning(suggestion, assessment.prediction_set))
    return tag(
        "div",
        tag("h3", phrasing.named(diagnosis), tag("span", said, class_="said")),
        *(_explained(case, suggestion, explanation) if explanation else ()),
        _part("What it means", told),
        _part("Inputs", map(phrasing.capital, inputs(assessment, suggestion, explanation))),
        class_="reasons",
    )


def meaning(suggestion: Suggestion, found: PredictionSet) -> list[str]:
    """Probability, usual frequency and prediction set in plain words, or why none is shown."""
    usual = f"{phrasing.percent(suggestion.prevalence)} of the training cases have it"
    if suggestion.withheld_because is not None:
        lines = [f"withheld: {suggestion.withheld_because}", usual]
    else:
        lines = [f"of 100 cases like this, {_of_a_hundred(suggestion.probability)} it; {usual}"]
    if suggestion.in_set is None:
        return [*lines, f"no set: {found.absent_because}"] if found.absent_because else lines
    if suggestion.in_set:
        return [
            *lines,
            f"on the list, as every true diagnosis was in {found.coverage:.0%} of cases",
        ]
    return [*lines, f"not on the list; 1 list in {_one_in(found.coverage)} misses a true diagnosis"]


def _one_in(coverage: float) -> str:
    return f"{1 / (1 - coverage):.0f}" if coverage < 1 else "many"


def _of_a_hundred(probability: float) -> str:
    whole = round(100 * probability)
    if whole == 0:
        return "fewer than 1 has"
    return f"about {whole} {'has' if whole == 1 else 'have'}" if whole < 100 else "nearly all have"


def inputs(
    assessment: Assessment, suggestion: Suggestion, explanation: Explanation | None
) -> list[str]:
    """Shares of the inputs, those that disagree, and those that were missing."""
    lines: list[str] = []
    if explanation is not None and explanation.share:
        ordered = sorted(explanation.share.items(), key=lambda pair: -pair[1])
        lines.append("based on " + ", ".join(f"{n} {phrasing.percent(s)}" for n, s in ordered))
    if suggestion.withheld_because is None:
        lines += [f"disagrees: {words}" for words in disagreeing(assessment, suggestion)]
    if assessment.missing:
        lines.append(f"missing: {', '.join(assessment.missing)}")
    return lines


def disagreeing(assessment: Assessment, suggestion: Suggestion) -> list[str]:
    """Inputs that by themselves say the opposite of all together, and are far from it.

    Opposite of a suggestion is less than the usual frequency; opposite of none is its threshold.
    """
    over = suggestion.probability >= suggestion.threshold
    found = []
    for name, row in assessment.ledger.alone.items():
        alone = row.get(suggestion.diagnosis)
        if alone is None or len(assessment.used) < 2:
            continue
        opposite = alone < suggestion.prevalence if over else alone >= suggestion.threshold
        if opposite and abs(alone - suggestion.probability) >= APART:
            found.append(f"{name}, alone {phrasing.percent(alone)}")
    return found


def named(case: Case, item: EvidenceItem) -> str:
    """One piece of evidence in words: what was measured, recorded or written."""
    return _short(label(case, item))


def _short(words: str) -> str:
    plain = " ".join(words.split())
    if len(plain) <= LONGEST:
        return plain
    end = "…”" if plain.endswith("”") else "…"
    return plain[: LONGEST - len(end)].rstrip() + end


def _explained(case: Case, suggestion: Suggestion, explanation: Explanation) -> Iterator[Markup]:
    """What speaks for it and against it, and which inputs are not told of, and why."""
    older = any(item.change is None for item in explanation.items)
    for title, sign in ((FOR, 1), (AGAINST, -1)):
        lines = _strongest(case, explanation.items, sign, suggestion.probability)
        yield _part(SHARES.format(title) if older else title, lines or [NOTHING])
    if explanation.held_back:
        held = explanation.held_back.items()
        yield _part(NOT_SHOWN, [f"{words(name)}: {reason}" for name, reason in held])


def _strongest(
    case: Case, items: Iterable[EvidenceItem], sign: int, probability: float
) -> list[str]:
    """The strongest pieces on one side, each with the probability without it."""
    side = [item for item in items if item.relevance * sign >= LEAST]
    side.sort(key=lambda item: -abs(item.relevance))
    told: dict[object, str] = {}  # all values of one thing are one piece
    for item in side:
        told.setdefault(_piece(item), _line(case, item, probability))
    return list(told.values())[:MOST]


def _piece(item: EvidenceItem) -> tuple[object, ...]:
    pooled = item.change is not None and item.start is None
    return (item.modality, item.label) if pooled else (item.modality, item.index, item.start)


def _line(case: Case, item: EvidenceItem, probability: float) -> str:
    if item.change is None:
        return f"{named(case, item)} {phrasing.effect(item.relevance)}"
    return f"{named(case, item)}: {phrasing.percent(probability - item.change)} without it"


def _part(title: str, lines: Iterable[str]) -> Markup:
    return tag(
        "section",
        tag("h4", title),
        tag("ul", joined(tag("li", line) for line in lines)),
    )
