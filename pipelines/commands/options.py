"""Arguments and options that several commands of the command line share, and its screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from sqlalchemy import Engine

screen = Console(markup=False, highlight=False, soft_wrap=True)

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Workspace = Annotated[
    str,
    typer.Option("--workspace", help="Folder of the workspace, or postgresql+psycopg://..."),
]
Keys = Annotated[
    Path | None, typer.Option("--keys", help="Folder of the signing key, for a server only.")
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes.")]
Executor = Annotated[
    str,
    typer.Option(
        "--executor",
        help="serial, processes, or ray (on the cluster of RAY_ADDRESS); default: processes for"
        " more than one job.",
    ),
]
Source = Annotated[
    str,
    typer.Option(
        "--source", help="folder, hannover, covid_chestxray, nih_chestxray or appendicitis."
    ),
]
Model = Annotated[
    Path | None, typer.Option("--model", help="Folder of a checkpoint; default: the shipped one.")
]

Cohort = Annotated[Path, typer.Argument(metavar="COHORT", help="Folder of the cohort.")]
StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study.")]
OtherCohort = Annotated[
    Path | None, typer.Option("--cohort", help="Folder of the cohort, if not as in the study.")
]


def open_place(workspace: str, keys: Path | None, *, create: bool = False) -> Engine:
    """The workspace that `Workspace` and `Keys` name
    (`clinical.workspace.database.open_workspace`).

    Raises:
        StoreError: if there is none, and `create` is not given.
    """
    from clinical.workspace.database import open_workspace
    from clinical.workspace.place import place_of

    return open_workspace(place_of(workspace, keys), create=create)
