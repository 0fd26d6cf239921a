"""`triptych workspace ...`: back up and restore a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import SHOWN_DIGITS, SigningKey, open_place, screen

workspace_app = typer.Typer(help="Back up or restore a workspace.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--workspace", help="Folder of the workspace.")]


@workspace_app.command()
def backup(
    workspace: Folder,
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Include the signing key; keep the file secret.")
    ] = False,
) -> None:
    """Copy the workspace to one file, even while it is in use."""
    from clinical.workspace.backup import save

    size = save(workspace, out, with_key=with_key)
    screen.print(f"backup {out}: {size / 1e6:.1f} MB, {'with' if with_key else 'without'} the key")


@workspace_app.command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="File of a backup.")],
    workspace: Annotated[Path, typer.Option("--workspace", help="New folder for the workspace.")],
    key: SigningKey = "",
    head: Annotated[
        Path | None,
        typer.Option("--head", help="Signed head kept elsewhere, to show what is missing."),
    ] = None,
) -> None:
    """Make a workspace from a backup and verify it; exit 1 if it does not verify."""
    from clinical.audit.verify import NO_KEY, verify
    from clinical.model import installed
    from clinical.workspace import backup as backups
    from pipelines.commands import verification

    known = verification.kept(head) if head else None
    pinned = verification.pinned(key)
    has_key = backups.restore(backup, workspace)
    with open_place(str(workspace), None) as engine, engine.connect() as connection:
        verdict = verify(
            connection,
            known=known,
            key=pinned or ("" if has_key else NO_KEY),
            pixels=True,
        )
    verification.say(screen, verdict)
    for one in [*installed.asked(workspace), *installed.retired(workspace)]:
        if one.folder.is_relative_to(workspace):
            screen.print(f"model {one.name} {one.digest[:SHOWN_DIGITS]}")
    if not has_key:
        screen.print(f"the key is not in the backup: put {backups.KEY_FILE} into {workspace}")
    if not verdict.intact:
        raise typer.Exit(1)
