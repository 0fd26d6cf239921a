"""Training: fit encoders and fusion, calibrate on held-out patients, save.

Early stopping, calibration, thresholds and limits all use the validation patients; nothing here is
a result. Results come from `triptych study run`, on patients no part of this has seen.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from clinical import canonical, config
from clinical.case.shapes import Arrays, Shape
from clinical.config import StudyConfig, nearest
from clinical.errors import CohortError, ConfigError
from clinical.modalities import devices
from clinical.modalities.catalogue import TokenEncoder, encoder
from clinical.modalities.encoding import Prepared, mean_embedding
from clinical.modalities.kit import kit_named, person
from clinical.modalities.radiograph import backbone_file
from clinical.model import ages, calibration, domain
from clinical.model import model as models
from clinical.model.calibration import SetRule, Support
from clinical.model.model import EncoderSpec, Model, Network
from pipelines.training import disagreement, soft_targets
from pipelines.training.beside import Plain, Trained, put_beside, with_plain
from pipelines.training.calibrated import calibrated
from pipelines.training.contrast import fit_space
from pipelines.training.dataset import CachedCase, Dataset, blank_spec
from pipelines.training.fit import (
    Fitted,
    Keeping,
    Lessons,
    PreparedCase,
    Report,
    fit,
    predict,
    predict_patterns,
)

THREADS = 1
"""Of every training: the last bits depend on it, and two wait for each other on a busy machine."""

Targets = Mapping[str, NDArray[np.float64]]


def training_key(
    dataset: Dataset,
    training: NDArray[np.intp],
    validation: NDArray[np.intp],
    study: StudyConfig,
    targets: Targets | None = None,
) -> str:
    """Digest of all that decides a training: configuration, inputs, labels, targets and split."""
    parts = [config.training_digest(study), dataset.digest(training), dataset.digest(validation)]
    if study.training.teachers:
        # A study that was begun before models had them must not end half with and half without.
        parts.append("plain readers")
    if dataset.regions is not None:
        parts.append(canonical.sha256(dataset.regions[training].tobytes()))
    if targets is not None:
        learnt = {name: canonical.sha256(y[training].tobytes()) for name, y in targets.items()}
        parts.append(canonical.digest(learnt))
    return canonical.digest(parts)


def train_model(
    dataset: Dataset,
    training: NDArray[np.intp],
    validation: NDArray[np.intp],
    study: StudyConfig,
    *,
    targets: Targets | None = None,
    plain: Plain | None = None,
    threads: int = THREADS,
    folder: Path | None = None,
    report: Report | None = None,
) -> Trained:
    """Train one model on some cases of a dataset and calibrate it on others.

    Args:
        dataset: everything; only the given indices are read.
        training, validation: indices of cases, patient-disjoint.
        study: configuration and seed.
        targets: evidence to [all cases, diagnoses] in 0 to 1, to learn instead of the labels
            (`posteriors.soft_targets`); everything else keeps to the labels.
        plain: readers that speak beside those of the network, as far as validation has it.
        threads: of torch; the last bits of a result depend on it.
        folder: where an unfinished training keeps its state, to resume from.
        report: called after each epoch.
    """
    # The order of a sum depends on the number of threads, and so do its last bits.
    torch.set_num_threads(threads)
    torch.manual_seed(study.seed)
    cached = [dataset.cases[i] for i in training]
    specs = fit_specs(cached, study)
    train_cases = [prepare_cached(case, specs) for case in cached]
    held_out = [prepare_cached(dataset.cases[i], specs)[0] for i in validation]
    network = Network(specs, len(dataset.diagnoses), study.model)
    device = devices.chosen(study.training.device)
    for name, module in network.encoders.items():
        _adapt(module, [variants[0][name] for variants in train_cases if name in variants[0]])
    wanted = {name: values[training] for name, values in (targets or {}).items()}
    lessons = [[_reduced(network, case) for case in variants] for variants in train_cases]
    unseen = [_reduced(network, case) for case in held_out]
    fitted = fit(
        network.to(device),
        Lessons(
            lessons,
            wanted.get(soft_targets.ALL, dataset.labels[training]),
            wanted,
            None if dataset.regions is None else dataset.regions[training],
        ),
        unseen,
        dataset.labels[validation],
        study,
        Keeping(folder, training_key(dataset, training, validation, study, targets)),
        report,
    )
    people = dataset.patients
    fit_space(
        network,
        [variants[0] for variants in lessons],
        [people[i] for i in training],
        unseen,
        [people[i] for i in validation],
        study,
    )
    network.cpu()  # what it says is calibrated and judged where it will be used
    shares = None
    if plain is not None:
        shares = put_beside(network, plain.judged, held_out, dataset.labels[validation])
    first = [variants[0] for variants in train_cases]
    facts = _facts(dataset, training, validation, fitted, shares) | _where(study)
    facts |= _fine_tuned(specs)
    judged = _finish(dataset, training, validation, study, specs, fitted, first, held_out, facts)
    if plain is None or shares is None:
        return Trained(judged, judged)
    return Trained(with_plain(judged, plain.kept.scaled(1 - torch.from_numpy(shares))), judged)


def _adapt(module: Any, prepared: Sequence[Prepared]) -> None:
    encoder_module: TokenEncoder = module
    encoder_module.adapt(prepared)


def _reduced(network: Network, case: PreparedCase) -> PreparedCase:
    """A case with the frozen part of its encoding done."""
    return {
        name: cast(TokenEncoder, network.encoders[name]).reduced(prepared)
        for name, prepared in case.items()
    }


def fit_specs(cases: Sequence[CachedCase], study: StudyConfig) -> dict[str, EncoderSpec]:
    """Encoders for the modalities of some cases, their vocabularies fitted on them."""
    shapes: dict[str, list[Shape]] = {}
    frozen: set[str] = set()
    for cached in cases:
        for name, shape in cached.case.inputs.items():
            shapes.setdefault(name, []).append(shape)
        frozen.update(cached.images)
    wanted = study.model.modalities
    specs: dict[str, EncoderSpec] = {}
    for name in sorted(frozen | set(shapes)):
        if wanted and name not in wanted:
            continue
        kind = Arrays if name in frozen else type(shapes[name][0])
        blank = blank_spec(name, kit_named(name, kind.__name__).name, study)
        module = encoder(blank.encoder)
        fitted = module.fit(shapes.get(name, ()), blank.settings)
        specs[name] = EncoderSpec(blank.encoder, fitted)
    for name in wanted:
        if name not in specs:
            raise ConfigError(
                f"model.modalities names {name!r}, which no case has.",
                remedy=nearest(name, sorted(frozen | set(shapes))),
            )
    if not specs:
        raise CohortError("No case has an input to train on.", remedy="check model.modalities")
    return specs


def prepare_cached(
    cached: CachedCase, specs: Mapping[str, EncoderSpec]
) -> list[dict[str, Prepared]]:
    """The prepared case, then one variant per augmented copy of its images."""
    tables = models.prepare_case(cached.case, specs)
    images = {name: copies for name, copies in cached.images.items() if name in specs}
    count = max((len(copies) for copies in images.values()), default=1)
    return [
        {**tables, **{name: copies[min(i, len(copies) - 1)] for name, copies in images.items()}}
        for i in range(count)
    ]


def _finish(
    dataset: Dataset,
    training: NDArray[np.intp],
    validation: NDArray[np.intp],
    study: StudyConfig,
    specs: Mapping[str, EncoderSpec],
    fitted: Fitted,
    train_cases: Sequence[PreparedCase],
    held_out: Sequence[PreparedCase],
    facts: Mapping[str, Any],
) -> Model:
    labels = dataset.labels[validation]
    judged = judge_patterns(fitted.network, held_out, labels, tuple(specs))
    steady = fitted.network.fusion.plain is not None
    support = judge_support(judged, dataset.diagnoses, steady=steady)
    # Thresholds are chosen on what a reader would be shown: each case by its own pattern.
    used = [tuple(name for name in case if case[name].sources) for case in held_out]
    shown = calibrated(support, dataset.diagnoses, predict(fitted.network, held_out), used)
    thresholds = {
        name: calibration.youden_threshold(shown[:, column], labels[:, column])
        for column, name in enumerate(dataset.diagnoses)
    }
    learnt = dataset.labels[training]
    shares = np.nansum(learnt, axis=0) / np.maximum((~np.isnan(learnt)).sum(axis=0), 1)
    prevalence = dict(zip(dataset.diagnoses, shares.tolist(), strict=True))
    sides = disagreement.sides(fitted.network, support, dataset.diagnoses, tuple(specs), held_out)
    return models.build(
        name=study.name,
        diagnoses=dataset.diagnoses,
        specs=specs,
        network=fitted.network,
        support=support,
        thresholds=thresholds,
        prevalence=prevalence,
        envelopes=_envelopes(specs, train_cases, held_out),
        set_rules=judge_sets(judged, support, prevalence),
        study=study,
        facts=facts,
        conflict=disagreement.fit_rules(
            sides,
            labels,
            [dataset.patients[i] for i in validation],
            shares,
            "validation patients of the training",
            study.seed,
        ),
    )


def _where(study: StudyConfig) -> dict[str, str]:
    """The device of a training that was not on the processor."""
    kind = devices.chosen(study.training.device).type
    return {} if kind == config.CPU else {"device": kind}


def _fine_tuned(specs: Mapping[str, EncoderSpec]) -> dict[str, Any]:
    """How the backbones of some encoders were taught further, where they were."""
    files = {name: getattr(spec.settings, config.WEIGHTS, "") for name, spec in specs.items()}
    told = {name: backbone_file.fine_tuning_of(Path(file)) for name, file in files.items() if file}
    found = {name: facts for name, facts in told.items() if facts is not None}
    return {"fine_tuned": found} if found else {}


@dataclass(frozen=True, eq=False)
class Judged:
    """Validation cases that have all modalities of one availability pattern, the others hidden.

    Attributes:
        pattern: the modalities.
        logits, labels: [cases, diagnoses]; labels 1, 0 or NaN for unknown.
    """

    pattern: calibration.Pattern
    logits: NDArray[np.float64]
    labels: NDArray[np.float64]


def judge_patterns(
    network: Network,
    cases: Sequence[PreparedCase],
    labels: NDArray[np.float64],
    modalities: Sequence[str],
) -> list[Judged]:
    """What the network says under every availability pattern; none of it was used for training."""
    judged = []
    wanted = calibration.patterns(modalities)
    for pattern, logits in zip(wanted, predict_patterns(network, cases, wanted), strict=True):
        rows = [
            i
            for i, case in enumerate(cases)
            if all(name in case and case[name].sources for name in pattern)
        ]
        judged.append(Judged(pattern, logits[rows], labels[rows]))
    return judged


def judge_support(
    judged: Sequence[Judged], diagnoses: Sequence[str], *, steady: bool = False
) -> dict[str, dict[str, Support]]:
    """Calibration and validation AUROC of every diagnosis under every availability pattern."""
    return {
        calibration.pattern_key(one.pattern): {
            name: calibration.fit_support(
                one.logits[:, column], one.labels[:, column], steady=steady
            )
            for column, name in enumerate(diagnoses)
        }
        for one in judged
    }


def judge_sets(
    judged: Sequence[Judged],
    support: Mapping[str, Mapping[str, Support]],
    prevalence: Mapping[str, float],
) -> dict[str, SetRule]:
    """The rule of the prediction set for every availability pattern."""
    diagnoses = tuple(prevalence)
    return calibration.fit_set_rules(
        {
            calibration.pattern_key(one.pattern): (
                calibrated(support, diagnoses, one.logits, [one.pattern] * len(one.logits)),
                one.labels,
            )
            for one in judged
        },
        prevalence,
    )


def _envelopes(
    specs: Mapping[str, EncoderSpec],
    training: Sequence[PreparedCase],
    validation: Sequence[PreparedCase],
) -> dict[str, domain.Envelope]:
    envelopes = {}
    for name in specs:
        clouds = []
        for cases in (training, validation):
            embeddings = [
                mean_embedding(case[name], encoder(specs[name].encoder).EMBEDDING)
                for case in cases
                if name in case
            ]
            clouds.append([e for e in embeddings if e is not None])
        if len(clouds[0]) > 1:
            envelopes[name] = domain.fit_envelope(
                np.stack(clouds[0]), np.stack(clouds[1] or clouds[0])
            )
    return envelopes


def _facts(
    dataset: Dataset,
    training: NDArray[np.intp],
    validation: NDArray[np.intp],
    fitted: Fitted,
    shares: NDArray[np.float64] | None,
) -> dict[str, Any]:
    patients = dataset.patients
    parameters = sum(p.numel() for p in fitted.network.parameters())
    packages = ("torch", "monai", "numpy", "scikit-learn", "transformers")
    attending = {} if shares is None else dict(zip(dataset.diagnoses, shares.tolist(), strict=True))
    return {
        **({"attending": attending} if attending else {}),
        "training_cases": len(training),
        "training_patients": len({patients[i] for i in training}),
        "validation_cases": len(validation),
        "validation_patients": len({patients[i] for i in validation}),
        "skipped_cases": len(dataset.skipped),
        "ages": ages.seen(person(dataset.cases[i].case).age_years for i in training),
        "epochs": fitted.epochs,
        "best_epoch": fitted.best_epoch,
        "validation_loss": round(fitted.validation_loss, 6),
        "stacked": fitted.stacked,
        "correction": dict(zip(dataset.diagnoses, fitted.correction, strict=True)),
        "trained_parameters": parameters,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }
