"""Study configuration: one TOML file in, frozen dataclasses out.

An unknown key is an error that names it and the nearest known one, because a misspelt key that is
silently ignored is the most expensive kind of default.
"""

from __future__ import annotations

import difflib
import math
import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clinical import canonical, evaluation, fine_tuning
from clinical.errors import ConfigError
from clinical.evaluation import SPLITS, EvaluationConfig
from clinical.fine_tuning import FineTuningConfig

RENAMED = {"judgement": "evaluation", "learnt_share": "train_fraction"}
"""Tables and keys of earlier study files, and what they are called now."""

DEVICES = AUTO, CPU, CUDA, MPS = "auto", "cpu", "cuda", "mps"
"""Where a training can run (`clinical.modalities.devices`)."""

WEIGHTS, WEIGHTS_DIGEST = "weights", "weights_sha256"
"""Settings of an encoder: a file of frozen weights, relative to the study file, and its SHA-256."""


@dataclass(frozen=True)
class CohortConfig:
    """The cohort to train on.

    Attributes:
        path: folder of the cohort; relative paths are relative to the TOML file.
        source: name of the cohort reader.
        limit: use only the first N cases; 0 = no limit.
    """

    path: str
    source: str = "folder"
    limit: int = 0


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the model; by default small, for the few hundred patients most cohorts have.

    Attributes:
        modalities: input to the modality that reads it; empty: every input, as it is named.
        width: length of every token.
        heads: attention heads of the fusion.
        layers: cross-attention layers of the fusion.
        dropout: dropout inside the fusion.
        components: number of principal components kept from each frozen embedding.
        space: dimension of the shared space; 0: the model has none.
        encoders: settings of one encoder alone; in TOML the tables [model.NAME], for example
            [model.radiograph] image_size = 512.
    """

    modalities: Mapping[str, str] = field(default_factory=dict)
    width: int = 48
    heads: int = 4
    layers: int = 1
    dropout: float = 0.2
    components: int = 128
    space: int = 64
    encoders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingConfig:
    """How the model is trained.

    Attributes:
        alone_epochs: number of epochs at the start in which each modality is trained alone.
        epochs: maximum number of epochs after that, in which all are trained together; early
            stopping usually ends sooner.
        patience: epochs without a better validation loss before training stops.
        batch_size: cases in one step.
        learning_rate, weight_decay: of AdamW.
        modality_dropout: probability that a present modality is hidden in one training example.
        alone_probability: probability that all modalities but one are hidden.
        token_dropout: probability that one token is hidden.
        auxiliary: weight of the loss of each modality alone.
        space_epochs: number of epochs at the end in which the shared space is trained on the
            finished tokens; diagnosis is not affected.
        augmentations: augmented copies of every training image, in addition to the original.
        mask_weight: weight of the loss that draws attention into finding masks; needs a cohort
            with masks (masks.csv), which only simulated cohorts have.
        validation: fraction of patients kept for early stopping, calibration and thresholds.
        device: where it runs: "cpu", the reference; "cuda", "mps", or "auto" for the first of them
            that the machine has. On a GPU it is of mixed precision.
        teachers: learn from what simple models say of training patients that they have not seen,
            beside the outcome; false: from outcomes alone.
        soft_targets: train on the oracle's posterior given all inputs instead of the outcome
            (needs `evaluation.oracle`); validation, calibration and testing use true outcomes.
        fine_tuning: how a backbone is taught further, where [model.radiograph] fine_tune asks for
            it.
    """

    alone_epochs: int = 16
    epochs: int = 12
    patience: int = 6
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    modality_dropout: float = 0.25
    alone_probability: float = 0.25
    token_dropout: float = 0.1
    auxiliary: float = 0.3
    space_epochs: int = 20
    augmentations: int = 1
    mask_weight: float = 0.0
    validation: float = 0.2
    teachers: bool = True
    soft_targets: bool = False
    device: str = CPU
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)


@dataclass(frozen=True)
class StudyConfig:
    """One study.

    Attributes:
        name: names the model and the results.
        cohort: what to learn from.
        diagnoses: labels to learn; empty means all that the cohort declares.
        seed: of every random choice.
    """

    name: str
    cohort: CohortConfig
    diagnoses: tuple[str, ...] = ()
    seed: int = 0
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)


def load_study(path: Path) -> StudyConfig:
    """Read a study TOML file.

    Raises:
        ConfigError: if the file is absent, is not TOML, has an unknown key or a wrong type.
    """
    return study_of(read_toml(path), path)


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: if the file is absent or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist.", remedy="give the path of a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.", remedy="correct that line") from None


def study_of(data: Mapping[str, Any], path: Path) -> StudyConfig:
    """A study from parsed TOML; `path` is that of its file.

    Raises:
        ConfigError: if there is an unknown key, a wrong type or a value that cannot be used.
    """
    study: StudyConfig = build(StudyConfig, data, where=path.name)
    _check(study, path.name)
    placed = replace(study, model=_with_weights(study.model, path))
    return with_cohort_path(placed, str((path.parent / study.cohort.path).resolve()))


def _with_weights(model: ModelConfig, path: Path) -> ModelConfig:
    """Files of weights found from the folder of the study file, each with its digest."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, own in model.encoders.items():
        found[name] = own
        if not (isinstance(own, Mapping) and isinstance(own.get(WEIGHTS), str)):
            continue
        file = (path.parent / own[WEIGHTS]).resolve()
        if not file.is_file():
            raise ConfigError(
                f"{path.name}: model.{name}.weights: {file} does not exist.",
                remedy="write it with `triptych weights convert`, or correct the path",
            )
        digest = canonical.sha256(file.read_bytes())
        if own.get(WEIGHTS_DIGEST, digest) != digest:
            raise ConfigError(
                f"{path.name}: model.{name}.weights: {file} is not the file with the SHA-256"
                f" that {WEIGHTS_DIGEST} states.",
                remedy="copy it again, or correct the digest",
            )
        found[name] = MappingProxyType({**own, WEIGHTS: str(file), WEIGHTS_DIGEST: digest})
    return replace(model, encoders=MappingProxyType(found)) if found else model


