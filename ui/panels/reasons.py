"""What one suggestion rests on and means, in words, and which inputs disagree with it."""

from __future__ import annotations

from collections.abc import Iterable

from clinical.assess.sentences import sentences
from clinical.case.assessment import Assessment, Explanation, PredictionSet, Suggestion
from clinical.case.case import Case
from ui.panels import clauses
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag

APART = 0.2  # in probability; an input nearer to all together does not disagree with it


def strip(case: Case, assessment: Assessment, diagnosis: str) -> Markup:
    """What the selected suggestion rests on, in sentences, what it means, and its inputs."""
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
        clauses.paragraph(case, sentences(case, assessment, diagnosis)),
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


def _part(title: str, lines: Iterable[str]) -> Markup:
    return tag(
        "section",
        tag("h4", title),
        tag("ul", joined(tag("li", line) for line in lines)),
    )
