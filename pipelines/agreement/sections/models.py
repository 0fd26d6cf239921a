"""Sections about models: inputs and outputs compared with the checkpoint."""

from __future__ import annotations

from collections.abc import Container, Iterator

from clinical.wording import words
from pipelines.agreement.cells import ALL
from pipelines.agreement.figures import span, spans
from pipelines.agreement.findings import Findings
from pipelines.agreement.inputs import Given
from pipelines.agreement.outputs import Expected
from pipelines.agreement.reference import measurement_words
from pipelines.agreement.report_rows import NOTHING, percent, when
from pipelines.agreement.rules import FARTHEST
from pipelines.agreement.sections.by_model import all_months, by_model, months, of_model
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

EXPECTED = "expected"
"""The kind of figure that a model has."""

MOST_MEASURED = 15
_TICKS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def pictures(found: Findings) -> dict[str, Figure]:
    """Figures of all models: name to figure."""
    drawn = {}
    for one in by_model(found.counts.models, found.expected, all_months):
        if rows := [r for r in one.rows if r.probability.value is not None]:
            most = max(max(r.probability.high or 0, r.prevalence) for r in rows)
            top = next(tick for tick in _TICKS if tick >= min(most, 1))
            title = f"Mean probability; square: prevalence in training, {one.model}"
            ticks = [round(top * n / 4, 3) for n in range(5)]
            shown = [
                span(words(r.diagnosis), percent(r.probability, 1), r.probability, r.prevalence)
                for r in rows
            ]
            drawn[one.figure(EXPECTED)] = spans(title, "mean [95%]", shown, ticks)
    return drawn


def inputs(found: Findings) -> Iterator[Block]:
    """Marked cases, missing inputs, measurements."""
    yield Heading("Inputs against training", 1)
    if not found.marked:
        yield Paragraph("No case was assessed in this time.")
        return
    yield Paragraph(
        "Cases by month of assessment; a case counts once per month, by its last assessment."
        " Flagged: out of distribution. Expected at most: of cases like the validation cases, 1%"
        " for each input that has a limit.",
        soft=True,
    )
    for one in by_model(found.counts.models, found.marked, months):
        yield one.heading
        yield Table(
            (
                *texts("Month"),
                *numbers("Cases", "Flagged", "Flagged, of cases", "Expected at most"),
            ),
            tuple(
                Row(
                    (
                        when(r.period),
                        str(r.share.cases),
                        str(r.share.positives),
                        percent(r.share),
                        _plain(r.expected),
                    ),
                    r.period == ALL,
                )
                for r in one.rows
            ),
        )
        yield _inputs(months(of_model(found.given, one.model)))
        yield from _measured(found, one.model)


def outputs(found: Findings, drawn: Container[str]) -> Iterator[Block]:
    """Mean probabilities and shares suggested."""
    yield Heading("Outputs against training", 1)
    yield Paragraph(
        "The mean of calibrated probabilities is how often the model expects a diagnosis among"
        " these cases. Where it departs from the prevalence in training, the patients differ or"
        " the model reads them differently: only outcomes can tell. A checkpoint does not keep how"
        " often each diagnosis was suggested in training: compare the months.",
        soft=True,
    )
    for one in by_model(found.counts.models, found.expected, months):
        yield one.heading
        yield from one.shown(EXPECTED, drawn)
        columns = (
            *texts("Diagnosis", "Month"),
            *numbers("Cases", "Mean probability", "Prevalence in training"),
            Column("Expected"),
            *numbers("Suggested", "Withheld"),
        )
        listed = sorted(one.rows, key=lambda r: (r.diagnosis, r.period))
        yield Table(columns, tuple(_output(r) for r in listed))


def _inputs(rows: list[Given]) -> Table:
    columns = numbers(
        "Cases", "Missing", "In validation", "Flagged, of cases with it", "Expected at most"
    )
    listed = sorted(rows, key=lambda r: (r.modality, r.period))
    return Table(
        (*texts("Input", "Month"), *columns),
        tuple(
            Row(
                (
                    words(r.modality),
                    when(r.period),
                    str(r.missing.cases),
                    percent(r.missing),
                    _plain(r.usual_missing),
                    percent(r.outside),
                    _plain(r.expected_outside),
                ),
                r.period == ALL,
            )
            for r in listed
        ),
    )


def _measured(found: Findings, model: str) -> Iterator[Block]:
    if model in found.counts.without_reference:
        yield Paragraph("Its checkpoint was not given: measurements are not compared.")
        return
    rows = all_months(of_model(found.measured, model))
    if not rows:
        yield Paragraph("No measurement known to the model is present in enough cases.")
        return
    shown, rest = rows[:MOST_MEASURED], len(rows) - MOST_MEASURED
    yield Heading("Measurements over all months, most shifted first")
    columns = numbers(
        "Cases", "Values", "Median", "In training", "Shift, IQR", "Distance", "By chance up to"
    )
    yield Table(
        (*texts("Measurement"), *columns),
        tuple(
            Row(
                (
                    measurement_words(r.code),
                    str(r.cases),
                    str(r.values),
                    f"{r.median:.4g}",
                    f"{r.usual:.4g}",
                    f"{r.shift:+.2f}",
                    f"{r.statistic:.2f}",
                    f"{r.limit:.2f}",
                ),
                r.statistic > max(FARTHEST, r.limit),
            )
            for r in shown
        ),
    )
    more = f" {rest} more are in measurements.csv, as are the months." if rest > 0 else ""
    yield Paragraph(
        "Distance: Kolmogorov-Smirnov statistic at the training quantiles kept in the checkpoint,"
        " 0 to 1. By chance up to: what it stays below with 95% probability for all measurements"
        " together if nothing has changed. IQR: interquartile ranges in training. Bold: beyond the"
        " limits of the alert. A bound such as < 5 counts as its limit." + more,
        soft=True,
    )


def _output(r: Expected) -> Row:
    low, high = r.probability.low, r.probability.high
    if low is None or high is None:
        sentence = NOTHING
    elif low > r.prevalence:
        sentence = "more often"
    else:
        sentence = "less often" if high < r.prevalence else "as in training"
    cells = (
        words(r.diagnosis),
        when(r.period),
        str(r.cases),
        percent(r.probability, 1),
        f"{r.prevalence:.1%}",
        sentence,
        percent(r.suggested),
        str(r.withheld),
    )
    return Row(cells, r.period == ALL)


def _plain(share: float | None) -> str:
    return "not kept" if share is None else f"{share:.0%}"
