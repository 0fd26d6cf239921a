"""`triptych models ...`: which models are asked about the cases of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clinical.errors import ConfigError
from pipelines.commands.options import SHOWN_DIGITS, Keys, Workspace, open_place, screen

models_app = typer.Typer(
    help="List, add and remove the models that are asked about the cases of a workspace.",
    no_args_is_help=True,
)

Actor = Annotated[str, typer.Option("--actor", help="Who does this, for the record.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of a model, or the first letters of its digest.")
]


@models_app.command("list")
def show(workspace: Workspace, keys: Keys = None) -> None:
    """List the models in the order in which they are asked, then retired ones."""
    from clinical.audit import replay
    from clinical.model import installed
    from clinical.workspace.database import folder_of

    with open_place(workspace, keys) as engine, engine.connect() as connection:
        folder = folder_of(connection)
        asked, kept = installed.asked(folder), installed.retired(folder)
        table = Table("asked", "model", "digest", "speaks of", "reads", "assessments")
        for place, one in enumerate([*asked, *kept], start=1):
            table.add_row(
                str(place) if place <= len(asked) else "retired",
                one.name,
                one.digest[:SHOWN_DIGITS],
                one.ages.words,
                ", ".join(one.description.get("modalities", ())),
                str(replay.naming(connection, one.digest)),
            )
    screen.print(table)


@models_app.command()
def add(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Folder of a checkpoint, or name of a retired model or of one that ships.",
        ),
    ],
    workspace: Workspace,
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Check a checkpoint and copy it into the workspace, to be asked first."""
    from clinical.assess import installing
    from clinical.model import card, installed
    from clinical.workspace.database import folder_of

    with open_place(workspace, keys, create=True) as engine:
        with engine.connect() as connection:
            folder = folder_of(connection)
        source = Path(model)
        if not source.is_dir():
            source = installing.called(
                [*installed.retired(folder), *card.on_request()], model
            ).folder
        found = installing.add(engine, source, actor=actor)
    screen.print(f"added {found.name} {found.digest[:SHOWN_DIGITS]}: {found.folder}")
    for place, one in enumerate(installed.asked(folder), start=1):
        screen.print(f"{place}. {one.name}")


@models_app.command()
def remove(
    name: Name,
    workspace: Workspace,
    retire: Annotated[
        bool,
        typer.Option("--retire", help="Ask it no more, but keep it for replay and what-if."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Remove it though its assessments can then not be replayed."),
    ] = False,
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Remove a model; refused while assessments need it for replay."""
    from clinical.assess import installing
    from clinical.audit import replay
    from clinical.model import installed
    from clinical.workspace.database import folder_of

    if retire and force:
        raise ConfigError("A model is retired or removed, not both.", remedy="give one of the two")
    with open_place(workspace, keys) as engine:
        with engine.connect() as connection:
            folder = folder_of(connection)
            asked = installed.asked(folder)
            choice = asked if retire else [*asked, *installed.retired(folder)]
            found = installing.called(choice, name)
            named_by = replay.naming(connection, found.digest)
        if retire:
            kept = installing.retire(engine, found, actor=actor)
            screen.print(f"retired {kept.name}: it is asked no more, and replay still finds it")
            return
        installing.remove(engine, found, named_by=named_by, force=force, actor=actor)
    screen.print(f"removed {found.name} {found.digest[:SHOWN_DIGITS]}")
