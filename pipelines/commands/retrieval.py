"""`triptych retrieval ...`: similar cases in the shared space, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Cohort, Model, Out, Samples, Source, screen

retrieval_app = typer.Typer(
    help="Find cases similar to a case or to a sentence, in the model's shared space.",
    no_args_is_help=True,
)

Index = Annotated[
    Path, typer.Argument(metavar="INDEX", help="Folder written by `retrieval index --out`.")
]
Among = Annotated[str, typer.Option("--to", help="Modality to search in, or all.")]
Patients = Annotated[
    int,
    typer.Option(
        "--patients", metavar="N", min=0, help="Only the first N patients (0 = no limit)."
    ),
]
Neighbours = Annotated[int, typer.Option("-k", min=1, help="Number of cases to list.")]


@retrieval_app.command()
def index(cohort: Cohort, out: Out, source: Source = "folder", model: Model = None) -> None:
    """Index the cases of a cohort; the index holds pseudonyms and vectors only."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_index(screen, retrieval.index_cohort(cohort, source, model, out), out)


@retrieval_app.command()
def search(
    index: Index,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Sentence to search for.")],
    model: Model = None,
    among: Among = "all",
    k: Neighbours = 10,
) -> None:
    """List the cases closest to a sentence, nearest first."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_neighbours(screen, retrieval.search(index, text, model, among, k))


@retrieval_app.command()
def find(
    index: Index,
    case: Annotated[str, typer.Option("--case", help="Case in the index to search with.")],
    query: Annotated[
        str, typer.Option("--from", help="Modality of this case to search with, or all.")
    ] = "all",
    among: Among = "all",
    k: Neighbours = 10,
) -> None:
    """List the cases of other patients closest to a case, nearest first."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_neighbours(screen, retrieval.nearest(index, case, query, among, k))


@retrieval_app.command()
def evaluate(
    cohort: Cohort,
    out: Out,
    source: Source = "folder",
    model: Model = None,
    patients: Patients = 0,
    samples: Samples = 1000,
) -> None:
    """Measure recall at k: how often one modality finds another of the same patient.

    Use a cohort of patients the model was not trained on. One case per patient is used.
    """
    from pipelines.retrieval import index as retrieval

    found = retrieval.measure_recall(cohort, source, model, out, patients, samples)
    retrieval.show_recall(screen, found)
    screen.print(f"with all intervals: {out / 'recall.md'}, {out / 'recall.json'}")


@retrieval_app.command("evaluate-cases")
def evaluate_cases(
    cohort: Cohort,
    out: Out,
    source: Source = "folder",
    model: Model = None,
    patients: Patients = 0,
    samples: Samples = 1000,
) -> None:
    """Measure how many of the first five similar cases have the same true diagnoses.

    Use a cohort of patients the model was not trained on. One case per patient is used. The page
    says what the file beside a checkpoint holds.
    """
    from clinical.assess.alike import BESIDE
    from pipelines.retrieval import alike

    alike.show_alike(screen, alike.measure_alike(cohort, source, model, out, patients, samples))
    screen.print(f"copy beside the checkpoint: {out / BESIDE}")
