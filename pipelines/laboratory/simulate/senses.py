"""Further senses of the simulated clinic: what a case may have beside film, chart, history, note.

A sense is one folder beside this file with a module `sense` that has a `SENSE`; what the oracle
makes of it is the module of the same name in `pipelines.laboratory.oracle`. It is drawn from what
is already known of the visit, with random numbers of its own, so a cohort without it is the same to
the byte, and so is everything else of a cohort with it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import pipelines.laboratory.simulate
from clinical.config import nearest
from clinical.errors import ConfigError
from pipelines.laboratory.simulate.laboratory import Physiology
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.person import Person


@dataclass(frozen=True)
class Visit:
    """What a sense is drawn from.

    Attributes:
        physiology: the person, what is wrong, and the latents.
        offsets: analyte to the offset of the patient at this visit, a standard normal; what is
            measured anew agrees with the chart by it.
        site: name of the hospital.
        table: priors and likelihoods of all else.
        complete: nothing shall be missing.
    """

    physiology: Physiology
    offsets: Mapping[str, float]
    site: str
    table: Likelihoods
    complete: bool


@dataclass(frozen=True)
class Owner:
    """Whose recording is written, for its header: a case of the clinic."""

    case_id: str
    patient_id: str
    person: Person
    site: str
    decision_time: datetime


Draw = Callable[[Visit, np.random.Generator, np.random.Generator], Any]
"""Visit, random numbers of the visit and of the patient's body to what the sense shows, or None
where it was not recorded."""

Write = Callable[[Path, Any, Owner, np.random.Generator], datetime]
"""Write to this path (without its ending) what was drawn, of this owner, with these random numbers
for the signal; gives the time of the recording. The same arguments give the same bytes."""


@dataclass(frozen=True)
class Sense:
    """One further sense.

    Attributes:
        name: of its folder, of its part of the oracle, and of the evidence it is.
        table: stem of its table in the folder format, and of the folder of its files; the columns
            are case_id, path, time and role.
        ending: of a file, with the dot.
        draw: see `Draw`.
        write: see `Write`.
        check: raises ConfigError where its likelihoods do not fit those of the clinic.
        digest: of its likelihoods, SHA-256.
    """

    name: str
    table: str
    ending: str
    draw: Draw
    write: Write
    check: Callable[[Likelihoods], None]
    digest: Callable[[], str]


COLUMNS = ("case_id", "path", "time", "role")
"""Of the table of every sense; role is empty, or prior for a recording of an earlier visit."""


@cache
def senses() -> Mapping[str, Sense]:
    """Name to sense, by name."""
    found = [
        importlib.import_module(f"{pipelines.laboratory.simulate.__name__}.{info.name}.sense").SENSE
        for info in pkgutil.iter_modules(pipelines.laboratory.simulate.__path__)
        if info.ispkg
    ]
    return {sense.name: sense for sense in sorted(found, key=lambda sense: sense.name)}


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The names, sorted, each once.

    Raises:
        ConfigError: if the clinic has no such sense.
    """
    known = senses()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"The simulated clinic has no {name!r} to add.",
                remedy=nearest(name, known) if known else "leave it out",
            )
    return tuple(sorted(set(names)))
