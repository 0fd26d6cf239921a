"""A study file: what `triptych train` reads, who is in the study, and how it is evaluated.

`[[include]]` and `[[exclude]]` are the rules of `pipelines.study.rules`, `[judgement]` and
`[external]` and `checkpoint` are here. They are no part of StudyConfig, whose digest keys finished
trainings: another subgroup trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from clinical.assess.assess import SHIPPED_MODEL
from clinical.config import (
    EvaluationConfig,
    StudyConfig,
    build,
    nearest,
    read_toml,
    study_of,
    with_cohort_path,
)
from clinical.errors import ConfigError
from pipelines.study.rules import KINDS, Rule, rules

JUDGEMENT, EXTERNAL = "judgement", "external"
CHECKPOINT, SHIPPED = "checkpoint", "shipped"
OF_THE_MODEL = ("diagnoses", "model", "training")
"""What a checkpoint brings along, so that a study of one cannot state it."""

MARGIN = 0.01
"""Of non-inferiority in macro AUROC, unless the study states one."""

SEX, AGE, SITE, VIEW = "sex", "age", "site", "view"
COLUMNS = (SEX, AGE, SITE, VIEW)


@dataclass(frozen=True)
class Judgement:
    """How a study is judged, beyond `[evaluation]`.

    Attributes:
        sensitivity: that the operating point aims at, on validation patients.
        subgroups: columns that patients are grouped by: of COLUMNS, or of the cohort's own table
            of cases (`named_columns`).
        age_edges: first age in years of every age band but the lowest.
        guards: look for shortcuts and leaks.
        curve_from, curve_to: threshold probabilities that the decision curve runs between.
        stress: test patients who lose inputs, too.
        learning_curve: shares of the patients that further models learn from; empty for none.
    """

    sensitivity: float = 0.9
    subgroups: tuple[str, ...] = COLUMNS
    age_edges: tuple[int, ...] = (18, 40, 65)
    guards: bool = True
    curve_from: float = 0.01
    curve_to: float = 0.5
    stress: bool = True
    learning_curve: tuple[float, ...] = (0.2, 0.35, 0.6)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Threshold probabilities of the decision curve, in steps of 0.01."""
        first, last = round(self.curve_from * 100), round(self.curve_to * 100)
        return tuple(n / 100 for n in range(first, last + 1))


@dataclass(frozen=True)
class External:
    """Another cohort, which is tested and never trained on.

    Attributes:
        path: its folder; relative paths are relative to the TOML file.
        source: name of the cohort reader.
        shares_patients: whether one patient_id is one person in both cohorts. Such a person is
            tested and not trained on; otherwise ids were given independently.
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
        judgement: how it is judged.
        checkpoint: folder of a model that is tested as it is, so that nothing is learnt; or None.
        external: another cohort that is tested; the split is "given" then.
    """

    study: StudyConfig
    rules: tuple[Rule, ...] = ()
    judgement: Judgement = Judgement()
    external: External | None = None
    checkpoint: Path | None = None


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
    external, checkpoint = _external(data, path), _checkpoint(data, path)
    stated = data.get("evaluation", {})
    evaluation = study.evaluation
    if external and checkpoint:
        raise ConfigError(
            f"{path.name}: {CHECKPOINT} beside {EXTERNAL}.",
            remedy="name the cohort to test as the cohort; a checkpoint is tested on all of it",
        )
    if checkpoint is not None:
        evaluation = _of_checkpoint(evaluation, path.name)
    elif external is not None:
        evaluation = _of_external(evaluation, stated, path.name)
    if "margin" not in stated:
        evaluation = replace(evaluation, margin=MARGIN)
    study = replace(study, evaluation=evaluation)
    if checkpoint is None and not evaluation.judges:
        raise ConfigError(
            f"{path.name}: the study tests nobody.",
            remedy="add [evaluation] with folds = 5, or train it with `triptych train`",
        )
    found = rules({kind: data[kind] for kind in KINDS if kind in data}, path.name)
    judgement = _judgement(data.get(JUDGEMENT, {}), path.name)
    return StudyDesign(study, found, judgement, external, checkpoint)


def _external(data: Mapping[str, Any], path: Path) -> External | None:
    if EXTERNAL not in data:
        return None
    where = f"{path.name}: {EXTERNAL}"
    if not isinstance(data[EXTERNAL], Mapping):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [{EXTERNAL}]")
    found: External = build(External, data[EXTERNAL], where)
    return replace(found, path=str((path.parent / found.path).resolve()))


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
            f"{path.name}: {CHECKPOINT} is not a text.",
            remedy=f'write "{SHIPPED}", or the folder of a model relative to this file',
        )
    for key in OF_THE_MODEL:
        if key in data:
            raise ConfigError(
                f"{path.name}: {key} is stated beside {CHECKPOINT}.",
                remedy=f"remove it; the checkpoint brings its own {key}",
            )
    return SHIPPED_MODEL if stated == SHIPPED else (path.parent / stated).resolve()


def _of_checkpoint(settings: EvaluationConfig, where: str) -> EvaluationConfig:
    """Margin and bootstrap as stated; there are no folds, and everybody is tested once."""
    plain = EvaluationConfig(bootstrap=settings.bootstrap, margin=settings.margin)
    if settings != plain:
        raise ConfigError(
            f"{where}: [evaluation] states more than margin and bootstrap beside {CHECKPOINT}.",
            remedy="remove the rest; a model that already exists is tested on the whole cohort",
        )
    return replace(plain, split=CHECKPOINT)


def _check_keys(data: Mapping[str, Any], where: str) -> None:
    known = (*StudyConfig.__dataclass_fields__, *KINDS, JUDGEMENT, EXTERNAL, CHECKPOINT)
    for key in data:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}.", remedy=nearest(key, known))


def _judgement(data: Any, where: str) -> Judgement:
    where = f"{where}: {JUDGEMENT}"
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [{JUDGEMENT}]")
    found: Judgement = build(Judgement, data, where)
    if not 0 < found.sensitivity <= 1:
        raise ConfigError(
            f"{where}: sensitivity is {found.sensitivity:g}.",
            remedy="choose above 0 and at most 1, for example 0.9",
        )
    for name in found.subgroups:
        if not name:
            raise ConfigError(f"{where}: a subgroup without a name.", remedy="name a column")
    if not found.age_edges or any(low >= high for low, high in pairwise(found.age_edges)):
        raise ConfigError(
            f"{where}: age_edges do not rise.", remedy="state first ages, for example [40, 65]"
        )
    if any(not 0 < share < 1 for share in found.learning_curve):
        raise ConfigError(
            f"{where}: learning_curve holds a share that is not between 0 and 1.",
            remedy="state shares of the patients, for example [0.2, 0.35, 0.6], or [] for none",
        )
    if not 0.01 <= found.curve_from < found.curve_to <= 0.99:
        raise ConfigError(
            f"{where}: curve_from {found.curve_from:g}, curve_to {found.curve_to:g}.",
            remedy="choose probabilities from 0.01 to 0.99, the lower one first",
        )
    return found