def with_cohort_path(study: StudyConfig, path: str) -> StudyConfig:
    """The same study of a cohort that lies elsewhere."""
    return replace(study, cohort=replace(study.cohort, path=path))


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy for a name that is not known: the nearest one, or all."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"choose from: {', '.join(names)}"


def unknown(key: str, known: Iterable[str], where: str) -> ConfigError:
    """The error of a key that is not known: what it is called now, or the nearest one."""
    if key in RENAMED:
        new = RENAMED[key]
        where_to = f"write its keys under [{new}]" if new == "evaluation" else f"write {new}"
        return ConfigError(f"{where}: {key!r} is now called {new!r}.", remedy=where_to)
    return ConfigError(f"{where}: unknown key {key!r}.", remedy=nearest(key, known))


def build(kind: type[Any], data: Mapping[str, Any], where: str) -> Any:
    """Build the frozen dataclass `kind` from parsed TOML.

    Raises:
        ConfigError: for an unknown key, a missing one, or a value of the wrong type.
    """
    known = {f.name: f for f in fields(kind)}
    if kind is ModelConfig:
        data = _own_tables(data, where)
    for key in data:
        if key not in known:
            raise unknown(key, known, where)
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, spec in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{where}: {name}")
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ConfigError(f"{where}: key {name!r} is missing.", remedy=f"add {name} = ...")
    return kind(**values)


