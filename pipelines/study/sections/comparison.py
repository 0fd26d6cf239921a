"""What a report says of the model beside others: differences, seeds, folds, a missing input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.folds.methods import OURS
from pipelines.reports.blocks import Block, Heading, Paragraph, Row, Table, numbers, texts
from pipelines.reports.formatting import counted, interval, number, signed

Metrics = Mapping[str, Any]


def beside_others(m: Metrics) -> Iterator[Block]:
    """Everything that compares two methods, or one with itself under another seed or fold."""
    comparisons = m.get("comparisons") or []
    if not comparisons:
        return
    yield Heading("Beside other methods", 1)
    yield _differences(comparisons)
    yield from _sentences(m)
    yield from _folds(m.get("folds") or [], [OURS, *(one["second"] for one in comparisons)])
    if m.get("removal"):
        yield from _removal(m["removal"])


def _differences(comparisons: Sequence[Metrics]) -> Table:
    rows = tuple(
        Row((f"{one['first']} minus {one['second']}", signed(one["macro"]), one["verdict"]))
        for one in comparisons
    )
    return Table(
        (*texts("Difference"), *numbers("Macro AUROC"), *texts("Verdict")),
        rows,
    )


def _sentences(m: Metrics) -> Iterator[Block]:
    if m["study"]["repeats"] > 1:
        spreads = [
            f"{method} {number(seeds['spread'])}" for method, seeds in m.get("seeds", {}).items()
        ]
        yield Paragraph(
            f"Figures are means of single models over {counted(m['study']['repeats'], 'seed')}."
            f" The mean probability of all seeds: macro AUROC {interval(m['ensemble'])}. Standard"
            f" deviation of macro AUROC over seeds: {'; '.join(spreads)}.",
            soft=True,
        )
    if closed := m.get("gap_closed"):
        yield Paragraph(
            "Share of the way from the best single modality to the oracle that the model goes:"
            f" {interval(closed)}."
        )


def _folds(folds: Sequence[Metrics], methods: Sequence[str]) -> Iterator[Block]:
    if len(folds) < 2:
        return
    yield Heading("Every fold by itself, first repeat")
    columns = numbers("Learnt from", "Tested", "Removed", *methods)
    rows = tuple(
        Row(
            (
                fold["name"],
                *(f"{fold[count]:,}" for count in ("learnt", "tested", "removed")),
                *(number(fold["macro"].get(method)) for method in methods),
            )
        )
        for fold in folds
    )
    yield Table((*texts("Fold"), *columns), rows)
    yield Paragraph(
        "Macro AUROC within the fold. Removed: cases of a tested patient that are not learnt from.",
        soft=True,
    )


def _removal(removal: Mapping[str, Metrics]) -> Iterator[Block]:
    yield Heading("An input that half the patients do not have")
    rows = tuple(Row((name, signed(one["macro"]), one["verdict"])) for name, one in removal.items())
    columns = (*texts("Hidden from half"), *numbers("Macro AUROC"), *texts("Verdict"))
    yield Table(columns, rows)
    yield Paragraph(
        "The model with the input hidden from a random half of the patients, minus one that was"
        " trained without it, used for that half.",
        soft=True,
    )
