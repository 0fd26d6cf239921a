"""The plan of a reader study: plan.json and plan.csv, for whoever runs it and for no reader."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.errors import ConfigError
from clinical.tables import spreadsheet
from clinical.workspace import own_file
from pipelines.reader_study.allocation import CONDITIONS, Condition, Place

PLAN, PLACES, ARMS = "plan.json", "plan.csv", "sessions"
VERSION = "1.0"
COLUMNS = ("reader", "session", "position", "shown_as", "case_id", "condition", "mistake")


@dataclass(frozen=True)
class Plan:
    """A study as it was set up.

    Attributes:
        diagnosis: whose presence readers are judged by.
        conditions: compared, in the order of the report.
        washout_days: least time between two sessions of a reader.
        seed: of every draw.
        model: name and digest of the model, or "".
        truths: case of the cohort to whether it has the diagnosis.
        mistakes: cases in which the machine was made to err.
        places: who reads what, when and how.
    """

    diagnosis: str
    conditions: tuple[Condition, ...]
    washout_days: int
    seed: int
    model: str
    truths: Mapping[str, bool]
    mistakes: frozenset[str]
    places: tuple[Place, ...]

    @property
    def readers(self) -> tuple[str, ...]:
        """Account names, in the order of the plan."""
        return tuple(dict.fromkeys(place.reader for place in self.places))

    @property
    def digest(self) -> str:
        """SHA-256 of the plan; assessments of the study bear it."""
        return canonical.digest(_written(self))


def session_folder(out: Path, plan: Plan, reader: str, session: int) -> Path:
    """Workspace of one reader in one session; readers are numbered, not named."""
    return out / ARMS / f"reader-{plan.readers.index(reader) + 1}-session-{session}"


def write(out: Path, plan: Plan) -> None:
    """Write both files.

    Raises:
        StoreError: if they cannot be written.
    """
    written = json.dumps(_written(plan), indent=2, ensure_ascii=False) + "\n"
    own_file.write(out / PLAN, written)
    mistakes = plan.mistakes
    rows = (
        (p.reader, p.session, p.position, p.shown_as, p.case_id, p.condition, p.case_id in mistakes)
        for p in plan.places
    )
    own_file.write(out / PLACES, b"".join(spreadsheet.written(COLUMNS, rows)))


def read(out: Path) -> Plan:
    """The plan in a folder.

    Raises:
        ConfigError: if there is none, or it is not one of this version.
    """
    file = out / PLAN
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["version"] != VERSION:
            raise ValueError
        return _read(found)
    except FileNotFoundError:
        raise ConfigError(
            f"{file} is not there.", remedy="set a study up with `triptych reading study plan`"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{file} is not the plan of a reader study.",
            remedy="name the folder that `triptych reading study plan` wrote",
        ) from None


def condition_of(text: str) -> Condition:
    """The condition of this name.

    Raises:
        ConfigError: if there is none.
    """
    for known in CONDITIONS:
        if text == known:
            return known
    raise ConfigError(
        f"{text!r} is no condition of a reader study.",
        remedy=f"choose from {', '.join(CONDITIONS)}",
    )


def _written(plan: Plan) -> dict[str, Any]:
    return asdict(plan) | {"mistakes": sorted(plan.mistakes), "version": VERSION}


def _read(found: Mapping[str, Any]) -> Plan:
    return Plan(
        diagnosis=str(found["diagnosis"]),
        conditions=_conditions(found["conditions"]),
        washout_days=int(found["washout_days"]),
        seed=int(found["seed"]),
        model=str(found["model"]),
        truths={str(case_id): bool(value) for case_id, value in found["truths"].items()},
        mistakes=frozenset(found["mistakes"]),
        places=tuple(Place(**place) for place in found["places"]),
    )


def _conditions(names: Sequence[str]) -> tuple[Condition, ...]:
    return tuple(condition_of(name) for name in names)
