"""Does a backbone that films of some sources have taught further carry better to another source?

For each source left out the product's own reader is judged with the networks as they ship and with
their last layers, or all, fine-tuned on films of the other sources. As in `triptych train`, half of
the patients teach the backbone and the other half the reader; so the reader with the networks as
they ship is judged as taught by all patients and as taught by that half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.cohorts import folder
from clinical.config import CPU, WEIGHTS, WEIGHTS_DIGEST
from clinical.errors import ConfigError
from clinical.fine_tuning import FineTuningConfig
from clinical.modalities.radiograph.backbones import OWN
from clinical.modalities.radiograph.encoder import ALL, LAST
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import carried
from pipelines.fine_tuning.films import keeper, lessons_of
from pipelines.fine_tuning.fine_tuned import CHOOSING, FILMS, carry_out
from pipelines.fine_tuning.learning import Task
from pipelines.fine_tuning.processes import Processes
from pipelines.jobs.progress import console, track
from pipelines.laboratory.real_films import judge, own_reader
from pipelines.laboratory.real_films.gather import TEST
from pipelines.laboratory.real_films.judge import SEED, Films, Result, left_out, read_films
from pipelines.training.dataset import Dataset, blank_spec, cache_images

WHOLE_FILM = ""
CONFIG = FineTuningConfig(epochs=6, batch_size=16)

FROZEN_ALL, FROZEN_HALF = "as they ship, all patients", "as they ship, half of the patients"
NAMES = {LAST: "last third fine-tuned", ALL: "all layers fine-tuned"}

_JSON, _TABLE = "fine-tuned.json", "fine-tuned.md"


@dataclass(frozen=True, eq=False)
class Halves:
    """Of every film there is, whether its patient teaches.

    Attributes:
        backbone: the backbone, or its epoch.
        choosing: its epoch alone.
        reader: the reader.
    """

    backbone: NDArray[np.bool_]
    choosing: NDArray[np.bool_]
    reader: NDArray[np.bool_]


def judge_fine_tuned(
    cohort: Path,
    out: Path,
    sources: Sequence[str],
    *,
    config: FineTuningConfig = CONFIG,
    samples: int = 1000,
) -> list[Result]:
    """Judge each way on each source, and write fine-tuned.json and fine-tuned.md into `out`.

    Args:
        cohort: that `gather` has written.
        out: folder; what is encoded and learnt is kept there, so that a stopped run resumes.
        sources: to leave out, each in turn.
        config: how a backbone is taught.
        samples: of the bootstrap.

    Raises:
        ConfigError: if the cohort has no films of a source.
    """
    films = read_films(cohort, out / "cache", (WHOLE_FILM,), measure=False)
    known = dict.fromkeys(films.sources)
    for source in sources:
        if source not in known:
            raise ConfigError(
                f"There are no films of {source!r}.", remedy=f"choose from: {', '.join(known)}"
            )
    kept = _kept_films(cohort, out / FILMS)
    results: list[Result] = []
    for source in sources:
        for row in _rows(films, kept, cohort, out, source, config, samples):
            results.append(row)
            data = [asdict(one) for one in results]
            (out / _JSON).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
            (out / _TABLE).write_text(judge.table(results), encoding="utf-8")
    return results


def _rows(
    films: Films,
    kept: Mapping[str, tuple[str, ...]],
    cohort: Path,
    out: Path,
    source: str,
    config: FineTuningConfig,
    samples: int,
) -> Iterator[Result]:
    reader = own_reader.own(WHOLE_FILM)
    halves = halves_of(films, source)
    yield from left_out(films, FROZEN_ALL, reader, source, samples)
    half = only(films, halves.reader)
    yield from left_out(half, FROZEN_HALF, reader, source, samples)
    for which, name in NAMES.items():
        file = out / f"{which}-without-{source}.safetensors"
        task = _task(films, halves, kept, which, config)
        facts = {"patients": len(set(only(films, halves.backbone).patients)), "without": source}
        settings = blank_spec(IMAGE, "radiograph", judge.study_of(WHOLE_FILM)).settings
        console.print(f"{name}, without {source}: {len(task.lessons.files)} films an epoch")
        carry_out(task, settings, file, facts, Processes(), _told)
        dataset = _encoded(films, cohort, file)
        # What a reader says is kept by the films that taught it, and not by how they were encoded.
        tuned = replace(half, encoded={WHOLE_FILM: dataset}, cache=None)
        yield from left_out(tuned, name, reader, source, samples)


def _told(epoch: int, loss: float, held_out_loss: float) -> None:
    console.print(f"epoch {epoch}: loss {loss:.4f}, held out {held_out_loss:.4f}")


def halves_of(films: Films, source: str) -> Halves:
    """Who teaches what where a source is left out."""
    lessons = films.where([one != source for one in films.sources])
    used = set(lessons.where(films.may_teach & films.known).chosen.tolist())
    patients = np.array(films.any_dataset.patients)
    people = sorted({str(patients[film]) for film in used})
    order = np.random.default_rng([SEED, 2]).permutation(len(people))
    first = [people[n] for n in order[: len(people) // 2]]
    choosing = first[: round(CHOOSING * len(first))]
    teach = np.isin(np.arange(len(patients)), sorted(used))
    of_first = np.isin(patients, first)
    return Halves(teach & of_first, teach & np.isin(patients, choosing), teach & ~of_first)


def only(films: Films, keep: NDArray[np.bool_]) -> Films:
    """The same films, of which none but these may teach."""
    pairs = zip(films.splits, keep, strict=True)
    return replace(films, splits=tuple(split if one else TEST for split, one in pairs))


def _task(
    films: Films,
    halves: Halves,
    kept: Mapping[str, tuple[str, ...]],
    which: str,
    config: FineTuningConfig,
) -> Task:
    lessons = films.where(halves.backbone)
    learn = own_reader.repeated(lessons, ~halves.choosing[lessons.chosen])
    held = own_reader.repeated(lessons, halves.choosing[lessons.chosen])
    names = [cached.case.case_id for cached in films.any_dataset.cases]
    labels = films.any_dataset.labels
    return Task(
        which,
        config,
        SEED,
        lessons_of(learn, names, labels, kept),
        lessons_of(held, names, labels, kept),
        torch.device(CPU),
    )


def _kept_films(cohort: Path, out: Path) -> dict[str, tuple[str, ...]]:
    """Case to the files of its films, as the networks see them."""
    files: dict[str, tuple[str, ...]] = {}
    keep = keeper(blank_spec(IMAGE, "radiograph", judge.study_of(WHOLE_FILM)).settings, out, files)
    for reading in track(folder.read(cohort), "keep films", len(folder.index(cohort))):
        if isinstance(reading, Case):
            keep(reading)
    return files


def _encoded(films: Films, cohort: Path, file: Path) -> Dataset:
    """The same films as a fine-tuned backbone sees them."""
    study = judge.study_of(WHOLE_FILM)
    own = {
        **study.model.encoders["radiograph"],
        "backbone": OWN.name,
        WEIGHTS: str(file),
        WEIGHTS_DIGEST: carried.digest_of((file,)),
    }
    study = replace(study, model=replace(study.model, encoders={"radiograph": own}))
    cases = [
        cache_images(reading, study, None, 0)
        for reading in track(folder.read(cohort), "encode", len(films.sources))
        if isinstance(reading, Case)
    ]
    return replace(films.any_dataset, cases=tuple(cases))
