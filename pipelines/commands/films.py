"""`triptych films ...`: real films of public sources: gather them, and judge readers of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Cohort, Jobs, Model, Out, Samples, Source, screen

films_app = typer.Typer(
    help="Gather real films of public sources, and judge readers of them.", no_args_is_help=True
)


@films_app.command()
def gather(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder that holds the folders of the sources.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Cohort to write.")],
) -> None:
    """Write real films of several sources as one cohort, with one label: opacity."""
    from pipelines.laboratory.real_films import gather as films

    for (source, split, value), number in sorted(films.gather(root, out).items()):
        label = {"1": "an opacity", "0": "nothing", "": "unknown"}[value]
        screen.print(f"{source}: {number} films, {label} ({split})")
    screen.print(f"films that could not be read: {out / films.SKIPPED}")


@films_app.command()
def judge(cohort: Cohort, out: Out, samples: Samples = 1000) -> None:
    """Leave each source out in turn, and test what the others taught on it."""
    from pipelines.laboratory.real_films import judge as films

    screen.print(films.table(films.judge(cohort, out, samples=samples)))


@films_app.command("judge-fine-tuning")
def judge_fine_tuning(
    cohort: Cohort,
    out: Out,
    sources: Annotated[
        list[str], typer.Option("--without", help="Source to leave out; may be given again.")
    ],
    samples: Samples = 1000,
) -> None:
    """Leave a source out, and test on it a backbone fine-tuned on the others."""
    from pipelines.laboratory.real_films import fine_tuning
    from pipelines.laboratory.real_films import judge as films

    screen.print(films.table(fine_tuning.judge_fine_tuned(cohort, out, sources, samples=samples)))


@films_app.command("teach-lungs")
def teach_lungs(
    out: Out,
    films: Annotated[
        int, typer.Option("--films", min=80, help="Number of simulated films to learn from.")
    ] = 300,
    jobs: Jobs = 1,
) -> None:
    """Teach the network that finds the lungs, on simulated films."""
    from pipelines.laboratory.pretrain.lungs import teach

    teach(out, films, jobs=jobs)


@films_app.command("teach-traits")
def teach_traits(cohort: Cohort, out: Out, jobs: Jobs = 1) -> None:
    """Teach the network that says how a film stands, and judge it by source."""
    from pipelines.laboratory.real_films import traits

    screen.print(traits.teach(cohort, out, jobs=jobs))


@films_app.command("teach-sides")
def teach_sides(cohort: Cohort, out: Out, source: Source = "folder", model: Model = None) -> None:
    """Learn from films as they stand how a mirrored one looks, for a file by a model.

    All films are taken to stand as they should. A film's own figure is by weights that were fitted
    without its patient, so that the model's training patients may be among them.
    """
    from pipelines.commands import summary
    from pipelines.explanations import mirrored

    file, lines = mirrored.learn(cohort, source, model, out)
    summary.show_mirrored(screen, lines)
    screen.print(f"copy beside the checkpoint: {file}")


@films_app.command("judge-sides")
def judge_sides(cohort: Cohort, out: Out, source: Source = "folder", model: Model = None) -> None:
    """Count films called mirrored: when they are mirrored, and as they stand."""
    from pipelines.commands import summary
    from pipelines.explanations import mirrored

    summary.show_mirrored(screen, mirrored.measure(cohort, source, model, out))
    screen.print(f"written to: {out / mirrored.REPORT}")


@films_app.command()
def train(
    cohort: Cohort,
    out: Out,
    others: Annotated[
        Path | None,
        typer.Option(
            "--others", help="Folder of DICOM files that are no films, to count what is refused."
        ),
    ] = None,
    samples: Samples = 1000,
) -> None:
    """Choose the reader of real films by its rule, and write the model that ships."""
    from pipelines.laboratory.real_films import train as films

    made = films.train(cohort, out, others=others, samples=samples)
    screen.print(f"{made.name} {made.identity.digest[:16]}: {out / films.NAME}")
