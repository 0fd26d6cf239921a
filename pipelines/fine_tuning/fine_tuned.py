"""From a study that asks for a fine-tuned backbone to the same study with the file of its weights.

Of the patients to learn from, one part teaches the backbone and the others teach the readers: a
reader that learnt from features which have seen the outcome would trust films too much. Patients
who taught the backbone teach the readers by all but their films.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from clinical import canonical
from clinical.cohorts.cohort import Source
from clinical.config import CPU, WEIGHTS, WEIGHTS_DIGEST, StudyConfig
from clinical.errors import CohortError
from clinical.modalities import devices
from clinical.modalities.radiograph import backbone_file
from clinical.modalities.radiograph import encoder as radiograph
from clinical.modalities.radiograph.backbones import OWN, Recipe, network_of
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import carried
from clinical.model.model import settings_json
from pipelines.fine_tuning.films import Lessons, keeper, lessons_of
from pipelines.fine_tuning.learning import Pupil, Report, Task, teach
from pipelines.fine_tuning.processes import Processes
from pipelines.folds.splits import Indices, hold_out
from pipelines.jobs import resume
from pipelines.training.dataset import Dataset, blank_spec, read_dataset

MODALITY = "radiograph"
FILE = "fine-tuned.safetensors"
FILMS = "films"
UNFINISHED = "unfinished-backbone"

CHOOSING = 0.2
"""Share of the patients who teach a backbone that only choose its epoch."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Who teaches a backbone; the first process tells it to all.

    Attributes:
        lessons, held: films to learn from, and to choose the epoch by.
        patients: of all these films.
        digest: of the cases they are of.
    """

    lessons: Lessons
    held: Lessons
    patients: frozenset[str]
    digest: str


def layers_asked(study: StudyConfig) -> str:
    """Which layers of the backbone of films a study wants to be taught further.

    Raises:
        ConfigError: if there are none of that name.
    """
    asked = study.model.encoders.get(MODALITY, {}).get("fine_tune", radiograph.OFF)
    return radiograph.Settings(fine_tune=asked).fine_tune


def fine_tuned(
    study: StudyConfig,
    source: Source,
    out: Path,
    together: Processes,
    *,
    readers: int = 0,
    report: Report | None = None,
) -> tuple[StudyConfig, frozenset[str]]:
    """Teach the backbone of a study, and write it into `out`.

    Args:
        study: that asks for it.
        source: reader of its cohort.
        out: folder that all processes see; films are kept in it, and what is unfinished.
        together: who teaches.
        readers: further processes that read films; 0: none.
        report: called after each epoch.

    Returns:
        The study with the file of weights, which asks no more, and the patients who taught it.

    Raises:
        ConfigError: if a batch is too small for so many processes.
        CohortError: if there are too few patients with films to learn from.
    """
    plain = _with_settings(study, {"fine_tune": radiograph.OFF})
    settings: radiograph.Settings = blank_spec(IMAGE, MODALITY, plain).settings
    plan = together.told(_plan(plain, source, settings, out) if together.first else None)
    task = Task(
        layers_asked(study),
        study.training.fine_tuning,
        study.seed,
        plan.lessons,
        plan.held,
        devices.chosen(study.training.device),
        readers,
    )
    facts = {"patients": len(plan.patients), "cases_sha256": plan.digest}
    carry_out(task, settings, out / FILE, facts, together, report)
    found = {
        "fine_tune": radiograph.OFF,
        "backbone": backbone_file.recipe_in(out / FILE).name,
        WEIGHTS: str(out / FILE),
        WEIGHTS_DIGEST: carried.digest_of((out / FILE,)),
    }
    return _with_settings(study, found), plan.patients


def _with_settings(study: StudyConfig, changed: Mapping[str, str]) -> StudyConfig:
    own = {**study.model.encoders.get(MODALITY, {}), **changed}
    if own["fine_tune"] == radiograph.OFF:
        del own["fine_tune"]
    encoders = {**study.model.encoders, MODALITY: MappingProxyType(own)}
    return replace(study, model=replace(study.model, encoders=MappingProxyType(encoders)))


def _plan(study: StudyConfig, source: Source, settings: radiograph.Settings, out: Path) -> Plan:
    files: dict[str, tuple[str, ...]] = {}
    root, look = Path(study.cohort.path), keeper(settings, out / FILMS, files)
    dataset = read_dataset(source, root, study, None, 0, look=look)
    patients, labels = dataset.patients, dataset.labels
    # Those whom the readers will be calibrated on teach nothing, here as there.
    training, _ = hold_out(patients, labels, study.training.validation, study.seed)
    training = np.array([n for n in training if dataset.cases[n].case.case_id in files], np.intp)
    if not len(training):
        raise CohortError(
            f"No case to learn from has an input {IMAGE!r}, which is to be fine-tuned on.",
            remedy="give a cohort with films, or remove model.radiograph.fine_tune",
        )
    taught = teaching(dataset, training, study.training.fine_tuning.patients, study.seed)
    learn, held = (taught[part] for part in _parted(dataset, taught, CHOOSING, study.seed + 1))
    names = [cached.case.case_id for cached in dataset.cases]
    return Plan(
        lessons_of(learn, names, labels, files),
        lessons_of(held, names, labels, files),
        frozenset(patients[n] for n in taught),
        canonical.digest([dataset.digest(learn), dataset.digest(held)]),
    )


def teaching(dataset: Dataset, training: Indices, share: float, seed: int) -> Indices:
    """Of some cases, those of about a share of their patients."""
    if share <= 0.5:
        return training[_parted(dataset, training, share, seed)[1]]
    return training[_parted(dataset, training, 1 - share, seed)[0]]


def _parted(dataset: Dataset, places: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
    patients = [dataset.patients[n] for n in places]
    return hold_out(patients, dataset.labels[places], share, seed)


def carry_out(
    task: Task,
    settings: radiograph.Settings,
    file: Path,
    facts: Mapping[str, Any],
    together: Processes,
    report: Report | None = None,
) -> None:
    """Teach the backbone of some settings and write its file; nothing where that is done.

    Args:
        task: what to learn.
        settings: with the backbone to begin with, and what it sees of a film.
        file: of the weights, with what decided them in its header.
        facts: to be told there, too, JSON-compatible.
        together: who teaches.
        report: called after each epoch.
    """
    recipe, network, start = backbone_of(settings)
    decided: dict[str, Any] = {
        **facts,
        "layers": task.which,
        "begun_with_sha256": start,
        "films": len(task.lessons.files),
        "films_that_chose_the_epoch": len(task.held.files),
        "how": vars(task.config),
        "seed": task.seed,
        **({} if task.device.type == CPU else {"device": task.device.type}),
    }
    key = canonical.digest([decided, settings_json(settings)])
    told = backbone_file.fine_tuning_of(file) if file.is_file() else None
    if together.told(told is not None and told["key"] == key):
        return
    folder = file.with_name(UNFINISHED)
    pupil = Pupil(recipe, network, task.lessons.labels)
    state = teach(pupil, task, together, folder, key, report)
    if together.first:
        decided["best_epoch"] = state.best_epoch
        whole = file.with_name(f"whole-{file.name}")
        backbone_file.write(whole, recipe, network.cpu().state_dict(), {**decided, "key": key})
        whole.replace(file)
        resume.discard(folder)
    together.wait()


def backbone_of(settings: radiograph.Settings) -> tuple[Recipe, nn.Module, str]:
    """Recipe and network of the backbone that settings name, and the SHA-256 of its weights."""
    if not settings.weights:
        plain = radiograph.weights_files(radiograph.Settings())
        return OWN, network_of(OWN), carried.digest_of(plain)
    file = Path(settings.weights)
    recipe = backbone_file.recipe_in(file)
    network = network_of(recipe)
    network.load_state_dict(load_file(file))
    return recipe, network, carried.digest_of((file,))


def for_readers(
    dataset: Dataset, places: NDArray[np.intp], patients: frozenset[str]
) -> tuple[Dataset, NDArray[np.intp]]:
    """The dataset and the cases to learn from, as the readers may see them.

    Args:
        dataset: with the features of every film.
        places: of the cases to learn from.
        patients: who taught the backbone: their films are taken away, and a case that has nothing
            else.
    """
    cases = tuple(
        replace(one, images={}) if one.case.patient_id in patients else one for one in dataset.cases
    )
    left = [n for n in places if cases[n].images or cases[n].case.inputs]
    return replace(dataset, cases=cases), np.array(left, np.intp)
