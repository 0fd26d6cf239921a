"""`triptych similar ...`: the shared space from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Cohort, Model, Out, Source, screen

similar_app = typer.Typer(
    help="Cases like this one, or that a sentence describes, in the model's shared space.",
    no_args_is_help=True,
)

Index = Annotated[Path, typer.Argument(metavar="INDEX", help="What `similar index --out` wrote.")]
Among = Annotated[str, typer.Option("--to", help="Modality of the cases looked at, or all.")]
Neighbours = Annotated[int, typer.Option("-k", min=1, help="How many cases.")]


@similar_app.command()
def index(cohort: Cohort, out: Out, source: Source = "folder", model: Model = None) -> None:
    """Locate every case of a cohort and write the index: pseudonyms and vectors only."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_index(screen, retrieval.index_cohort(cohort, source, model, out), out)


@similar_app.command()
def search(
    index: Index,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the cases should be like.")],
    model: Model = None,
    among: Among = "all",
    k: Neighbours = 10,
) -> None:
    """Cases that a text describes, nearest first."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_neighbours(screen, retrieval.search(index, text, model, among, k))


@similar_app.command()
def nearest(
    index: Index,
    case: Annotated[str, typer.Option("--case", help="A case of the index.")],
    query: Annotated[str, typer.Option("--from", help="Modality of this case, or all.")] = "all",
    among: Among = "all",
    k: Neighbours = 10,
) -> None:
    """Cases of other patients like a case of the index, nearest first."""
    from pipelines.retrieval import index as retrieval

    retrieval.show_neighbours(screen, retrieval.nearest(index, case, query, among, k))


@similar_app.command()
def recall(
    cohort: Cohort,
    out: Out,
    source: Source = "folder",
    model: Model = None,
    patients: Annotated[
        int, typer.Option("--patients", min=0, help="First so many patients; 0: all.")
    ] = 0,
    samples: Annotated[
        int, typer.Option("--samples", min=1, help="Patient-bootstrap samples.")
    ] = 1000,
) -> None:
    """How often one modality finds another of the same patient, against chance.

    The cohort has to be of patients that the model was not trained on. One case per patient counts.
    """
    from pipelines.retrieval import index as retrieval

    found = retrieval.measure_recall(cohort, source, model, out, patients, samples)
    retrieval.show_recall(screen, found)
    screen.print(f"with all intervals: {out / 'recall.md'}, {out / 'recall.json'}")