def _own_tables(data: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """[model] with the tables of single encoders gathered under one key."""
    if "image_size" in data:
        raise ConfigError(
            f"{where}: image_size is a setting of one encoder.",
            remedy="write it under [model.radiograph]",
        )
    known = {f.name for f in fields(ModelConfig)}
    own = {
        name: MappingProxyType(dict(table))
        for name, table in data.items()
        if name not in known and isinstance(table, Mapping)
    }
    rest = {name: value for name, value in data.items() if name not in own}
    return {**rest, "encoders": {**rest.get("encoders", {}), **own}} if own else rest


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be a table.", remedy="write it as [section]")
        return build(typing.cast(type, hint), value, where)
    origin = typing.get_origin(hint)
    if origin is tuple and isinstance(value, list):
        item = typing.get_args(hint)[0]
        return tuple(_value(item, one, f"{where}[{n}]") for n, one in enumerate(value))
    if origin in (Mapping, dict) and isinstance(value, dict):
        return MappingProxyType(dict(value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, date):
        return value.isoformat()  # TOML has a type of its own for days
    if (
        isinstance(hint, type)
        and isinstance(value, hint)
        and isinstance(value, bool) == (hint is bool)
    ):
        return value
    expected = getattr(hint, "__name__", str(hint))
    raise ConfigError(
        f"{where} has a value of type {type(value).__name__}.", remedy=f"expected {expected}"
    )


def _check(study: StudyConfig, where: str) -> None:
    training = study.training
    shares = {
        "training.modality_dropout": training.modality_dropout,
        "training.alone_probability": training.alone_probability,
        "training.token_dropout": training.token_dropout,
        "training.validation": training.validation,
        "model.dropout": study.model.dropout,
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ConfigError(f"{where}: {name} is {share}.", remedy="choose 0 to 1")
    if not 0 <= training.mask_weight < math.inf:
        raise ConfigError(
            f"{where}: training.mask_weight is {training.mask_weight}.", remedy="choose 0 or more"
        )
    if not 0 < training.validation < 1:
        raise ConfigError(
            f"{where}: training.validation is {training.validation}.",
            remedy="choose above 0 and below 1; calibration needs cases the model was not trained"
            " on",
        )
    model = study.model
    least_one = {
        "model.width": model.width,
        "model.heads": model.heads,
        "model.layers": model.layers,
        "model.components": model.components,
        "training.alone_epochs": training.alone_epochs,
        "training.epochs": training.epochs,
        "training.patience": training.patience,
        "training.batch_size": training.batch_size,
    }
    for name, number in least_one.items():
        if number < 1:
            raise ConfigError(f"{where}: {name} is {number}.", remedy="choose 1 or more")
    if model.width % model.heads:
        raise ConfigError(
            f"{where}: model.width {model.width} is not a multiple of model.heads {model.heads}.",
            remedy="choose a multiple",
        )
    not_negative = {
        "model.space": model.space,
        "training.space_epochs": training.space_epochs,
    }
    for name, amount in not_negative.items():
        if not amount >= 0:
            raise ConfigError(f"{where}: {name} is {amount}.", remedy="choose 0 or more")
    if training.device not in DEVICES:
        raise ConfigError(
            f"{where}: training.device is {training.device!r}.",
            remedy=nearest(training.device, DEVICES),
        )
    if study.evaluation.split not in SPLITS:
        raise ConfigError(
            f"{where}: evaluation.split is {study.evaluation.split!r}.",
            remedy=nearest(study.evaluation.split, SPLITS),
        )
    evaluation.check(study.evaluation, f"{where}: evaluation")
    fine_tuning.check(training.fine_tuning, f"{where}: training.fine_tuning")
    if training.soft_targets and not study.evaluation.oracle:
        raise ConfigError(
            f"{where}: training.soft_targets needs an oracle.",
            remedy='name its file, for example evaluation.oracle = "oracle.csv"',
        )


def training_digest(config: StudyConfig) -> str:
    """SHA-256 of what a training depends on: not where its cohort lies, nor how it is judged."""
    data = to_json(config)
    data["cohort"].pop("path")
    data.pop("evaluation")
    return canonical.digest(data)


def config_digest(config: StudyConfig) -> str:
    """SHA-256 of everything in a configuration but where its cohort lies."""
    return json_digest(to_json(config))


def json_digest(data: Mapping[str, Any]) -> str:
    """`config_digest` of a configuration in its JSON form, as it was when it was written."""
    cohort = {key: value for key, value in data["cohort"].items() if key != "path"}
    return canonical.digest({**data, "cohort": cohort})


def to_json(config: StudyConfig) -> dict[str, Any]:
    """A configuration as JSON-compatible values."""
    plain: dict[str, Any] = {
        f.name: getattr(config, f.name) for f in fields(config) if f.name != "model"
    }
    for name in ("cohort", "training", "evaluation"):
        own = vars(plain[name]).items()
        plain[name] = {key: list(v) if isinstance(v, tuple) else v for key, v in own}
    if config.training.device == CPU:  # as before there was a choice, so that digests stay
        del plain["training"]["device"]
    own_tuning = plain["training"].pop("fine_tuning")
    if own_tuning != FineTuningConfig():  # likewise
        plain["training"]["fine_tuning"] = vars(own_tuning)
    plain["diagnoses"] = list(config.diagnoses)
    plain["model"] = {
        **vars(config.model),
        "modalities": dict(config.model.modalities),
        "encoders": {name: _placeless(own) for name, own in config.model.encoders.items()},
    }
    return plain


def _placeless(own: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an encoder; its file of weights is what its digest says, wherever it lies."""
    known = own.get(WEIGHTS_DIGEST)
    return {key: value for key, value in own.items() if not (known and key == WEIGHTS)}


def from_json(data: Mapping[str, Any]) -> StudyConfig:
    """Rebuild a configuration from `to_json`, also from before encoders had settings of their own.

    Raises:
        ConfigError: if it has a key or a value that this version does not know.
    """
    model = dict(data["model"])
    if "image_size" in model:
        model["encoders"] = {"radiograph": {"image_size": model.pop("image_size")}}
    study: StudyConfig = build(StudyConfig, {**data, "model": model}, where="configuration")
    return study
