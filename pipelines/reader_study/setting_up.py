"""Set a reader study up: choose cases, assess them once, and lay a workspace for every session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from clinical.assess.assess import load_assessor
from clinical.audit import heads
from clinical.case.assessment import Assessment, Suggestion
from clinical.case.case import Case
from clinical.cohorts.cohort import CaseEntry, Source
from clinical.cohorts.sources import source
from clinical.errors import ConfigError, StoreError
from clinical.review import intake
from clinical.workspace.database import opened, writing
from pipelines.jobs.progress import bar
from pipelines.reader_study import altered
from pipelines.reader_study.allocation import Condition, allocate
from pipelines.reader_study.plan import ARMS, PLAN, Plan, session_folder, write

ACTOR = "reader study"


@dataclass(frozen=True)
class Wanted:
    """What is to be set up.

    Attributes:
        cohort, source: folder of the cohort and name of its reader.
        model: folder of a checkpoint; None: the one that ships.
        out: folder of the study.
        readers: account names.
        diagnosis: whose presence readers are judged by.
        conditions: compared.
        cases: how many, of as many patients; 0: all that can be used.
        mistakes: share of the cases in which the machine is made to err.
        washout_days: least time between two sessions of a reader.
        seed: of every draw.
    """

    cohort: Path
    source: str
    model: Path | None
    out: Path
    readers: tuple[str, ...]
    diagnosis: str
    conditions: tuple[Condition, ...]
    cases: int = 0
    mistakes: float = 0.0
    washout_days: int = 28
    seed: int = 1


def set_up(wanted: Wanted) -> Plan:
    """Lay the study; nothing is there if it is broken off.

    Raises:
        ConfigError: if the folder holds a study, or readers, cases, conditions or mistakes do not
            make one.
        CohortError: if the cohort cannot be read.
        ModelError: if the checkpoint cannot be used.
    """
    if (wanted.out / PLAN).exists() or (wanted.out / ARMS).exists():
        raise ConfigError(
            f"{wanted.out} holds a reader study already.", remedy="choose another --out"
        )
    reader = source(wanted.source)
    truths = _chosen(reader, wanted)
    cases, assessments, model = _assessed(reader, wanted, truths)
    truths = {case_id: truths[case_id] for case_id in cases}
    errors = altered.chosen_to_err(
        assessments, truths, wanted.diagnosis, wanted.mistakes, wanted.seed
    )
    strata = {case_id: (has, case_id in errors) for case_id, has in truths.items()}
    plan = Plan(
        wanted.diagnosis,
        wanted.conditions,
        wanted.washout_days,
        wanted.seed,
        model,
        truths,
        frozenset(errors),
        tuple(allocate(wanted.readers, strata, wanted.conditions, wanted.seed)),
    )
    with _whole(wanted.out) as part:
        _lay(part, plan, cases, assessments, errors)
        write(part, plan)
    return plan


def _chosen(reader: Source, wanted: Wanted) -> dict[str, bool]:
    """Cases with a known outcome, one of each patient, with and without as evenly as there are."""
    known: dict[str, bool] = {
        outcome.case_id: outcome.value
        for outcome in reader.outcomes(wanted.cohort)
        if outcome.diagnosis == wanted.diagnosis and outcome.value is not None
    }
    if not known:
        names = sorted({outcome.diagnosis for outcome in reader.outcomes(wanted.cohort)})
        raise ConfigError(
            f"The cohort has no known outcome of {wanted.diagnosis!r}.",
            remedy=f"choose from {', '.join(names)}" if names else "bring outcomes",
        )
    generator = np.random.default_rng(wanted.seed)
    single = _one_each(reader.index(wanted.cohort), known, generator)
    kinds = {kind: [c for c in single if known[c] == kind] for kind in (True, False)}
    count = wanted.cases or len(single)
    if count > len(single):
        raise ConfigError(
            f"{count} cases are wanted, and {len(single)} patients have a known outcome of"
            f" {wanted.diagnosis}.",
            remedy="ask for fewer --cases",
        )
    with_it = min(len(kinds[True]), max(count // 2, count - len(kinds[False])))
    drawn = [
        *generator.permutation(kinds[True])[:with_it].tolist(),
        *generator.permutation(kinds[False])[: count - with_it].tolist(),
    ]
    return {case_id: known[case_id] for case_id in sorted(drawn)}


def _one_each(
    entries: Sequence[CaseEntry], known: Mapping[str, bool], generator: np.random.Generator
) -> list[str]:
    """One case of every patient, drawn: cases of one patient are not independent."""
    by_patient: dict[str, list[str]] = {}
    for entry in entries:
        if entry.case_id in known:
            by_patient.setdefault(entry.patient_id, []).append(entry.case_id)
    return [str(generator.choice(sorted(own))) for _, own in sorted(by_patient.items())]


def _assessed(
    reader: Source, wanted: Wanted, truths: Mapping[str, bool]
) -> tuple[dict[str, Case], dict[str, Assessment], str]:
    """Cases that can be read, what the model makes of each, and which model it is.

    Raises:
        ConfigError: if the model knows no such diagnosis.
    """
    cases: dict[str, Case] = {}
    assessments: dict[str, Assessment] = {}
    assessor = load_assessor(wanted.model)
    identity = assessor.model.identity
    with bar() as progress:
        task = progress.add_task("assess", total=len(truths), note="")
        for found in reader.read(wanted.cohort, frozenset(truths)):
            if isinstance(found, Case):
                cases[found.case_id] = found
                assessments[found.case_id] = assessor.assess(found)
                progress.advance(task)
    if not any(
        s.diagnosis == wanted.diagnosis for a in assessments.values() for s in a.suggestions
    ):
        raise ConfigError(
            f"The model {identity.name} says nothing of {wanted.diagnosis}.",
            remedy="choose one of the diagnoses on its card, or another --model",
        )
    return cases, assessments, f"{identity.name} {identity.digest}"


def _lay(
    out: Path,
    plan: Plan,
    cases: Mapping[str, Case],
    assessments: Mapping[str, Assessment],
    errors: Mapping[str, Suggestion],
) -> None:
    """A workspace for every session of every reader, its cases in order."""
    arms = dict.fromkeys((place.reader, place.session) for place in plan.places)
    with bar() as progress:
        task = progress.add_task("lay out", total=len(arms), note="")
        for reader, session in arms:
            folder = session_folder(out, plan, reader, session)
            own = [p for p in plan.places if (p.reader, p.session) == (reader, session)]
            with opened(folder, create=True) as engine:
                for place in own:
                    case = replace(cases[place.case_id], case_id=place.shown_as)
                    with writing(engine) as connection:
                        seen = altered.shown(
                            assessments[place.case_id],
                            place.condition,
                            place.shown_as,
                            plan.digest,
                            errors.get(place.case_id),
                        )
                        intake.record_assessment(connection, case, seen, ACTOR)
                heads.seal(engine)
            progress.advance(task)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place at the end, or is gone.

    Raises:
        StoreError: if it cannot be written.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        if part.exists():
            shutil.rmtree(part)  # of a study that was broken off
        part.mkdir(parents=True, mode=0o700)
        yield part
        if out.exists():
            out.rmdir()  # empty, or it would hold a study
        part.replace(out)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror}.",
            remedy="choose a new or an empty folder for --out, on a disk with room",
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
