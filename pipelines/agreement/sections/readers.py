"""Sections about readers: agreement, overrides, first reads, second readers, time."""

from __future__ import annotations

from collections.abc import Container, Iterator

from clinical.review.decisions import REASONS
from clinical.review.times import IDLE_AFTER
from clinical.wording import words
from pipelines.agreement.acceptance import Acceptance, OfDiagnosis, Override
from pipelines.agreement.attention import Took
from pipelines.agreement.cells import ALL, LEAST
from pipelines.agreement.figures import Span, bars, span, spans
from pipelines.agreement.findings import Findings
from pipelines.agreement.report_rows import (
    FEW,
    NOTHING,
    kappa,
    percent,
    when,
    where,
    who,
    worth_drawing,
)
from pipelines.agreement.second import Doubled
from pipelines.agreement.sections.by_model import (
    all_months,
    by_model,
    months_and_readers,
    of_model,
)
from pipelines.reports.blocks import (
    Block,
    Column,
    Heading,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.figures.figure import Figure
from pipelines.reports.figures.scales import count_ticks
from pipelines.reports.formatting import counted

ACCEPTED, WHY, TIMES = "accepted", "reasons", "times"
"""Kinds of figure that a model has."""

SHARES = (0, 0.25, 0.5, 0.75, 1)
_NOBODY = "Nobody has signed a reading in this period."


def pictures(found: Findings) -> dict[str, Figure]:
    """Figures of all models: name to figure."""
    drawn: dict[str, Figure] = {}
    for one in by_model(found.counts.models, found.acceptance, months_and_readers):
        if rows := [r for r in one.rows if r.agreement.value is not None]:
            title = f"Suggestions that were accepted, {one.model}"
            shown = [
                span(where(r), f"{percent(r.agreement)} of {r.suggested}", r.agreement)
                for r in worth_drawing(rows)
            ]
            drawn[one.figure(ACCEPTED)] = spans(title, "share [95%]", shown, SHARES)
    for reasons in by_model(found.counts.models, found.overrides, all_months):
        if bars_of := _reasons(reasons.rows):
            title = f"Why suggestions were modified or rejected, {reasons.model}"
            drawn[reasons.figure(WHY)] = bars(title, bars_of)
    for took in by_model(found.counts.models, found.took, months_and_readers):
        if timed := [r for r in took.rows if r.upper is not None]:
            ticks = count_ticks(max(int(r.upper or 0) for r in timed))
            title = f"Active time per case, median and quartiles, {took.model}"
            drawn[took.figure(TIMES)] = spans(title, "seconds", _timed(worth_drawing(timed)), ticks)
    return drawn


def agreement(found: Findings, drawn: Container[str]) -> Iterator[Block]:
    """Readers and model, by reader, month and diagnosis."""
    yield Heading("Readers and model", 1)
    yield Paragraph(
        "Decisions in signed readings are counted. A suggestion is a diagnosis at or above its"
        " threshold. Added: diagnosed by the reader, not suggested. Same: the reader's diagnoses"
        f" are exactly those suggested. Cells with fewer than {LEAST} show counts only.",
        soft=True,
    )
    if not found.acceptance:
        yield Paragraph(_NOBODY)
    for one in by_model(found.counts.models, found.acceptance, months_and_readers):
        yield one.heading
        columns = numbers(
            "Signed / opened", "Decisions", "Accepted", "Modified", "Rejected", "Added",
            "Accepted, share", "Same, share",
        )  # fmt: skip
        yield Table(
            (Column("Month, reader", wide=True), *columns), tuple(_acceptance(r) for r in one.rows)
        )
        yield from one.shown(ACCEPTED, drawn)
        yield from _diagnoses(all_months(of_model(found.by_diagnosis, one.model)))


def overrides(found: Findings, drawn: Container[str]) -> Iterator[Block]:
    """Reasons, over all diagnoses and by diagnosis."""
    yield Heading("Overrides and their reasons", 1)
    if not found.overrides:
        yield Paragraph("No suggestion was modified or rejected in a signed reading.")
    for one in by_model(found.counts.models, found.overrides, all_months):
        yield one.heading
        yield from one.shown(WHY, drawn)
        columns = (*texts("Diagnosis", "Reason"), *numbers("Modified", "Rejected", "Of overrides"))
        yield Table(
            columns,
            tuple(
                Row(
                    (
                        words(r.diagnosis) if r.diagnosis else "All diagnoses",
                        REASONS.get(r.reason, r.reason),
                        str(r.modified),
                        str(r.rejected),
                        percent(r.share),
                    ),
                    r.diagnosis == ALL,
                )
                for r in one.rows
            ),
        )


def first_reads(found: Findings) -> Iterator[Block]:
    """What readers changed once they saw the model's suggestions."""
    yield Heading("First reads and changes after them", 1)
    if not found.switched:
        yield Paragraph("No signed reading began with a first read.")
        return
    truth = "the cohort's outcomes, or else " if found.counts.outcomes else ""
    yield Paragraph(
        "Diagnoses that the reader changed after the model's output was shown. Helpful (wrong to"
        f" right) and harmful (right to wrong) are judged by {truth}the adjudication of the case,"
        " which is based on the same inputs. Unknown: changes without a truth to judge them by.",
        soft=True,
    )
    for one in by_model(found.counts.models, found.switched, months_and_readers):
        yield one.heading
        columns = numbers(
            "Readings", "With known truth", "Kept", "Towards the model", "Away from it", "Helpful",
            "Harmful", "Unknown",
        )  # fmt: skip
        figures = [
            (r.readings, r.judged, r.kept, r.to_machine, r.from_machine, r.helpful, r.harmful,
             r.unknown)
            for r in one.rows
        ]  # fmt: skip
        yield Table(
            (*texts("Month", "Reader"), *columns),
            tuple(
                Row((when(r.period), who(r.reader), *map(str, row)), r.reader == ALL)
                for r, row in zip(one.rows, figures, strict=True)
            ),
        )


def second_readers(found: Findings) -> Iterator[Block]:
    """Kappa of two readers, and adjudications."""
    yield Heading("Two readers of one case", 1)
    if not found.doubled:
        yield Paragraph("No case was signed by two readers.")
        return
    yield Paragraph(
        "Cohen's kappa of the first two signatures of a case, with the large-sample interval of"
        " Fleiss, Cohen and Everitt (1969), summed by case. For one diagnosis all cases count; for"
        " all diagnoses together only those that either reader decided on, so readers who agree on"
        " most of them also agree by chance, and kappa is low. Months are by the second signature.",
        soft=True,
    )
    columns = numbers("Cases", "Differ", "Agree", "Kappa", "Adjudicated", "Of these, as suggested")
    for one in by_model(found.counts.models, found.doubled, _one_of_all):
        yield one.heading
        yield Table((*texts("Month", "Diagnosis"), *columns), tuple(map(_doubled, one.rows)))


def times(found: Findings, drawn: Container[str]) -> Iterator[Block]:
    """How long a case takes."""
    yield Heading("Time per case", 1)
    yield Paragraph(
        "Active seconds up to the first signature of a reading; gaps of more than"
        f" {IDLE_AFTER.total_seconds():g} s without activity are not counted.",
        soft=True,
    )
    if not found.took:
        yield Paragraph(_NOBODY)
    for one in by_model(found.counts.models, found.took, months_and_readers):
        yield one.heading
        columns = numbers(
            "Measured", "Not measured", "Lower quartile, s", "Median, s", "Upper quartile, s"
        )
        yield Table((*texts("Month", "Reader"), *columns), tuple(_took(r) for r in one.rows))
        yield from one.shown(TIMES, drawn)


def _acceptance(r: Acceptance) -> Row:
    counts = (r.decisions, r.accepted, r.modified, r.rejected, r.added)
    shares = (percent(r.agreement), percent(r.same))
    cells = (where(r), f"{r.signed} / {r.opened}", *map(str, counts), *shares)
    return Row(cells, r.reader == ALL)


def _doubled(r: Doubled) -> Row:
    cells = (
        when(r.period),
        words(r.diagnosis) if r.diagnosis else "All diagnoses",
        str(r.cases),
        str(r.differing),
        f"{r.kappa.observed:.0%}" if r.cases >= LEAST else FEW,
        kappa(r.kappa),
        str(r.adjudicated),
        str(r.as_suggested),
    )
    return Row(cells, r.diagnosis == ALL)


def _diagnoses(rows: list[OfDiagnosis]) -> Iterator[Block]:
    if not rows:
        return
    yield Heading("By diagnosis, all months")
    columns = numbers(
        "Suggested", "Accepted", "Modified", "Rejected", "Added", "Overridden",
        "Kappa of model and reader",
    )  # fmt: skip
    yield Table(
        (*texts("Diagnosis"), *columns),
        tuple(
            Row(
                (
                    words(r.diagnosis),
                    *map(str, (r.suggested, r.accepted, r.modified, r.rejected, r.added)),
                    percent(r.overridden),
                    kappa(r.kappa),
                )
            )
            for r in rows
        ),
    )
    yield Paragraph(
        f"Kappa: present or not, over {counted(rows[0].readings, 'reading')}. By month:"
        " diagnoses.csv.",
        soft=True,
    )


def _one_of_all(rows: list[Doubled]) -> list[Doubled]:
    """Of each diagnosis all months together, of each month all diagnoses together."""
    return [r for r in rows if ALL in (r.diagnosis, r.period)]


def _reasons(rows: list[Override]) -> list[tuple[str, int]]:
    return [
        (REASONS.get(r.reason, r.reason), r.modified + r.rejected)
        for r in rows
        if r.diagnosis == ALL
    ]


def _took(r: Took) -> Row:
    few = FEW if r.measured else NOTHING
    quartiles = [few if q is None else f"{q:.0f}" for q in (r.lower, r.median, r.upper)]
    cells = (when(r.period), who(r.reader), str(r.measured), str(r.not_measured), *quartiles)
    return Row(cells, r.reader == ALL)


def _timed(rows: list[Took]) -> list[Span]:
    return [
        Span(
            where(r),
            f"{r.median:.0f} [{r.lower:.0f}, {r.upper:.0f}] of {r.measured}",
            r.lower,
            r.median,
            r.upper,
        )
        for r in rows
    ]
