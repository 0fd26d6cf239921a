"""Sections about missing inputs, more patients, and example cases."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from pipelines.reports.blocks import Block, Figures, Heading, Paragraph
from pipelines.reports.formatting import signed
from pipelines.study.all_figures import (
    EXAMPLES,
    LEARNING,
    MISSINGNESS,
    examples_of,
    label_figure,
    stress_figure,
    stresses,
)

Metrics = Mapping[str, Any]


def missingness(m: Metrics, drawn: Container[str]) -> Iterator[Block]:
    """By the inputs that cases have, and as inputs are taken away."""
    taken = tuple(stress_figure(kind, what) for kind, what in stresses(m))
    if MISSINGNESS not in drawn and not taken:
        return
    yield Heading("Missing inputs", 1)
    if MISSINGNESS in drawn:
        yield Figures((MISSINGNESS,))
        yield Paragraph(
            "Columns differ in their cases, so a difference between two is not the value of an "
            "input.",
            soft=True,
        )
    if taken:
        yield Heading("Inputs removed")
        yield Figures(taken, 2)
        yield Paragraph(
            "Tested cases lose an input, or single items of it, at random; nothing is retrained. "
            "Bars: 95% interval of the first method.",
            soft=True,
        )


def more_patients(m: Metrics, drawn: Container[str]) -> Iterator[Block]:
    """The learning curve, and what twice as many patients would buy."""
    if LEARNING not in drawn:
        return
    yield Heading("More patients", 1)
    yield Figures((LEARNING,), 2)
    fit = m["learning_curve"]["fit"]
    if fit is None or fit["rate"] is None:
        because = fit["because"] if fit else "there is no fit"
        yield Paragraph(f"No curve is fitted to these points: {because}.")
        return
    yield Paragraph(
        f"Twice as many patients ({2 * fit['largest']:,} rather than {fit['largest']:,}) would "
        f"change macro AUROC by {signed(fit['gain'])}, if the curve goes on as it does."
    )
    yield Paragraph(
        f"Fitted: 1 - AUROC = {fit['asymptote']:.3f} + {fit['scale']:.3g} * n^-{fit['rate']:.2f}; "
        f"95% of bootstrap rates lie between {fit['rate_low']:.2f} and {fit['rate_high']:.2f}.",
        soft=True,
    )


def examples(m: Metrics, drawn: Container[str]) -> Iterator[Block]:
    """Cases right and wrong, label by label."""
    names = [label_figure(m, label, EXAMPLES) for label in m["labels"] if examples_of(m, label)]
    if not names:
        return
    yield Heading("Example cases, right and wrong", 1)
    yield Paragraph(
        "The clearest of each label: positive cases with the highest probability (found) and the "
        "lowest (missed), negative ones with the highest (false alarm). They are extremes, not "
        "typical cases. Which cases they are is in examples.html, which holds patient data.",
        soft=True,
    )
    yield Figures(tuple(name for name in names if name in drawn), 2)
