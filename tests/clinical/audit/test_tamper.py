"""Random edits of honest ledgers: each is found and its place named; nothing else is."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from forger import EDITS, Forger, honest, verdict_on

from clinical.audit import heads
from clinical.errors import LedgerError

SEED = 20261124
LARGEST = 20  # events between two stops of a small ledger; a large one passes 256 unsigned events


def try_edits(folder: Path, edits: int, ledgers: int, largest: tuple[int, ...]) -> Counter[str]:
    """Edit copies of some ledgers; returns how many of each edit were found."""
    rng = random.Random(SEED)
    originals = []
    for number in range(ledgers):
        place = folder / f"honest-{number}"
        place.mkdir()
        originals.append(honest(place, rng, largest[number % len(largest)]))
    found: Counter[str] = Counter()
    for number in range(edits):
        edit = EDITS[number % len(EDITS)]
        forger = Forger(rng.choice(originals), folder / f"edit-{number}", rng)
        place = edit(forger)
        kept = forger.ledger.kept if place.needs_head else None
        verdict = verdict_on(forger.folder, kept)
        what = f"edit {number}, {edit.__name__}: {verdict}, expected {place}"
        assert not verdict.intact, what
        assert verdict.first_broken is not None, what
        assert place.first <= verdict.first_broken <= place.last, what
        found[edit.__name__] += 1
    return found


def check_untouched(folder: Path, count: int, largest: int) -> None:
    rng = random.Random(SEED + 1)
    for number in range(count):
        place = folder / f"untouched-{number}"
        place.mkdir()
        ledger = honest(place, rng, rng.randint(1, largest))
        for kept in (None, ledger.kept):
            verdict = verdict_on(ledger.folder, kept)
            assert verdict.intact, (number, verdict)
            assert verdict.events == verdict.signed == ledger.size


def test_every_kind_of_edit_is_found_where_it_was_made(tmp_path: Path) -> None:
    found = try_edits(tmp_path, edits=2 * len(EDITS), ledgers=4, largest=(LARGEST,))
    assert set(found.values()) == {2}


def test_no_false_alarm_on_a_few_untouched_ledgers(tmp_path: Path) -> None:
    check_untouched(tmp_path, count=6, largest=LARGEST)


def test_a_kept_head_that_was_spoilt_is_not_blamed_on_the_ledger(tmp_path: Path) -> None:
    ledger = honest(tmp_path, random.Random(SEED), LARGEST)
    spoilt = {**heads.as_json(ledger.kept), "root": "ab" * 32}
    with pytest.raises(LedgerError, match="changed after it was signed"):
        heads.from_json(spoilt)


@pytest.mark.slow
def test_a_thousand_edits_are_found_where_they_were_made(tmp_path: Path) -> None:
    found = try_edits(tmp_path, edits=1000, ledgers=24, largest=(LARGEST, LARGEST, 400))
    assert found.total() == 1000
    for name, count in found.items():
        print(f"{count:5d} found  {name}")


@pytest.mark.slow
def test_no_false_alarm_on_two_hundred_untouched_ledgers(tmp_path: Path) -> None:
    check_untouched(tmp_path, count=200, largest=300)
    print("  200 untouched ledgers intact")
