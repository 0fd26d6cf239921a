"""Models of a workspace: added whole or not at all, asked in order, retired, removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from models_of_two_ages import ADULTS, CHILDREN, named, write
from sqlalchemy import Connection, Engine

from clinical.assess import installing
from clinical.audit import ledger
from clinical.errors import LedgerError, ModelError, StoreError
from clinical.model import card, installed
from clinical.model.model import Model
from clinical.workspace.database import writing

SHIPPED = "first-light"
WHO = "physicist"


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


def test_what_was_added_last_is_asked_first(
    workspace: Engine, folder: Path, adults: Path, children: Path
) -> None:
    before = installed.stamp(folder)
    installing.add(workspace, adults, actor=WHO)
    added = installing.add(workspace, children, actor=WHO)
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
    workspace: Engine, folder: Path, adults: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(adults)
    with pytest.raises(ModelError, match=said):
        installing.add(workspace, adults, actor=WHO)
    assert names(folder) == [SHIPPED]
    assert list(installed.root(folder).glob("*")) == [], "nothing half copied is left"


def test_nothing_else_of_the_folder_is_copied(
    workspace: Engine, folder: Path, adults: Path
) -> None:
    (adults / "cases.csv").write_text("patient\n")
    found = installing.add(workspace, adults, actor=WHO)
    assert {file.name for file in found.folder.iterdir()} == {
        "MODEL_CARD.md",
        "model.json",
        "weights.safetensors",
    }


def test_two_models_of_one_name_are_not_asked_together(
    workspace: Engine, folder: Path, adults: Path, model_of_two: Model, tmp_path: Path
) -> None:
    installing.add(workspace, adults, actor=WHO)
    with pytest.raises(ModelError, match="installed already"):
        installing.add(workspace, adults, actor=WHO)
    again = write(tmp_path / "again", named(model_of_two, "adults", CHILDREN))
    with pytest.raises(ModelError, match="Another model with the name adults"):
        installing.add(workspace, again, actor=WHO)
    installing.retire(workspace, installed.asked(folder)[0], actor=WHO)
    installing.add(workspace, again, actor=WHO)
    assert names(folder) == ["adults", SHIPPED]
    assert [one.name for one in installed.retired(folder)] == ["adults"]


def test_a_retired_model_is_known_and_comes_back(
    workspace: Engine, folder: Path, adults: Path, children: Path
) -> None:
    installing.add(workspace, adults, actor=WHO)
    installing.add(workspace, children, actor=WHO)
    first = installing.called(installed.asked(folder), "adults")
    kept = installing.retire(workspace, first, actor=WHO)
    assert names(folder) == ["children", SHIPPED]
    assert kept.digest in {one.digest for one in installed.known(folder)}
    installing.add(workspace, kept.folder, actor=WHO)
    assert names(folder) == ["adults", "children", SHIPPED]
    assert installed.retired(folder) == []


def test_the_shipped_model_is_retired_and_not_removed(workspace: Engine, folder: Path) -> None:
    (shipped,) = installed.asked(folder)
    with pytest.raises(ModelError, match="ships with the program"):
        installing.remove(workspace, shipped, named_by=0, force=True, actor=WHO)
    kept = installing.retire(workspace, shipped, actor=WHO)
    assert names(folder) == []
    further = [one.digest for one in card.on_request()]
    assert [one.digest for one in installed.known(folder)] == [shipped.digest, *further]
    installing.add(workspace, kept.folder, actor=WHO)
    assert names(folder) == [SHIPPED], "once, though it is here twice"


def test_what_replay_needs_is_removed_by_force_alone(
    workspace: Engine, folder: Path, adults: Path
) -> None:
    found = installing.add(workspace, adults, actor=WHO)
    with pytest.raises(ModelError, match=r"made 2 assessments .*--retire.*--force"):
        installing.remove(workspace, found, named_by=2, actor=WHO)
    assert names(folder) == ["adults", SHIPPED]
    installing.remove(workspace, found, named_by=2, force=True, actor=WHO)
    assert names(folder) == [SHIPPED]


def test_a_model_is_called_by_name_or_digest(workspace: Engine, folder: Path, adults: Path) -> None:
    found = installing.add(workspace, adults, actor=WHO)
    cards = installed.asked(folder)
    assert installing.called(cards, found.digest[:12]) == found
    with pytest.raises(ModelError, match="No model called nobody"):
        installing.called(cards, "nobody")
    with pytest.raises(ModelError, match="2 models are called adults"):
        installing.called([found, found], "adults")


def told(workspace: Engine) -> list[tuple[str, ...]]:
    with workspace.connect() as connection:
        events = list(ledger.events(connection, kind="MODEL"))
    return [(event.actor, event.payload["change"], event.payload["name"]) for event in events]


def test_each_change_is_an_event(workspace: Engine, folder: Path, adults: Path) -> None:
    found = installing.add(workspace, adults, actor=WHO)
    kept = installing.retire(workspace, found, actor="chief")
    installing.remove(workspace, kept, named_by=3, force=True, actor=WHO)
    assert told(workspace) == [
        (WHO, "added", "adults"),
        ("chief", "retired", "adults"),
        (WHO, "removed", "adults"),
    ]
    with workspace.connect() as connection:
        events = list(ledger.events(connection, kind="MODEL"))
    assert {event.payload["digest"] for event in events} == {found.digest}
    assert events[-1].payload["assessments"] == 3
    assert list(installed.root(folder).glob("*[0-9]*")) == []


def test_what_cannot_be_recorded_is_not_done(
    workspace: Engine, folder: Path, adults: Path, children: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = installing.add(workspace, adults, actor=WHO)
    before = installed.stamp(folder)

    def refuse(*_: object, **__: object) -> None:
        raise LedgerError("The ledger does not end where its head says.")

    monkeypatch.setattr(ledger, "append", refuse)
    with pytest.raises(LedgerError):
        installing.add(workspace, children, actor=WHO)
    with pytest.raises(LedgerError):
        installing.retire(workspace, found, actor=WHO)
    with pytest.raises(LedgerError):
        installing.remove(workspace, found, named_by=0, actor=WHO)
    assert installed.stamp(folder) == before
    assert names(folder) == ["adults", SHIPPED]


def test_what_is_not_written_down_in_the_end_is_undone(
    workspace: Engine, folder: Path, adults: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full(engine: Engine) -> Iterator[Connection]:
        with writing(engine) as connection:
            yield connection
            raise StoreError("The disk is full.")

    monkeypatch.setattr(installing, "writing", full)
    with pytest.raises(StoreError):
        installing.add(workspace, adults, actor=WHO)
    assert names(folder) == [SHIPPED]
    assert told(workspace) == []
    assert list(installed.root(folder).iterdir()) == []
