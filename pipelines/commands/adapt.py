"""`triptych adapt`: a model and a site's own cases to a new model and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Cohort, Samples, Source, screen


def adapt(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Folder of the checkpoint to adapt.")
    ],
    cohort: Cohort,
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder for the new model, the report and cached features."),
    ],
    source: Source = "folder",
    cases: Annotated[
        int,
        typer.Option(
            "--cases",
            metavar="N",
            min=-1,
            help="Use the outcomes of only N cases; 0: of none, which adapts the domain alone;"
            " -1: of all.",
        ),
    ] = -1,
    sensitivity: Annotated[
        float | None,
        typer.Option("--sensitivity", metavar="S", help="Choose thresholds for this sensitivity."),
    ] = None,
    alert_rate: Annotated[
        float | None,
        typer.Option(
            "--alert-rate", metavar="R", help="Choose thresholds for this share of alerts."
        ),
    ] = None,
    trained_on: Annotated[
        Path | None,
        typer.Option(
            "--trained-on",
            metavar="DIR",
            help="Folder of the training cohort, to refuse patients that are in both.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Name of the new model. Default: MODEL's, with -adapted.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    samples: Samples = 1000,
) -> None:
    """Adapt a model to a site's own cases, as far as nested validation supports it."""
    from pipelines.adapting import run
    from pipelines.adapting.site import Place
    from pipelines.adapting.thresholds import Goal

    wanted = run.Wanted(
        model,
        Place(source, cohort, cases, trained_on, seed),
        Goal(sensitivity, alert_rate),
        name,
        samples,
    )
    done = run.adapt_model(wanted, out)
    screen.print(done.sentence)
    if done.model is not None:
        screen.print(f"model {done.model.identity.digest[:12]}: {out / run.MODEL}")
    screen.print(f"report: {out / run.PAGE}, {run.WORDS} and {run.NUMBERS}")
