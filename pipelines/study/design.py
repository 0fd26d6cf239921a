"""A study file: what `triptych train` reads, who is in the study, and how it is evaluated.

`[[include]]` and `[[exclude]]` are the rules of `pipelines.study.rules`, `[external]` and
`checkpoint` are here. They are no part of StudyConfig, which a model is trained by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clinical.cohorts.sources import numbers_rows
from clinical.config import StudyConfig, build, read_toml, study_of, unknown, with_cohort_path
from clinical.errors import ConfigError
from clinical.evaluation import EvaluationConfig
from clinical.model.card import SHIPPED_MODEL
from pipelines.study.rules import KINDS, Rule, rules

EXTERNAL = "external"
CHECKPOINT, SHIPPED = "checkpoint", "shipped"
OF_THE_MODEL = ("diagnoses", "model", "training")
"""What a checkpoint brings along, so that a study of one cannot state it."""

OF_TRAININGS = (
    "split",
    "folds",
    "tested_from",
    "train_fraction",
    "inner",
    "repeats",
    "oracle",
    "removal",
    "automl",
)
"""Keys of `[evaluation]` that say who learns from whom, which a study of a checkpoint lacks."""


@dataclass(frozen=True)
class External:
    """Another cohort, which is tested and never trained on.

    Attributes:
        path: its folder; relative paths are relative to the TOML file.
        source: name of the cohort reader.
        shares_patients: whether one patient_id is one person in both cohorts. Such a person is
            tested and not trained on; otherwise ids were given independently, as they are where
            one of the two readers numbers its patients by row.
    """

    path: str
    source: str = "folder"
    shares_patients: bool = True


@dataclass(frozen=True)
class StudyDesign:
    """One study: what is learnt, from whom, and how it is judged.

    Attributes:
        study: as `triptych train` reads it.
        rules: who is in it.
        checkpoint: folder of a model that is tested as it is, so that nothing is learnt; or None.
        external: another cohort that is tested; the split is "given" then.
    """

    study: StudyConfig
    rules: tuple[Rule, ...] = ()
    external: External | None = None
    checkpoint: Path | None = None

    @property
    def evaluation(self) -> EvaluationConfig:
        """How it is judged."""
        return self.study.evaluation


def load_design(path: Path, cohort: Path | None = None) -> StudyDesign:
    """Read a study file.

    Args:
        path: TOML.
        cohort: folder of the cohort, if not as in the file.

    Raises:
        ConfigError: if the file is absent, is not TOML, has an unknown key or a value that cannot
            be used, or judges nothing.
    """
    data = read_toml(path)
    _check_keys(data, path.name)
    own = {k: v for k, v in data.items() if k in StudyConfig.__dataclass_fields__}
    study = study_of(own, path)
    if cohort is not None:
        study = with_cohort_path(study, str(cohort))
    external, checkpoint = _external(data, path, study), _checkpoint(data, path)
    stated = data.get("evaluation", {})
    evaluation = study.evaluation
    if external and checkpoint:
        raise ConfigError(
            f"{path.name}: {CHECKPOINT} and {EXTERNAL} cannot be combined.",
            remedy="name the cohort to test as the cohort; a checkpoint is tested on all of it",
        )
    if checkpoint is not None:
        evaluation = _of_checkpoint(evaluation, path.name)
    elif external is not None:
        evaluation = _of_external(evaluation, stated, path.name)
    study = replace(study, evaluation=evaluation)
    if checkpoint is None and not evaluation.judges:
        raise ConfigError(
            f"{path.name}: the study tests no case.",
            remedy="add [evaluation] with folds = 5, or train it with `triptych train`",
        )
    found = rules({kind: data[kind] for kind in KINDS if kind in data}, path.name)
    return StudyDesign(study, found, external, checkpoint)


def _external(data: Mapping[str, Any], path: Path, study: StudyConfig) -> External | None:
    if EXTERNAL not in data:
        return None
    where = f"{path.name}: {EXTERNAL}"
    if not isinstance(data[EXTERNAL], Mapping):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [{EXTERNAL}]")
    found: External = build(External, data[EXTERNAL], where)
    found = replace(found, path=str((path.parent / found.path).resolve()))
    numbered = [kind for kind in (study.cohort.source, found.source) if numbers_rows(kind)]
    if numbered and data[EXTERNAL].get("shares_patients", False):
        raise ConfigError(
            f"{where}: shares_patients is true, but the patient ids of the source {numbered[0]!r}"
            " are the numbers of its rows, which say nothing of who somebody is.",
            remedy="leave shares_patients out",
        )
    return replace(found, shares_patients=found.shares_patients and not numbered)


def _of_external(
    evaluation: EvaluationConfig, stated: Mapping[str, Any], where: str
) -> EvaluationConfig:
    if {"split", "folds"} & stated.keys():
        raise ConfigError(
            f"{where}: an external cohort is tested, so nothing else can be.",
            remedy="leave split and folds out of [evaluation]",
        )
    return replace(evaluation, split="given")


def _checkpoint(data: Mapping[str, Any], path: Path) -> Path | None:
    if CHECKPOINT not in data:
        return None
    stated = data[CHECKPOINT]
    if not isinstance(stated, str) or not stated:
        raise ConfigError(
            f"{path.name}: {CHECKPOINT} is not text.",
            remedy=f'write "{SHIPPED}", or the folder of a model relative to this file',
        )
    for key in OF_THE_MODEL:
        if key in data:
            raise ConfigError(
                f"{path.name}: {key} is given as well as {CHECKPOINT}.",
                remedy=f"remove it; the checkpoint brings its own {key}",
            )
    return SHIPPED_MODEL if stated == SHIPPED else (path.parent / stated).resolve()


def _of_checkpoint(settings: EvaluationConfig, where: str) -> EvaluationConfig:
    """There are no folds, and everybody is tested once."""
    plain = EvaluationConfig()
    stated = [name for name in OF_TRAININGS if getattr(settings, name) != getattr(plain, name)]
    if stated:
        raise ConfigError(
            f"{where}: [evaluation] states {', '.join(stated)} beside {CHECKPOINT}.",
            remedy="remove that; a model that already exists is tested on the whole cohort",
        )
    return replace(settings, split=CHECKPOINT)


def _check_keys(data: Mapping[str, Any], where: str) -> None:
    known = (*StudyConfig.__dataclass_fields__, *KINDS, EXTERNAL, CHECKPOINT)
    for key in data:
        if key not in known:
            raise unknown(key, known, where)
