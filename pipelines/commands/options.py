"""Arguments and options shared by several commands, and the console they print to."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from sqlalchemy import Engine

screen = Console(markup=False, highlight=False, soft_wrap=True)

SHOWN_DIGITS = 16  # of the digest of a model

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Workspace = Annotated[
    str,
    typer.Option("--workspace", help="Workspace: a folder, or postgresql+psycopg://..."),
]
Keys = Annotated[
    Path | None,
    typer.Option("--keys", help="Folder of the signing key, for a workspace on a server."),
]
SigningKey = Annotated[
    str, typer.Option("--key", help="Digest or words of the key that must have signed it.")
]
Witness = Annotated[
    str | None,
    typer.Option("--witness", help="File or address at which a witness keeps signed heads."),
]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Number of parallel processes.")]
Samples = Annotated[
    int, typer.Option("--samples", min=1, help="Number of patient-bootstrap samples.")
]
Executor = Annotated[
    str,
    typer.Option(
        "--executor",
        help="How to run jobs: serial, processes, or ray (on the cluster at RAY_ADDRESS). Default:"
        " processes if --jobs is above 1.",
    ),
]
Source = Annotated[
    str,
    typer.Option(
        "--source",
        help="Format of the cohort: folder, hannover, covid_chestxray, nih_chestxray,"
        " appendicitis, eicu, meds, mimic_iii, mimic_iv, omop or fhir.",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", help="Folder of a checkpoint. Default: the shipped model."),
]
AskedModel = Annotated[
    Path | None,
    typer.Option(
        "--model", help="Folder of a checkpoint that alone is asked. Default: all installed ones."
    ),
]

Cohort = Annotated[Path, typer.Argument(metavar="COHORT", help="Folder of the cohort.")]
StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="Study file.")]
OtherCohort = Annotated[
    Path | None,
    typer.Option("--cohort", help="Folder of the cohort, if not the one in the study file."),
]


def open_place(
    workspace: str, keys: Path | None, *, create: bool = False
) -> AbstractContextManager[Engine]:
    """The workspace that `Workspace` and `Keys` name, open for the length of a `with` block
    (`clinical.workspace.database.opened`).

    Raises:
        StoreError: if there is none, and `create` is not given.
    """
    from clinical.workspace.database import opened
    from clinical.workspace.place import place_of

    return opened(place_of(workspace, keys), create=create)
