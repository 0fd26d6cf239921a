"""Models of a workspace: added whole or not at all, asked in order, retired, removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from models_of_two_ages import ADULTS, CHILDREN, named, write

from clinical.errors import ModelError
from clinical.model import card, installed, installing
from clinical.model.model import Model

SHIPPED = "first-light"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a workspace."""
    return tmp_path / "workspace"


@pytest.fixture
def adults(model_of_two: Model, tmp_path: Path) -> Path:
    return write(tmp_path / "adults", named(model_of_two, "adults", ADULTS))


@pytest.fixture
def children(model_of_two: Model, tmp_path: Path) -> Path:
    return write(tmp_path / "children", named(model_of_two, "children", CHILDREN))


def names(folder: Path | None) -> list[str]:
    return [one.name for one in installed.asked(folder)]


def test_without_a_workspace_the_shipped_model_is_asked(folder: Path) -> None:
    assert names(None) == names(folder) == [SHIPPED]
    assert installed.known(None) == [*card.installed(), *card.on_request()]


def test_what_was_added_last_is_asked_first(folder: Path, adults: Path, children: Path) -> None:
    before = installed.stamp(folder)
    installing.add(folder, adults)
    added = installing.add(folder, children)
    assert names(folder) == ["children", "adults", SHIPPED]
    assert added.ages.words == "patients from 2 years to below 18 years"
    shutil.rmtree(adults)
    assert names(folder) == ["children", "adults", SHIPPED], "they are copies"
    assert installed.stamp(folder) != before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: (made / "MODEL_CARD.md").unlink(), "MODEL_CARD.md is missing"),
        (lambda made: (made / "weights.safetensors").unlink(), "weights.safetensors is missing"),
        (lambda made: (made / "weights.safetensors").write_bytes(b"x"), "SHA-256 differs"),
        (
            lambda made: (made / "model.json").write_text(
                (made / "model.json").read_text().replace('"from": 18.0', '"from": 1.0')
            ),
            "was changed after training",
        ),
    ],
)
def test_what_is_not_whole_is_not_added(
    folder: Path, adults: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(adults)
    with pytest.raises(ModelError, match=said):
        installing.add(folder, adults)
    assert names(folder) == [SHIPPED]
    assert list(installed.root(folder).glob("*")) == [], "nothing half copied is left"


def test_nothing_else_of_the_folder_is_copied(folder: Path, adults: Path) -> None:
    (adults / "cases.csv").write_text("patient\n")
    found = installing.add(folder, adults)
    assert {file.name for file in found.folder.iterdir()} == {
        "MODEL_CARD.md",
        "model.json",
        "weights.safetensors",
    }


def test_two_models_of_one_name_are_not_asked_together(
    folder: Path, adults: Path, model_of_two: Model, tmp_path: Path
) -> None:
    installing.add(folder, adults)
    with pytest.raises(ModelError, match="installed already"):
        installing.add(folder, adults)
    again = write(tmp_path / "again", named(model_of_two, "adults", CHILDREN))
    with pytest.raises(ModelError, match="Another model with the name adults"):
        installing.add(folder, again)
    installing.retire(folder, installed.asked(folder)[0])
    installing.add(folder, again)
    assert names(folder) == ["adults", SHIPPED]
    assert [one.name for one in installed.retired(folder)] == ["adults"]


def test_a_retired_model_is_known_and_comes_back(
    folder: Path, adults: Path, children: Path
) -> None:
    installing.add(folder, adults)
    installing.add(folder, children)
    first = installing.called(installed.asked(folder), "adults")
    kept = installing.retire(folder, first)
    assert names(folder) == ["children", SHIPPED]
    assert kept.digest in {one.digest for one in installed.known(folder)}
    installing.add(folder, kept.folder)
    assert names(folder) == ["adults", "children", SHIPPED]
    assert installed.retired(folder) == []


def test_the_shipped_model_is_retired_and_not_removed(folder: Path) -> None:
    (shipped,) = installed.asked(folder)
    with pytest.raises(ModelError, match="ships with the program"):
        installing.remove(folder, shipped, named_by=0, force=True)
    kept = installing.retire(folder, shipped)
    assert names(folder) == []
    further = [one.digest for one in card.on_request()]
    assert [one.digest for one in installed.known(folder)] == [shipped.digest, *further]
    installing.add(folder, kept.folder)
    assert names(folder) == [SHIPPED], "once, though it is here twice"


def test_what_replay_needs_is_removed_by_force_alone(folder: Path, adults: Path) -> None:
    found = installing.add(folder, adults)
    with pytest.raises(ModelError, match=r"made 2 assessments .*--retire.*--force"):
        installing.remove(folder, found, named_by=2)
    assert names(folder) == ["adults", SHIPPED]
    installing.remove(folder, found, named_by=2, force=True)
    assert names(folder) == [SHIPPED]


def test_a_model_is_called_by_name_or_digest(folder: Path, adults: Path) -> None:
    found = installing.add(folder, adults)
    cards = installed.asked(folder)
    assert installing.called(cards, found.digest[:12]) == found
    with pytest.raises(ModelError, match="No model called nobody"):
        installing.called(cards, "nobody")
    with pytest.raises(ModelError, match="2 models are called adults"):
        installing.called([found, found], "adults")
