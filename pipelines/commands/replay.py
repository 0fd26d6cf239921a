"""`triptych audit replay`: recompute recorded suggestions with the models available."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine

from clinical.assess.assess import Assessor, load_assessor
from clinical.audit import ledger
from clinical.audit import replay as replays
from clinical.audit.replay import Machine, Replayed
from clinical.audit.verify import Verdict, verify
from clinical.model import installed
from clinical.workspace.database import folder_of
from pipelines.jobs.progress import track

_PLACES = 3  # how many of the places that differ are listed on the screen


@dataclass(frozen=True)
class Replay:
    """What a replay gave.

    Attributes:
        verdict: of the ledger; a broken one vouches for nothing, whatever the replay says.
        found: one for each event.
    """

    verdict: Verdict
    found: tuple[Replayed, ...]


def replay(engine: Engine, event: int | None, models: Iterable[Path]) -> Replay:
    """Verify the ledger, then replay one ASSESSED event, or all of them.

    Args:
        engine: the workspace.
        event: its number, or None for all.
        models: folders of checkpoints beside those that are here, retired ones among them.

    Raises:
        ModelError: if a checkpoint cannot be loaded.
        LedgerError: if there is no ASSESSED event with this number.
    """
    with engine.connect() as connection:
        here = [one.folder for one in installed.known(folder_of(connection))]
    ready = machines(load_assessor(folder) for folder in (*here, *models))
    with engine.connect() as connection:
        verdict = verify(connection)
        if event is None:
            wanted = list(ledger.events(connection, kind="ASSESSED"))
        else:
            wanted = [replays.assessed(connection, event)]
        found = [
            replays.replay(connection, one, ready) for one in track(wanted, "replay", len(wanted))
        ]
    return Replay(verdict, tuple(found))


def machines(assessors: Iterable[Assessor]) -> dict[str, Machine]:
    """Assessors by the digest of their model."""
    ready = [Machine(a.model.identity.digest, a.conditions, a.assess) for a in assessors]
    return {machine.digest: machine for machine in ready}


def show(screen: Console, replay: Replay) -> bool:
    """Print what was found; whether all is well: the ledger whole, and nothing but identical.

    What was purged counts as well: nobody can replay it, and the ledger says why.
    """
    if not replay.verdict.intact:
        screen.print(f"BROKEN{replay.verdict.where}: {replay.verdict.reason}")
    for one in replay.found:
        if len(replay.found) == 1 or one.result != "identical":
            screen.print(line(one))
    for phrase, count in Counter(p for one in replay.found for p in one.conditions).items():
        screen.print(f"changed since, for {count} events: {phrase}")
    counts = Counter(one.result for one in replay.found)
    told = ", ".join(f"{number} {result}" for result, number in counts.items())
    screen.print(f"{len(replay.found)} replayed: {told or 'none'}")
    return replay.verdict.intact and not counts["different"] and not counts["impossible"]


def line(one: Replayed) -> str:
    """One result as a sentence."""
    said = f"event {one.event}, case {one.case_id}: {one.result}"
    if one.result == "different":
        said += f" in {len(one.differs)} places{_listed(one.differs)}"
        if one.largest is not None:
            said += f"; largest difference of a probability {one.largest:.3g}"
    return said + (f"; {one.why}" if one.why else "")


def _listed(places: Sequence[str]) -> str:
    if not places:
        return ""
    # Suggestions first: what a person was told comes before how it was explained.
    first = sorted(places, key=lambda at: (not at.startswith("suggestions"), at))[:_PLACES]
    return f" ({', '.join(first)}{', ...' if len(places) > _PLACES else ''})"
