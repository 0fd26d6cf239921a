"""Add a model to those that are asked about the cases of a workspace, retire it, or remove it.

A folder is copied and the copy is loaded before it counts, which checks every digest in it: what
was changed on the way is not installed. What it holds besides the files of a checkpoint stays where
it is.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clinical.errors import ModelError
from clinical.model import ages, card, carried, installed, model
from clinical.model.card import DESCRIPTION, WORDS, Card

FILES = (DESCRIPTION, "weights.safetensors", WORDS, ages.BESIDE, "similar_cases.json")
"""What is copied of a checkpoint; the first three have to be there."""

NEEDED = 3
LEAST_DIGEST = 8  # characters of a digest that name a model


def add(folder: Path, source: Path) -> Card:
    """Copy the checkpoint in `source`; its model is asked first from now on.

    Args:
        folder: of the workspace.
        source: folder of a checkpoint; of one that was retired, to have it asked again.

    Raises:
        ModelError: if it is no whole checkpoint, or one of its name is asked already.
    """
    found = card.read(source)
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
        part.replace(place)
    for old in installed.retired(folder):
        if old.digest == found.digest:
            shutil.rmtree(old.folder)
    return card.read(place)


def retire(folder: Path, found: Card) -> Card:
    """Keep a model for replay and what-if, but ask it no more.

    Args:
        folder: of the workspace.
        found: a model that is asked; also the one that ships, of which a copy is kept.

    Raises:
        ModelError: if the copy is not what it should be.
    """
    kept = installed.root(folder) / installed.RETIRED
    with _copied(found, kept) as (part, number):
        place = kept / f"{number:04d}-{found.digest[:16]}"
        part.replace(place)
    if found.folder.parent == installed.root(folder):
        shutil.rmtree(found.folder)
    return card.read(place)


def remove(folder: Path, found: Card, *, named_by: int, force: bool = False) -> None:
    """Delete a model of a workspace.

    Args:
        folder: of the workspace.
        found: which one.
        named_by: assessments of the workspace that it made and that are still there.
        force: delete it all the same.

    Raises:
        ModelError: if assessments need it for replay and `force` is not given, or it is the one
            that ships.
    """
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
    shutil.rmtree(found.folder)


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
    home = target.parent if target.name == installed.RETIRED else target
    yield from home.glob("[0-9]*")
    yield from (home / installed.RETIRED).glob("[0-9]*")


def _number(place: Path) -> int:
    return int(place.name.partition("-")[0])
