"""The models that are asked about the cases of a workspace, and those that are kept for replay.

They are copies in the folder of the workspace, beside the key that signs there, so that the record
and the models that it names stay together; on a server, each machine has its own. The order in
which they are asked is: what was added last comes first, and the model that ships comes last. One
that is retired is asked no more; replay and what-if still find it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clinical.model import card
from clinical.model.card import DESCRIPTION, Card
from clinical.workspace.place import MODELS, RETIRED


def root(folder: Path) -> Path:
    """Where the models of the workspace with this folder lie; each in one whose name begins with
    the number of its turn.
    """
    return folder / MODELS


def stamp(folder: Path) -> tuple[str, ...]:
    """Changes whenever a model is added, retired or removed; read without opening one."""
    places = (*root(folder).glob("[0-9]*"), *(root(folder) / RETIRED).glob("[0-9]*"))
    return tuple(sorted(str(place) for place in places))


def asked(folder: Path | None) -> list[Card]:
    """The models that are asked about a case, in their order.

    Args:
        folder: of the workspace (`clinical.workspace.place.folder_of`); None where there is none.

    Raises:
        ModelError: if one of them does not say what it is.
    """
    gone = {one.digest for one in retired(folder)}
    return [one for one in _once([*_added(folder), *card.installed()]) if one.digest not in gone]


def retired(folder: Path | None) -> list[Card]:
    """The models that are kept for replay and are asked no more; the last first.

    Raises:
        ModelError: as `asked`.
    """
    return _cards(root(folder) / RETIRED) if folder is not None else []


def known(folder: Path | None) -> list[Card]:
    """All models that are here, whether they are asked, retired or never added, each once.

    Raises:
        ModelError: as `asked`.
    """
    return _once([*asked(folder), *retired(folder), *card.installed(), *card.on_request()])


def _added(folder: Path | None) -> list[Card]:
    return _cards(root(folder)) if folder is not None else []


def _cards(place: Path) -> list[Card]:
    found = sorted(place.glob(f"[0-9]*/{DESCRIPTION}"), reverse=True)
    return [card.read(file.parent) for file in found]


def _once(cards: Iterable[Card]) -> list[Card]:
    found: dict[str, Card] = {}
    for one in cards:
        found.setdefault(one.digest, one)
    return list(found.values())
