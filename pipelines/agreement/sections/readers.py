"""Sections about readers: agreement, overrides, first reads, second readers, time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clinical.review.decisions import REASONS
from clinical.review.times import IDLE_AFTER
from clinical.wording import words
from pipelines.agreement.acceptance import Acceptance
from pipelines.agreement.attention import Took
from pipelines.agreement.cells import ALL, LEAST
from pipelines.agreement.figures import Span, bars, spans
from pipelines.agreement.findings import Findings
from pipelines.agreement.readings import NO_MODEL
from pipelines.agreement.report_rows import (
    FEW,
    NOTHING,
    kappa,
    percent,
    told,
    when,
    where,
    who,
    worth_drawing,
)
from pipelines.agreement.second import Doubled
from pipelines.reports.blocks import (
    Block,
    Column,
    Figures,
    Heading,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.figures.scales import count_ticks
from pipelines.reports.formatting import counted

SHARES = (0, 0.25, 0.5, 0.75, 1)
_NOBODY = "Nobody has signed a reading in this period."


def pictures(found: Findings) -> dict[str, str]:
    """Figures of all models: name to SVG."""
    drawn: dict[str, str] = {}
    for number, model in enumerate(found.counts.models, start=1):
        rows = [r for r in told(found.acceptance, model) if r.agreement.value is not None]
        if rows:
            title = f"Suggestions that were accepted, {model}"
            drawn[f"{number}-accepted"] = spans(
                title, "share [95%]", _accepted(worth_drawing(rows)), SHARES
            )
        if reasons := _reasons(found, model):
            title = f"Why suggestions were modified or rejected, {model}"
            drawn[f"{number}-reasons"] = bars(title, reasons)
        timed = [r for r in told(found.took, model) if r.upper is not None]
        if timed:
            most = max(int(r.upper or 0) for r in timed)
            title = f"Active time per case, median and quartiles, {model}"
            drawn[f"{number}-times"] = spans(
                title, "seconds", _timed(worth_drawing(timed)), count_ticks(most)
            )
    return drawn


def agreement(found: Findings, drawn: Mapping[str, str]) -> Iterator[Block]:
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
    for number, model in enumerate(found.counts.models, start=1):
        rows = told(found.acceptance, model)
        if not rows:
            continue
        yield Heading(_named(model))
        columns = numbers(
            "Signed / opened", "Decisions", "Accepted", "Modified", "Rejected", "Added",
            "Accepted, share", "Same, share",
        )  # fmt: skip
        yield Table(
            (Column("Month, reader", wide=True), *columns), tuple(_acceptance(r) for r in rows)
        )
        if f"{number}-accepted" in drawn:
            yield Figures((f"{number}-accepted",))
        yield from _diagnoses(found, model)


def overrides(found: Findings, drawn: Mapping[str, str]) -> Iterator[Block]:
    """Reasons, over all diagnoses and by diagnosis."""
    yield Heading("Overrides and their reasons", 1)
    if not found.overrides:
        yield Paragraph("No suggestion was modified or rejected in a signed reading.")
    for number, model in enumerate(found.counts.models, start=1):
        rows = [r for r in found.overrides if r.model == model and r.period == ALL]
        if not rows:
            continue
        yield Heading(_named(model))
        if f"{number}-reasons" in drawn:
            yield Figures((f"{number}-reasons",))
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
                for r in rows
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
    for model in found.counts.models:
        rows = told(found.switched, model)
        if not rows:
            continue
        yield Heading(_named(model))
        columns = numbers(
            "Readings", "With known truth", "Kept", "Towards the model", "Away from it", "Helpful",
            "Harmful", "Unknown",
        )  # fmt: skip
        figures = [
            (r.readings, r.judged, r.kept, r.to_machine, r.from_machine, r.helpful, r.harmful,
             r.unknown)
            for r in rows
        ]  # fmt: skip
        yield Table(
            (*texts("Month", "Reader"), *columns),
            tuple(
                Row((when(r.period), who(r.reader), *map(str, row)), r.reader == ALL)
                for r, row in zip(rows, figures, strict=True)
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
    for model in found.counts.models:
        rows = [r for r in found.doubled if r.model == model and ALL in (r.diagnosis, r.period)]
        if rows:
            yield Heading(_named(model))
            yield Table((*texts("Month", "Diagnosis"), *columns), tuple(map(_doubled, rows)))


def times(found: Findings, drawn: Mapping[str, str]) -> Iterator[Block]:
    """How long a case takes."""
    yield Heading("Time per case", 1)
    yield Paragraph(
        "Active seconds up to the first signature of a reading; gaps of more than"
        f" {IDLE_AFTER.total_seconds():g} s without activity are not counted.",
        soft=True,
    )
    if not found.took:
        yield Paragraph(_NOBODY)
    for number, model in enumerate(found.counts.models, start=1):
        rows = told(found.took, model)
        if not rows:
            continue
        yield Heading(_named(model))
        columns = numbers(
            "Measured", "Not measured", "Lower quartile, s", "Median, s", "Upper quartile, s"
        )
        yield Table((*texts("Month", "Reader"), *columns), tuple(_took(r) for r in rows))
        if f"{number}-times" in drawn:
            yield Figures((f"{number}-times",))


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


def _accepted(rows: list[Acceptance]) -> list[Span]:
    return [
        Span(
            where(r),
            f"{percent(r.agreement)} of {r.suggested}",
            r.agreement.low,
            r.agreement.value,
            r.agreement.high,
        )
        for r in rows
    ]


def _diagnoses(found: Findings, model: str) -> Iterator[Block]:
    rows = [r for r in found.by_diagnosis if r.model == model and r.period == ALL]
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


def _reasons(found: Findings, model: str) -> list[tuple[str, int]]:
    return [
        (REASONS.get(r.reason, r.reason), r.modified + r.rejected)
        for r in found.overrides
        if r.model == model and r.period == ALL and r.diagnosis == ALL
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


def _named(model: str) -> str:
    return "Read without a model" if model == NO_MODEL else f"Model {model}"
