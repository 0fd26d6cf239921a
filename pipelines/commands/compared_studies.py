"""`triptych study compare` on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from pipelines.statistics.metrics import Interval
from pipelines.study.paired_studies import PairedStudies


def show(screen: Console, found: PairedStudies) -> None:
    """One table for each method that both studies have."""
    screen.print(f"{found.cases} cases of {found.patients} patients tested by both studies")
    if found.only_first or found.only_second:
        screen.print(
            f"left out: {found.only_first} cases only in the first study, {found.only_second} only"
            " in the second"
        )
    for pair in found.methods:
        difference = pair.difference
        table = Table(
            pair.method, "cases with it", f"{difference.first} minus {difference.second}", "95%"
        )
        table.add_row("macro", "", *_signed(difference.macro))
        for label, one in difference.labels.items():
            table.add_row(label, str(one.positives), *_signed(one))
        screen.print(table)
        if pair.first is None or pair.second is None:
            screen.print(f"{difference.first}: {difference.verdict}")
        else:
            screen.print(
                f"macro AUROC {pair.first:.3f} and {pair.second:.3f}: {difference.first} is"
                f" {difference.verdict}"
            )


def _signed(found: Interval) -> tuple[str, str]:
    if found.value is None:
        return "not defined", ""
    return f"{found.value:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}"
