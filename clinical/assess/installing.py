"""Add a model to those that are asked about the cases of a workspace, retire it, or remove it.

A folder is copied and the copy is loaded before it counts, which checks every digest in it: what
was changed on the way is not installed. What it holds besides the files of a checkpoint stays where
it is. Each change is an event of the ledger (MODEL), which is there if and only if the change is.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.errors import ModelError
from clinical.model import ages, card, carried, conflict, installed, mirrored, model
from clinical.model.card import DESCRIPTION, WORDS, Card
from clinical.workspace.database import folder_of, writing
from clinical.workspace.place import RETIRED

FILES = (
    DESCRIPTION,
    "weights.safetensors",
    WORDS,
    ages.BESIDE,
    conflict.BESIDE,
    mirrored.BESIDE,
    "similar_cases.json",
)
"""What is copied of a checkpoint; the first three have to be there."""

NEEDED = 3
LEAST_DIGEST = 8  # characters of a digest that name a model


def add(engine: Engine, source: Path, *, actor: str) -> Card:
    """Copy the checkpoint in `source`; its model is asked first from now on.

    Args:
        engine: the workspace.
        source: folder of a checkpoint; of one that was retired, to have it asked again.
        actor: who adds it, for the record.

    Raises:
        ModelError: if it is no whole checkpoint, or one of its name is asked already.
        LedgerError: if that cannot be recorded; nothing is added then.
    """
    found, folder = card.read(source), _folder(engine)
    _check_whole(found)
    for one in installed.asked(folder):
        if one.digest == found.digest:
            raise ModelError(f"{found.name} is installed already.", remedy="nothing.")
        if one.name == found.name:
            raise ModelError(
                f"Another model with the name {found.name} is installed.",
                remedy=f"retire that one first (`triptych models remove {found.name} --retire`),"
                " or train this one under another name.",
            )
    with _copied(found, installed.root(folder)) as (part, number):
        place = installed.root(folder) / f"{number:04d}-{found.digest[:16]}"
        _recorded(engine, _said("added", found), actor, part, place)
    for old in installed.retired(folder):
        if old.digest == found.digest:
            shutil.rmtree(old.folder)
    return card.read(place)


def retire(engine: Engine, found: Card, *, actor: str) -> Card:
    """Keep a model for replay and what-if, but ask it no more.

    Args:
        engine: the workspace.
        found: a model that is asked; also the one that ships, of which a copy is kept.
        actor: who retires it, for the record.

    Raises:
        ModelError: if the copy is not what it should be.
        LedgerError: if that cannot be recorded; it is asked then as before.
    """
    folder = _folder(engine)
    kept = installed.root(folder) / RETIRED
    with _copied(found, kept) as (part, number):
        place = kept / f"{number:04d}-{found.digest[:16]}"
        _recorded(engine, _said("retired", found), actor, part, place)
    if found.folder.parent == installed.root(folder):
        shutil.rmtree(found.folder)
    return card.read(place)


def remove(engine: Engine, found: Card, *, named_by: int, actor: str, force: bool = False) -> None:
    """Delete a model of a workspace.

    Args:
        engine: the workspace.
        found: which one.
        named_by: assessments of the workspace that it made and that are still there.
        actor: who removes it, for the record.
        force: delete it all the same.

    Raises:
        ModelError: if assessments need it for replay and `force` is not given, or it is the one
            that ships.
        LedgerError: if that cannot be recorded; it stays then.
    """
    folder = _folder(engine)
    if not found.folder.is_relative_to(installed.root(folder)):
        raise ModelError(
            f"{found.name} ships with the program and cannot be removed from it.",
            remedy="retire it (--retire): it is asked no more in this workspace.",
        )
    if named_by and not force:
        many = "1 assessment" if named_by == 1 else f"{named_by} assessments"
        raise ModelError(
            f"{found.name} made {many} of this workspace: without it they cannot be replayed, and"
            " what-if cannot answer for them.",
            remedy="retire it (--retire): it is asked no more and stays for both. --force removes"
            " it all the same; the record still says what it suggested, and nobody can show again"
            " that it does.",
        )
    gone = installed.root(folder) / f".gone-{secrets.token_hex(8)}"
    told = {**_said("removed", found), "assessments": named_by}
    _recorded(engine, told, actor, found.folder, gone)
    shutil.rmtree(gone)


def called(cards: Sequence[Card], name: str) -> Card:
    """The one of these models with this name, or whose digest begins like that.

    Raises:
        ModelError: if there is none, or more than one.
    """
    found = [one for one in cards if one.name == name]
    if not found and len(name) >= LEAST_DIGEST:
        found = [one for one in cards if one.digest.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(one.digest[:16] for one in found)
        raise ModelError(
            f"{len(found)} models are called {name}.", remedy=f"name one by its digest: {listed}."
        )
    raise ModelError(
        f"No model called {name} is here.", remedy="see which are with `triptych models list`."
    )


def _folder(engine: Engine) -> Path:
    with engine.connect() as connection:
        return folder_of(connection)


def _said(change: str, found: Card) -> dict[str, Any]:
    return {"change": change, "name": found.name, "digest": found.digest}


def _recorded(
    engine: Engine, payload: Mapping[str, Any], actor: str, source: Path, target: Path
) -> None:
    """Append the event of a change and move the folder that makes it, both or neither."""
    try:
        with writing(engine) as connection:
            ledger.append(connection, "MODEL", actor=actor, payload=payload)
            source.replace(target)
    except BaseException:
        if target.exists():
            target.replace(source)
        raise


def _check_whole(found: Card) -> None:
    for name in FILES[:NEEDED]:
        if not (found.folder / name).is_file():
            raise ModelError(
                f"{found.folder} is no whole checkpoint: {name} is missing.",
                remedy="copy all of its files; a model without its card is not installed, because"
                " nobody could read what it is for.",
            )


@contextmanager
def _copied(found: Card, target: Path) -> Iterator[tuple[Path, int]]:
    """A copy in a folder of `target` that no one else looks at, loaded once; and its number."""
    target.mkdir(parents=True, exist_ok=True)
    part = target / f".part-{secrets.token_hex(8)}"
    part.mkdir()
    try:
        for name in (*FILES, *carried.names(found.description)):
            if (found.folder / name).is_file():
                shutil.copyfile(found.folder / name, part / name)
        if model.load(part).identity.digest != found.digest:
            raise ModelError(
                f"{found.folder} was changed while it was copied.", remedy="copy it again."
            )
        yield part, 1 + max((_number(place) for place in _all(target)), default=0)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # where it did not become the model


def _all(target: Path) -> Iterator[Path]:
    home = target.parent if target.name == RETIRED else target
    yield from home.glob("[0-9]*")
    yield from (home / RETIRED).glob("[0-9]*")


def _number(place: Path) -> int:
    return int(place.name.partition("-")[0])
