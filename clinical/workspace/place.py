"""Where a workspace is, and how a person, the page and its helper process refer to it.

A folder, or a database on a PostgreSQL server (`clinical.workspace.postgres`) with the folder of
the key that signs there. Names go on command lines, into pipes and into the page's settings, so
none ever holds a password: that is for PGPASSFILE or PGPASSWORD, which libpq reads by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clinical.workspace import postgres

MODELS, RETIRED = "models", "retired"
"""Folder of added models in that of the workspace, and in it that of those that are asked no more
(`clinical.model.installed`)."""


@dataclass(frozen=True)
class Server:
    """A workspace on a PostgreSQL server, as one machine reaches it.

    Attributes:
        address: `postgresql+psycopg://name@host/database`, without a password.
        keys: folder of this machine with the signing key.
    """

    address: str
    keys: Path


Place = Path | Server


def place_of(workspace: str, keys: Path | None = None) -> Place:
    """The place that a person named; nothing is opened yet.

    Args:
        workspace: a folder, or the address of a database.
        keys: folder of the signing key; of no use for a folder, which has its own.

    Raises:
        StoreError: if the address is of another kind or holds a password, or it comes without a
            folder of keys.
    """
    if "://" not in workspace:
        return Path(workspace)
    postgres.url_of(workspace)
    return Server(workspace, postgres.key_folder(keys))


def folder_of(place: Place) -> Path:
    """The folder of this machine that belongs to the workspace: its own, or that of the key."""
    return place.keys if isinstance(place, Server) else place


def named(place: Place) -> dict[str, str]:
    """The names for `from_names` in another process: "workspace" and, on a server, "keys"."""
    if isinstance(place, Server):
        return {"workspace": place.address, "keys": str(place.keys.resolve())}
    return {"workspace": str(place.resolve())}


def from_names(names: Mapping[str, str]) -> Place:
    """The place that `named` gave names to.

    Raises:
        StoreError: as `place_of`.
    """
    return place_of(names["workspace"], Path(names["keys"]) if "keys" in names else None)


def as_options(place: Place) -> list[str]:
    """The place as options of a command: `--workspace=...` and, on a server, `--keys=...`."""
    return [f"--{name}={value}" for name, value in named(place).items()]
