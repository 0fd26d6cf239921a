"""The key that signs the record: `audit rotate-key`, `use-key` and `show-key`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clinical.errors import ConfigError, LedgerError
from pipelines.commands.options import Keys, Workspace, open_place, screen

if TYPE_CHECKING:
    from clinical.audit.signer import KeyPlace

Token = Annotated[
    str, typer.Option("--token", help="Label of the PKCS#11 token that keeps the key.")
]
Module = Annotated[
    Path | None,
    typer.Option("--module", help="Library of the token's maker, a file that ends in .so or .dll."),
]
PinFile = Annotated[
    Path | None,
    typer.Option("--pin-file", help="File with the token's PIN. Default: the PIN is asked for."),
]
Keyring = Annotated[
    bool, typer.Option("--keyring", help="The keyring of the operating system keeps the key.")
]
InFile = Annotated[bool, typer.Option("--file", help="The key file itself keeps the key.")]


def rotate_key(
    workspace: Workspace,
    token: Token = "",
    module: Module = None,
    pin_file: PinFile = None,
    keyring: Keyring = False,
    file: InFile = False,
    keys: Keys = None,
) -> None:
    """Replace the signing key; the old key signs the new one and is then deleted.

    The new key is kept where the old one was, or where an option says. In a workspace in which
    nothing is signed yet, it becomes the first key.
    """
    from clinical.audit import heads, rotation
    from clinical.audit import keys as key_files
    from clinical.workspace.database import folder_of, writing

    place = _chosen(token, module, pin_file, keyring, file)
    with open_place(workspace, keys) as engine:
        with writing(engine) as connection:
            if place is not None and heads.latest(connection) is None:
                first = key_files.make_first(folder_of(connection), place)
                screen.print(f"first key {key_files.key_digest(first.public)}, in {place.name}")
                return
        event = rotation.rotate(engine, place=place, in_file=file)
    screen.print(f"event {event.sequence}: key {event.payload['new']}")


def use_key(
    workspace: Workspace,
    token: Token = "",
    module: Module = None,
    pin_file: PinFile = None,
    keyring: Keyring = False,
    keys: Keys = None,
) -> None:
    """Take the signing key from a token or keyring that holds it already."""
    from clinical.audit import heads
    from clinical.audit import keys as key_files
    from clinical.workspace.database import folder_of, writing

    place = _chosen(token, module, pin_file, keyring, False)
    if place is None:
        raise ConfigError(
            "use-key needs to be told where the key is.", remedy="give --token or --keyring."
        )
    with open_place(workspace, keys) as engine, writing(engine) as connection:
        key_files.use(folder_of(connection), place, _in_force(heads.key_in_force(connection)))
    screen.print(f"the key is taken from {place.name}")


def show_key(workspace: Workspace, keys: Keys = None) -> None:
    """Show the digest of the signing key, also as words to compare by telephone."""
    from clinical.audit import heads
    from clinical.audit import keys as key_files
    from clinical.workspace.database import folder_of
    from pipelines.commands import verification

    with open_place(workspace, keys) as engine, engine.connect() as connection:
        digest = _in_force(heads.key_in_force(connection))
        folder = folder_of(connection)
    verification.show_key(screen, digest)
    if place := key_files.place_of(folder):
        screen.print(f"kept in {place.name}")


def _in_force(digest: str | None) -> str:
    if digest is None:
        raise LedgerError("Nothing has been signed with a key yet.", remedy="record something.")
    return digest


def _chosen(
    token: str, module: Path | None, pin_file: Path | None, keyring: bool, file: bool
) -> KeyPlace | None:
    """The place that the options name; None for a file, or where they name none."""
    from clinical.audit import pkcs11_token, system_keyring

    if sum((bool(token), keyring, file)) > 1:
        raise ConfigError(
            "A key is kept in one place.", remedy="give one of --token, --keyring and --file."
        )
    if bool(token) != (module is not None) or (pin_file and not token):
        raise ConfigError(
            "A token needs its label and the library of its maker.",
            remedy="give --token and --module, and --pin-file with them if you like.",
        )
    if token and module:
        return pkcs11_token.place(token, module, pin_file)
    return system_keyring.place() if keyring else None
