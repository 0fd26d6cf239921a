"""`triptych retrieval`: index a cohort, search it, and measure how well one input finds another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clinical.assess import similar
from clinical.assess.assess import load_assessor
from clinical.assess.similar import ALL, Index, Neighbour
from clinical.case.case import Case, Problem, SkippedCase
from clinical.cohorts.cohort import Source
from clinical.cohorts.sources import source as find_source
from clinical.errors import CohortError
from clinical.workspace import own_file
from pipelines.assessing import results
from pipelines.jobs.progress import bar
from pipelines.retrieval.recall import KS, Recall, first_of_each_patient, recall, recall_table


@dataclass(frozen=True, eq=False)
class Indexed:
    """An index and what became of the cohort's other cases and rows."""

    index: Index
    skipped: tuple[SkippedCase, ...]
    problems: tuple[Problem, ...]


def index_cohort(
    root: Path, source: str, model: Path | None, out: Path, patients: int = 0
) -> Indexed:
    """Locate the cases of a cohort and write the index into `out`, with `skipped.csv` and
    `problems.csv`.

    Args:
        root: of the cohort.
        source: name of its reader.
        model: folder of the checkpoint, or None for the one that ships with the package.
        out: folder for the index.
        patients: only the first N patients, with one case each; 0 = all cases.

    Raises:
        CohortError: if the cohort cannot be read, or none of its cases can be used.
        ModelError: if the model cannot be used or has no shared space.
    """
    reader = find_source(source)
    wanted = _wanted(reader, root, patients)
    trained = load_assessor(model).model
    skipped: list[SkippedCase] = []
    problems: list[Problem] = []
    index = similar.build(trained, _cases(reader, root, wanted, skipped, problems))
    if not index.case_ids:
        raise CohortError(
            "No case of the cohort can be used.", remedy="run `triptych assess` on it"
        )
    similar.save(index, out)
    rows = [{**asdict(s.problem), "case_id": s.case_id} for s in skipped]
    results.write_table(out / "skipped.csv", results.SKIPPED, rows)
    results.write_table(out / "problems.csv", results.PROBLEMS, [asdict(p) for p in problems])
    return Indexed(index, tuple(skipped), tuple(problems))


def _wanted(reader: Source, root: Path, patients: int) -> frozenset[str]:
    entries = reader.index(root)
    if patients:
        chosen = first_of_each_patient([entry.patient_id for entry in entries], patients)
        entries = tuple(entries[position] for position in chosen)
    return frozenset(entry.case_id for entry in entries)


def _cases(
    reader: Source,
    root: Path,
    wanted: frozenset[str],
    skipped: list[SkippedCase],
    problems: list[Problem],
) -> Iterator[Case]:
    with bar() as progress:
        task = progress.add_task("locate", total=len(wanted), note="")
        for reading in reader.read(root, wanted):
            if isinstance(reading, Problem):
                problems.append(reading)
                continue
            if isinstance(reading, SkippedCase):
                skipped.append(reading)
            else:
                problems.extend(reading.problems)
                yield reading
            progress.advance(task)


def search(
    folder: Path, text: str, model: Path | None, among: str, k: int
) -> tuple[Neighbour, ...]:
    """Cases of the index in `folder` that a text describes.

    Raises:
        StoreError, ModelError, ConfigError: as `clinical.assess.similar` says.
    """
    index = similar.load(folder)
    return similar.search(load_assessor(model).model, index, text, k, among=among)


def nearest(folder: Path, case_id: str, query: str, among: str, k: int) -> tuple[Neighbour, ...]:
    """Cases of other patients near a case of the index in `folder`; needs no model.

    Raises:
        StoreError, ConfigError: as `clinical.assess.similar` says.
    """
    index = similar.load(folder)
    vector = index.vector(case_id, query)
    patient = index.patient_ids[index.case_ids.index(case_id)]
    return similar.nearest(index, vector, k, among=among, without_patient=patient)


def measure_recall(
    root: Path, source: str, model: Path | None, out: Path, patients: int, samples: int
) -> tuple[Recall, ...]:
    """Recall of every modality by every other, among one case of each patient.

    Writes the index of these cases, `recall.json` and `recall.md` into `out`.

    Raises:
        CohortError: if the cohort cannot be read, or has fewer than two patients to compare.
        ModelError: if the model cannot be used or has no shared space.
    """
    index = index_cohort(root, source, model, out, patients).index
    chosen = first_of_each_patient(index.patient_ids)
    diagnoses = true_diagnoses(find_source(source), root, index.case_ids)
    pairs = sorted(
        permutations((name for name in index.rows if name != ALL), 2),
        key=lambda pair: ({*pair} != {"image", "notes"}, "image" not in pair),
    )
    found = tuple(
        result
        for query, among in pairs
        if (result := recall(index, chosen, diagnoses, query, among, samples=samples)) is not None
    )
    if not found:
        raise CohortError(
            "No two patients of the cohort have two modalities.", remedy="use a larger cohort"
        )
    record = {"model_digest": index.model_digest, "pairs": [asdict(row) for row in found]}
    own_file.write(out / "recall.json", json.dumps(record, indent=2) + "\n")
    own_file.write(out / "recall.md", recall_table(found))
    return found


def true_diagnoses(
    reader: Source, root: Path, case_ids: Sequence[str]
) -> list[frozenset[str] | None]:
    """The set of true diagnoses of every case; None where one of the cohort's is not known."""
    positive: dict[str, set[str]] = {case_id: set() for case_id in case_ids}
    known: dict[str, set[str]] = {case_id: set() for case_id in case_ids}
    declared: set[str] = set()
    for outcome in reader.outcomes(root):
        declared.add(outcome.diagnosis)
        if outcome.case_id in known and outcome.value is not None:
            known[outcome.case_id].add(outcome.diagnosis)
            if outcome.value:
                positive[outcome.case_id].add(outcome.diagnosis)
    return [
        frozenset(positive[case_id]) if declared and known[case_id] == declared else None
        for case_id in case_ids
    ]


def show_index(console: Console, indexed: Indexed, out: Path) -> None:
    """How many cases each modality has in the index, and how many are missing from it."""
    index = indexed.index
    console.print(f"{len(index.case_ids)} cases located, {len(indexed.skipped)} skipped, in {out}")
    for name, missing in index.missing().items():
        if name != ALL and missing:
            console.print(f"{missing} of them have no {name} and cannot be found by it")


def show_neighbours(console: Console, found: Sequence[Neighbour]) -> None:
    """One line for each: rank, case and similarity."""
    for rank, neighbour in enumerate(found, start=1):
        console.print(f"{rank:>4}  {neighbour.case_id}  {neighbour.similarity:+.3f}")


def show_recall(console: Console, found: Sequence[Recall]) -> None:
    """Recall of each pair beside chance; the intervals are on disk."""
    table = Table(title="share found among the first k (by chance)", title_justify="left")
    for name in ("from -> to", "patients", *(f"own, {k}" for k in KS), "same diagnoses, 10"):
        table.add_column(name, justify="left" if name == "from -> to" else "right", no_wrap=True)
    for row in found:
        cells = [f"{row.exact[k].value:.1%} ({row.exact[k].chance:.1%})" for k in KS]
        alike = row.agreeing.get(KS[-1])
        cells.append(f"{alike.value:.1%} ({alike.chance:.1%})" if alike else "-")
        table.add_row(f"{row.query} -> {row.among}", str(row.patients), *cells)
    console.print(table)
