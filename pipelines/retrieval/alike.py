"""How well cases find cases of the same diagnoses: by the model's output, and by its shared space.

One case of each unseen patient is a query, the cases of all other patients are the candidates.
Counted is how many of the first five have the same set of true diagnoses, on average; of patients
whose set no other patient has, nothing is asked. The interval is that of a bootstrap over the
patients who are asked about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from clinical.assess import alike, similar
from clinical.assess.alike import BESIDE, Measured, Profile
from clinical.assess.assess import Assessor, load_assessor
from clinical.assess.similar import ALL
from clinical.case.case import Case
from clinical.cohorts.sources import source as find_source
from clinical.errors import CohortError
from clinical.model.model import prepare_case
from pipelines.jobs.progress import bar
from pipelines.retrieval.index import true_diagnoses
from pipelines.retrieval.recall import Share, first_of_each_patient
from pipelines.statistics.metrics import bootstrap_weights, weighted_sums

FIRST = 5
Similarities = NDArray[np.float64]
"""[cases, cases], higher is nearer; minus infinity where two cannot be compared."""


def measure_alike(
    root: Path, source: str, model: Path | None, out: Path, patients: int, samples: int
) -> Measured:
    """Measure both ways on one case of each patient and write `BESIDE` into `out`.

    Args:
        root, source: of a cohort of patients that the model was not trained on.
        model: folder of the checkpoint, or None for the one that ships with the package.
        out: folder for the result.
        patients: only the first N patients; 0 = all.
        samples: of the bootstrap.

    Raises:
        CohortError: if the cohort cannot be read, or no two patients have the same diagnoses.
        ModelError: if the model cannot be used.
    """
    reader = find_source(source)
    entries = reader.index(root)
    chosen = first_of_each_patient([entry.patient_id for entry in entries], patients)
    wanted = frozenset(entries[position].case_id for position in chosen)
    assessor = load_assessor(model)
    profiles: dict[str, Profile] = {}
    vectors: dict[str, similar.Vector] = {}
    with bar() as progress:
        task = progress.add_task("assess", total=len(wanted), note="")
        for case in reader.read(root, wanted):
            if isinstance(case, Case):
                profiles[case.case_id] = profile(assessor, case)
                vectors |= _located(assessor, case)
                progress.advance(task)
    ids = sorted(name for name, found in profiles.items() if found)
    diagnoses = true_diagnoses(reader, root, ids)
    share, asked = agreement(by_profile(profiles, ids), diagnoses, samples=samples)
    space = None
    if vectors:
        space = agreement(by_vector(vectors, ids), diagnoses, samples=samples)[0].value
    found = Measured(
        asked,
        reader.describe(root).name,
        FIRST,
        FIRST * share.value,
        FIRST * share.low,
        FIRST * share.high,
        FIRST * share.chance,
        None if space is None else FIRST * space,
    )
    out.mkdir(parents=True, exist_ok=True)
    record = {"model_digest": assessor.model.identity.digest, "measured": asdict(found)}
    (out / BESIDE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return found


def profile(assessor: Assessor, case: Case) -> Profile:
    """What the model shows of a case: diagnosis to probability, without what is withheld."""
    scores = assessor.score(prepare_case(case, assessor.model.specs))
    return {s.diagnosis: s.probability for s in scores.suggestions if s.withheld_because is None}


def _located(assessor: Assessor, case: Case) -> dict[str, similar.Vector]:
    if assessor.model.network.space is None:
        return {}
    found = similar.embed(assessor.model, case)
    return {case.case_id: found[ALL]} if found else {}


def by_profile(profiles: Mapping[str, Profile], ids: Sequence[str]) -> Similarities:
    """Minus the distance of every two cases."""
    place = {name: number for number, name in enumerate(ids)}
    others = {name: profiles[name] for name in ids}
    made = np.full((len(ids), len(ids)), -np.inf)
    for row, name in enumerate(ids):
        for found in alike.nearest(profiles[name], others):
            made[row, place[found.case_id]] = -found.distance
    return made


def by_vector(vectors: Mapping[str, similar.Vector], ids: Sequence[str]) -> Similarities:
    """Cosine of every two cases; a case without a vector is like no other."""
    size = len(next(iter(vectors.values())))
    rows = np.stack([vectors.get(name, np.full(size, np.nan, np.float32)) for name in ids])
    cosines = rows.astype(np.float64) @ rows.T.astype(np.float64)
    return np.where(np.isnan(cosines), -np.inf, cosines)


def agreement(
    similarities: Similarities,
    diagnoses: Sequence[frozenset[str] | None],
    *,
    first: int = FIRST,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[Share, int]:
    """Share of the `first` nearest cases of another patient with the same true diagnoses.

    Args:
        similarities: of one case of each patient.
        diagnoses: of each case; None where they are not all known.
        first: so many are looked at.
        samples, seed: of the bootstrap.

    Returns:
        The share, and how many patients were asked about.

    Raises:
        CohortError: if no two patients have the same diagnoses.
    """
    number = len(diagnoses)
    same = np.array([[a is not None and a == b for b in diagnoses] for a in diagnoses], dtype=bool)
    same = same.reshape(number, number) & ~np.eye(number, dtype=bool)
    asked = same.any(axis=1)
    if not asked.any():
        raise CohortError(
            "No two patients of the cohort have the same diagnoses.", remedy="use a larger cohort"
        )
    apart = np.where(np.eye(number, dtype=bool), -np.inf, similarities)
    nearest = np.argsort(-apart, axis=1, kind="stable")[:, : min(first, number - 1)]
    hits = np.take_along_axis(same, nearest, axis=1).mean(axis=1)[asked]
    weights = bootstrap_weights([str(n) for n in np.flatnonzero(asked)], samples, seed)
    drawn = weights.sum(axis=1)
    means = weighted_sums(weights, hits)[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    chance = float((same.sum(axis=1)[asked] / (number - 1)).mean())
    return Share(float(hits.mean()), float(low), float(high), chance), int(asked.sum())


def show_alike(console: Console, found: Measured) -> None:
    """The figures in two lines."""
    console.print(
        f"{found.share:.2f} of the first {found.first} cases have the same true diagnoses"
        f" [{found.low:.2f}, {found.high:.2f}]; by chance {found.chance:.2f}"
        f" ({found.patients} patients)"
    )
    if found.space is not None:
        console.print(f"by the shared space {found.space:.2f}")
