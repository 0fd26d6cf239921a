"""The report of a reader study, from its figures alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from clinical.wording import RESEARCH_USE
from pipelines.reader_study import findings
from pipelines.reader_study.findings import Found
from pipelines.reports.blocks import (
    Block,
    Box,
    Document,
    Heading,
    Item,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.formatting import counted, p_value
from pipelines.statistics.obuchowski_rockette import Analysis, Difference, Mean
from pipelines.statistics.reader_study_size import MOST_CASES, WANTED_POWER

TITLE = "Reader study"
_WORDS = {
    "none": "reader alone",
    "suggestions": "with suggestions",
    "explanations": "with explanations as well",
}
_HEADINGS = {
    findings.AREA: "Area under the ROC curve",
    findings.SENSITIVITY: "Sensitivity",
    findings.SPECIFICITY: "Specificity",
    findings.MISLED: "Right where the machine was made to err",
    findings.UNMISLED: "Right where it was not made to err",
    findings.SECONDS: "Time",
}
_NOTES = {
    findings.MISLED: "Automation bias: how much less often readers are right about a case when the"
    " machine is wrong about it than when they read the same case without it.",
    findings.SECONDS: "Active seconds a case, geometric mean. A ratio below 1 means faster than the"
    " condition that it is compared with.",
}
GENERALISED = (
    ("other readers and other cases", "random_both"),
    ("these readers, other cases", "fixed_readers"),
    ("other readers, these cases", "fixed_cases"),
)


def document(found: Found, notes: Sequence[str]) -> Document:
    """The whole report; `notes` are sentences on what is missing or was not as planned."""
    study = found.study
    lead = (
        f"{counted(len(study.readers), 'reader')}, {counted(len(study.conditions), 'condition')},"
        f" {counted(len(study.cases), 'case')} of which {int(study.truth.sum())} have the"
        f" diagnosis. {RESEARCH_USE}"
    )
    return Document(TITLE, lead, tuple(_blocks(found, notes)), {})


def _blocks(found: Found, notes: Sequence[str]) -> Iterator[Block]:
    yield from _verdict(found)
    if notes:
        yield Box("To bear in mind", tuple(Item(note) for note in notes), "care")
    for name in found.figures:
        yield from _figure(found, name)
    yield from _readers(found)
    yield from _changes(found)
    yield from _next(found)
    yield from _method()


def _verdict(found: Found) -> Iterator[Block]:
    """What the area says, for other readers and other cases; nothing is called better without."""
    items = []
    names = found.study.conditions
    for pair in found.figures[findings.AREA].random_both.differences:
        later, earlier = names[pair.second], names[pair.first]
        turned = _turned(pair)[0]
        verdict = "no difference was shown"
        if pair.p < 0.05:
            verdict = "readers do better" if turned > 0 else "readers do worse"
        items.append(
            Item(
                f"{_difference(pair, findings.AREA)}, p {p_value(pair.p)}: {verdict}.",
                lead=f"{said(later)} against {said(earlier)}: area",
            )
        )
    said_of_all = " ".join(item.text for item in items)
    tone = "bad" if "worse" in said_of_all else "good" if "better" in said_of_all else "care"
    yield Box("Does it help?", tuple(items), tone)


def _figure(found: Found, name: str) -> Iterator[Block]:
    yield Heading(_HEADINGS[name], 1)
    if name in _NOTES:
        yield Paragraph(_NOTES[name], soft=True)
    analysis = found.figures[name]
    names = found.study.conditions
    yield Table(
        (*texts("condition"), *numbers("mean of readers [95%]")),
        tuple(
            Row((said(names[i]), _mean(mean, name)))
            for i, mean in enumerate(analysis.random_both.means)
        ),
    )
    kinds: list[tuple[str, Analysis]] = [
        (words, getattr(analysis, attribute)) for words, attribute in GENERALISED
    ]
    what = "ratio [95%]" if name == findings.SECONDS else "difference [95%]"
    yield Table(
        (*texts("compared", "holds for"), *numbers(what, "p")),
        tuple(
            Row((_pair(names, pair), words, _difference(pair, name), p_value(pair.p)))
            for words, kind in kinds
            for pair in kind.differences
        ),
    )


def _readers(found: Found) -> Iterator[Block]:
    yield Heading("Reader by reader", 1)
    area = found.figures[findings.AREA]
    names = found.study.conditions
    yield Paragraph(
        "Area under each condition, and how much it changes for these cases.", soft=True
    )
    yield Table(
        (*texts("reader"), *numbers(*(said(name) for name in names)), *texts("changes [95%]")),
        tuple(
            Row(
                (
                    reader,
                    *(f"{area.figures[i, j]:.3f}" for i in range(len(names))),
                    "; ".join(_difference(pair, findings.AREA) for pair in area.by_reader[j]),
                )
            )
            for j, reader in enumerate(found.study.readers)
        ),
    )


def _changes(found: Found) -> Iterator[Block]:
    if not found.changes:
        return
    first = said(found.study.conditions[0])
    yield Heading("Helped and harmed", 1)
    yield Paragraph(
        f"Calls that were wrong {first} and right with the machine (helped), and the other way"
        " round (harmed), of the same reader on the same case. Some changes come with every second"
        " reading, whatever is shown.",
        soft=True,
    )
    rows = [
        Row((said(condition), one.reader, str(one.helped), str(one.harmed), str(one.cases)))
        for condition, changes in found.changes.items()
        for one in changes
    ]
    columns = (*texts("condition", "reader"), *numbers("helped", "harmed", "cases"))
    yield Table(columns, tuple(rows))


def _next(found: Found) -> Iterator[Block]:
    yield Heading("The next study", 1)
    yield Paragraph(
        f"Cases that so many readers need to find a difference of {findings.LEAST_DIFFERENCE} in"
        f" area with a chance of {WANTED_POWER:.0%} (two-sided, 5%), with the same share of cases"
        " that have the diagnosis. It rests on the variances of this study, which are themselves"
        " uncertain."
    )
    yield Table(
        numbers("readers", "cases", "power"),
        tuple(
            Row(
                (
                    str(size.readers),
                    f"over {MOST_CASES:,}" if size.cases is None else f"{size.cases:,}",
                    f"{size.power:.2f}",
                )
            )
            for size in found.next
        ),
    )


def _method() -> Iterator[Block]:
    yield Heading("Method", 1)
    yield Paragraph(
        "Obuchowski and Rockette (1995) with the degrees of freedom of Hillis (2007), covariances"
        " by leaving out one case at a time, which is the analysis of Dorfman, Berbaum and Metz"
        " (1992) as unified since. The area is trapezoidal. Size by Hillis, Obuchowski and Berbaum"
        " (2011)."
        " Intervals are not cut at 0 and 1."
    )


def said(condition: str) -> str:
    """A condition in words; one of another system's study by its own name."""
    return _WORDS.get(condition, condition)


def _pair(names: Sequence[str], pair: Difference) -> str:
    return f"{said(names[pair.second])} against {said(names[pair.first])}"


def _mean(mean: Mean, name: str) -> str:
    if name == findings.SECONDS:
        return f"{math.exp(mean.value):.0f} [{math.exp(mean.low):.0f}, {math.exp(mean.high):.0f}]"
    return f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def _difference(pair: Difference, name: str) -> str:
    """The later condition minus the earlier, or its ratio to it."""
    value, low, high = _turned(pair)
    if name == findings.SECONDS:
        return f"{math.exp(value):.2f} [{math.exp(low):.2f}, {math.exp(high):.2f}]"
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def _turned(pair: Difference) -> tuple[float, float, float]:
    """Later minus earlier, with its interval; rounded, so that no zero has a sign."""
    value, low, high = (round(-edge, 6) + 0.0 for edge in (pair.value, pair.high, pair.low))
    return value, low, high
