"""Forgeries by somebody without the key: which are found with what, as docs/ledger.md says."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import exchange_forgeries  # noqa: F401  (adds to FORGERIES)
import later_forgeries  # noqa: F401  (as well)
import pytest
from argon2 import PasswordHasher
from forger import Forger
from forgeries import FORGERIES, Forgery
from honest_record import Kept, honest_record

from clinical.access import accounts
from clinical.audit.verify import NO_KEY, Verdict, verify
from clinical.workspace.database import open_workspace
from pipelines.commands import verification

DOCS = Path(__file__).parents[3] / "docs" / "ledger.md"
COLUMNS = ("no key", "with key", "with key and kept head", "with key and witness")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, example: Any) -> Kept:
    return honest_record(tmp_path_factory.mktemp("honest"), example)


def verdicts(folder: Path, record: Kept) -> list[Verdict]:
    """With what an auditor may have, one column of the table after the other."""
    seen = verification.witnessed(record.witness)
    wanted: Sequence[dict[str, Any]] = (
        {"key": NO_KEY},
        {"key": record.key},
        {"key": record.key, "known": record.kept},
        {"key": record.key, "witnessed": seen},
    )
    engine = open_workspace(folder)
    with engine.connect() as connection:
        found = [verify(connection, pixels=True, **how) for how in wanted]
    engine.dispose()
    return found


def caught(forge: Forgery, record: Kept, folder: Path, seed: int) -> tuple[bool, ...]:
    forger = Forger(record, folder, random.Random(seed))
    forge(forger)
    return tuple(not verdict.intact for verdict in verdicts(forger.folder, record))


def documented() -> dict[str, tuple[bool, ...]]:
    """The rows of the table in docs/ledger.md: what is not found with what."""
    text = DOCS.read_text(encoding="utf-8").partition("| what was forged | no key |")[2]
    rows = (line.strip("|").split("|") for line in text.split("\n\n")[0].splitlines()[2:])
    return {name.strip(): tuple(cell.strip() == "found" for cell in cells) for name, *cells in rows}


def expected(forge: Forgery) -> tuple[bool, ...]:
    assert forge.__doc__
    return documented().get(forge.__doc__, (True,) * len(COLUMNS))


def test_an_honest_record_is_called_intact_with_everything(honest: Kept) -> None:
    found = verdicts(honest.folder, honest)
    assert [verdict.reason for verdict in found if not verdict.intact] == []
    assert found[0].signed == honest.size - 2, "two events are in the last minute"


def test_there_are_many_kinds_and_each_is_another() -> None:
    assert len(FORGERIES) >= 60
    assert len({forge.__doc__ for forge in FORGERIES}) == len(FORGERIES)
    assert documented().keys() <= {forge.__doc__ for forge in FORGERIES}


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forgery_is_found_with_what_the_page_says(
    honest: Kept, tmp_path: Path, forge: Forgery
) -> None:
    assert caught(forge, honest, tmp_path / "forged", seed=1) == expected(forge)


@pytest.mark.slow
def test_the_table_of_forgeries(honest: Kept, tmp_path: Path) -> None:
    found = {forge: caught(forge, honest, tmp_path / forge.__name__, 1) for forge in FORGERIES}
    for forge, row in found.items():
        print("  ".join("found" if cell else "  -  " for cell in row), f"  {forge.__doc__}")
    for column, name in enumerate(COLUMNS):
        print(f"{sum(row[column] for row in found.values()):4d} of {len(found)} found {name}")
    assert all(row == expected(forge) for forge, row in found.items())


@pytest.mark.slow
def test_no_false_alarm_on_two_hundred_honest_records(
    tmp_path: Path, example: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: cheap)
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        record = honest_record(folder, example)
        assert [v.reason for v in verdicts(record.folder, record) if not v.intact] == []
        shutil.rmtree(folder)
    print("  200 honest records called intact, with each of the four")
