"""A model: encoders, fusion, calibration, limits; saved as safetensors and JSON, never pickle.

A checkpoint is a folder with `weights.safetensors` and `model.json`. The JSON names the SHA-256 of
the weights and of the frozen backbones, which come with this package or another; loading checks
all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from clinical import canonical, config
from clinical.case.assessment import ModelIdentity
from clinical.case.case import Case
from clinical.config import ModelConfig, StudyConfig
from clinical.errors import ConfigError, ModelError
from clinical.modalities.catalogue import TokenEncoder, encoder
from clinical.modalities.encoding import LATER, PLACE, Encoding, Prepared, collate
from clinical.modalities.kit import kit_of
from clinical.model import ages, carried, mirrored, plain_readers
from clinical.model import conflict as conflicts
from clinical.model.ages import ANY_AGE, AgeRange
from clinical.model.calibration import SetRule, Support
from clinical.model.conflict import Rules
from clinical.model.domain import Envelope
from clinical.model.fusion import Fusion, Tokens
from clinical.model.space import Space

FORMAT = 2
_WEIGHTS, _JSON = "weights.safetensors", "model.json"


@dataclass(frozen=True, eq=False)
class EncoderSpec:
    """Which encoder reads a modality, with its fitted settings."""

    encoder: str
    settings: Any


class Network(nn.Module):
    """One encoder for each modality, the fusion and, where its size is not 0, the shared space."""

    def __init__(
        self, specs: Mapping[str, EncoderSpec], diagnoses: int, settings: ModelConfig
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(
            {name: encoder(spec.encoder).Encoder(spec.settings) for name, spec in specs.items()}
        )
        self.fusion = Fusion(
            tuple(specs),
            diagnoses,
            width=settings.width,
            heads=settings.heads,
            layers=settings.layers,
            dropout=settings.dropout,
        )
        size = settings.space
        self.space = Space(tuple(specs), settings.width, size) if size else None

    def encode(self, cases: Sequence[Mapping[str, Prepared]]) -> Tokens:
        """Tokens of a batch of prepared cases."""
        encodings = {}
        device = self.fusion.bias.device
        for name, module in self.encoders.items():
            batch = collate([case.get(name) for case in cases])
            if batch is not None:
                encodings[name] = cast(TokenEncoder, module)(batch.to(device))
        return self.join(encodings, cases)

    def join(
        self, encodings: Mapping[str, Encoding], cases: Sequence[Mapping[str, Prepared]]
    ) -> Tokens:
        """All tokens of encoded cases, and what plain readers take of them."""
        tokens = self.fusion.join(encodings, len(cases))
        plain = self.fusion.plain
        return tokens if plain is None else replace(tokens, plain=plain.read(cases, tokens.spans))

    def parts(self, modality: str) -> tuple[str, ...]:
        """Beginnings of the names of what only this modality uses in the network's state."""
        return f"encoders.{modality}.", f"fusion.readers.{modality}."

    def forward(self, tokens: Tokens) -> tuple[Tensor, list[Tensor]]:
        """Logits [cases, diagnoses] and the attention of each layer."""
        logits, attentions = self.fusion(tokens)
        return logits, attentions


def prepare_case(
    case: Case, specs: Mapping[str, EncoderSpec], rng: np.random.Generator | None = None
) -> dict[str, Prepared]:
    """The one way from a case to numbers, for training and for use."""
    prepared = {}
    for name, spec in specs.items():
        value = case.inputs.get(name)
        # An input of that name may be of another modality than the model was trained on.
        if value is not None and kit_of(name, value).name == spec.encoder:
            module = encoder(spec.encoder)
            made = module.prepare(value, spec.settings, decision_time=case.decision_time, rng=rng)
            if not module.EMBEDDING:
                made = replace(made, columns=kit_of(name, value).columns(value))
            prepared[name] = made
    return prepared


@dataclass(frozen=True, eq=False)
class Model:
    """Everything that turns a case into an assessment.

    Attributes:
        name: of the study that trained it.
        diagnoses: labels, in the order of the network's queries.
        specs: modality to encoder and its fitted settings.
        network: in evaluation mode.
        support: pattern key to diagnosis to calibration and validation AUROC.
        thresholds: diagnosis to operating point, from validation.
        prevalence: diagnosis to share of positives in training.
        envelopes: modality to the cloud of training cases.
        set_rules: pattern key to the rule of the prediction set; empty where there are none.
        study: the configuration it was trained with.
        facts: what a model card needs: counts, epochs, losses, versions.
        identity: name and digests.
        ages: those it may speak of.
        conflict: when its inputs disagree, or None where nobody measured it.
        mirror: when an image seems to be mirrored, or None where nobody measured it.
    """

    name: str
    diagnoses: tuple[str, ...]
    specs: Mapping[str, EncoderSpec]
    network: Network
    support: Mapping[str, Mapping[str, Support]]
    thresholds: Mapping[str, float]
    prevalence: Mapping[str, float]
    envelopes: Mapping[str, Envelope]
    set_rules: Mapping[str, SetRule]
    study: StudyConfig
    facts: Mapping[str, Any]
    identity: ModelIdentity
    ages: AgeRange = ANY_AGE
    conflict: Rules | None = None
    mirror: mirrored.Rule | None = None


def build(
    *,
    name: str,
    diagnoses: Sequence[str],
    specs: Mapping[str, EncoderSpec],
    network: Network,
    support: Mapping[str, Mapping[str, Support]],
    thresholds: Mapping[str, float],
    prevalence: Mapping[str, float],
    envelopes: Mapping[str, Envelope],
    set_rules: Mapping[str, SetRule],
    study: StudyConfig,
    facts: Mapping[str, Any],
    conflict: Rules | None = None,
) -> Model:
    """Put a trained model together and give it its identity."""
    model = Model(
        name,
        tuple(diagnoses),
        dict(specs),
        network.eval(),
        support,
        thresholds,
        prevalence,
        envelopes,
        set_rules,
        study,
        facts,
        ModelIdentity(name, "", config.config_digest(study)),
        ages.stated({"facts": facts}),
        conflict,
    )
    digest = canonical.digest(_description(model, canonical.sha256(_weights(model))))
    identity = ModelIdentity(name, digest, model.identity.configuration_digest)
    return replace(model, identity=identity)


def save(model: Model, folder: Path) -> None:
    """Write a checkpoint; the JSON last, so that a half-written one does not load."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = _weights(model)
    (folder / _WEIGHTS).write_bytes(weights)
    for spec in model.specs.values():
        carried.carry(spec.settings, folder)
    described = _description(model, canonical.sha256(weights))
    text = json.dumps({**described, "digest": model.identity.digest}, indent=1, sort_keys=True)
    (folder / _JSON).write_text(text + "\n", encoding="utf-8")


def _weights(model: Model) -> bytes:
    tensors = {f"network.{k}": v.contiguous() for k, v in model.network.state_dict().items()}
    for name, envelope in model.envelopes.items():
        for part in ("mean", "whitening"):
            array = np.ascontiguousarray(getattr(envelope, part))
            tensors[f"envelope.{name}.{part}"] = torch.from_numpy(array)
    if (plain := model.network.fusion.plain) is not None:
        tensors |= {f"plain.{k}": v.contiguous() for k, v in plain_readers.tensors(plain).items()}
    return bytes(save_tensors(tensors))


def _description(model: Model, weights_sha256: str) -> dict[str, Any]:
    plain = model.network.fusion.plain
    return {
        # Models from before these keep the description that they were recorded with.
        **({} if plain is None else {"plain": plain_readers.description(plain)}),
        **({} if model.conflict is None else {"conflict": conflicts.described(model.conflict)}),
        "format": FORMAT,
        "name": model.name,
        "diagnoses": list(model.diagnoses),
        "weights_sha256": weights_sha256,
        "backbones_sha256": backbone_digests(model.specs),
        "encoders": {
            name: {"encoder": spec.encoder, "settings": settings_json(spec.settings)}
            for name, spec in model.specs.items()
        },
        "modalities": list(model.specs),
        "support": {
            pattern: {name: asdict(support) for name, support in row.items()}
            for pattern, row in model.support.items()
        },
        "thresholds": dict(model.thresholds),
        "prevalence": dict(model.prevalence),
        "envelopes": {
            name: {"limit": envelope.limit} for name, envelope in model.envelopes.items()
        },
        "set_rules": {pattern: asdict(rule) for pattern, rule in model.set_rules.items()},
        # Where the cohort lay on the training machine is nobody's business.
        "study": config.to_json(config.with_cohort_path(model.study, _name_of(model.study))),
        "facts": dict(model.facts),
    }


def parts(model: Model) -> dict[str, str]:
    """Part of a model to the SHA-256 that names it: what `Model.identity.digest` covers, apart.

    `weights` is that of the file of weights; `backbone NAME` of frozen weights that come with the
    package; the others of the canonical JSON of what model.json holds.
    """
    described = _description(model, canonical.sha256(_weights(model)))
    named = {
        "weights": described["weights_sha256"],
        **({} if model.mirror is None else {"mirrored": mirrored.digest(model.mirror)}),
        "preprocessing": canonical.digest([described["modalities"], described["encoders"]]),
        "calibration": canonical.digest([described["support"], described["set_rules"]]),
        "thresholds": canonical.digest(described["thresholds"]),
        "ages": canonical.digest([model.ages.low, model.ages.high]),
    }
    if model.conflict is not None:
        named["conflict"] = canonical.digest(conflicts.described(model.conflict))
    frozen = described["backbones_sha256"]
    return named | {f"backbone {name}": digest for name, digest in frozen.items()}


def _name_of(study: StudyConfig) -> str:
    return Path(study.cohort.path).name


def settings_json(settings: Any) -> dict[str, Any]:
    """Settings of an encoder as a checkpoint describes them, JSON-compatible."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    # A setting that came later is written only where it is used: models from before it keep the
    # description, and so the digests, that they were recorded with.
    return {
        f.name: plain(getattr(settings, f.name))
        for f in fields(settings)
        if not f.metadata.get(PLACE)
        and not (f.metadata.get(LATER) and getattr(settings, f.name) == f.default)
    }


def backbone_digests(specs: Mapping[str, EncoderSpec]) -> dict[str, str]:
    """Encoder name to SHA-256 of its frozen weights."""
    files = {spec.encoder: _weights_files(spec) for spec in specs.values()}
    return {name: carried.digest_of(frozen) for name, frozen in files.items() if frozen}


def _weights_files(spec: EncoderSpec) -> tuple[Path, ...]:
    found = getattr(encoder(spec.encoder), "weights_files", None)
    return () if found is None else tuple(found(spec.settings))


def load(folder: Path) -> Model:
    """Load a checkpoint and check every digest in it.

    Raises:
        ModelError: if it is absent, altered, of another format, or its backbones differ from the
            installed ones.
    """
    try:
        data = json.loads((folder / _JSON).read_text(encoding="utf-8"))
        weights = (folder / _WEIGHTS).read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} holds no model: {Path(error.filename).name} is missing.",
            remedy="give a folder written by `triptych train`",
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ModelError(
            f"{folder / _JSON} is not JSON.", remedy="train or copy it again"
        ) from None
    if data.get("format") != FORMAT:
        raise ModelError(
            f"{folder} has format {data.get('format')}, not {FORMAT}.", remedy="train it again"
        )
    if canonical.sha256(weights) != data["weights_sha256"]:
        raise ModelError(
            f"{folder / _WEIGHTS} is not what model.json describes (SHA-256 differs).",
            remedy="copy the checkpoint again",
        )
    try:
        model = _rebuild(data, weights, folder)
    except (KeyError, TypeError, RuntimeError, ConfigError):
        raise ModelError(
            f"{folder / _JSON} does not describe these weights.", remedy="copy the checkpoint again"
        ) from None
    described = {key: value for key, value in data.items() if key != "digest"}
    if canonical.digest(described) != data.get("digest"):
        raise ModelError(
            f"{folder / _JSON} was changed after training (its digest differs).",
            remedy="copy the checkpoint again, or train it again",
        )
    return replace(
        model,
        identity=_identity(data),
        ages=ages.stated(data, folder),
        conflict=conflicts.stated(data, folder),
        mirror=mirrored.stated(folder, str(data["digest"])),
    )


def _identity(data: Mapping[str, Any]) -> ModelIdentity:
    """As it was given: a setting that came after the training must not rename the same weights."""
    return ModelIdentity(data["name"], data["digest"], config.json_digest(data["study"]))


def _rebuild(data: Mapping[str, Any], weights: bytes, folder: Path) -> Model:
    specs = {
        name: _spec(
            data["encoders"][name]["encoder"],
            carried.placed(data["encoders"][name]["settings"], folder),
        )
        for name in data["modalities"]
    }
    installed = backbone_digests(specs)
    for name, digest in data["backbones_sha256"].items():
        if installed[name] != digest:
            raise ModelError(
                f"{folder} was trained on other frozen weights for {name!r} than are installed.",
                remedy="install the versions in constraints.txt",
            )
    study = config.from_json(carried.study_placed(_as_written_now(data["study"]), folder))
    network = Network(specs, len(data["diagnoses"]), study.model)
    try:
        tensors = load_tensors(weights)
    except SafetensorError:
        raise ModelError(f"{folder / _WEIGHTS} is broken.", remedy="copy it again") from None
    state = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
    network.load_state_dict(state)
    if "plain" in data:
        kept = {k.removeprefix("plain."): v for k, v in tensors.items() if k.startswith("plain.")}
        network.fusion.plain = plain_readers.rebuilt(data["plain"], kept)
    envelopes = {
        name: _envelope(tensors, f"envelope.{name}.", limits)
        for name, limits in data["envelopes"].items()
    }
    support = {
        pattern: {name: Support(**values) for name, values in row.items()}
        for pattern, row in data["support"].items()
    }
    return build(
        name=data["name"],
        diagnoses=data["diagnoses"],
        specs=specs,
        network=network,
        support=support,
        thresholds=data["thresholds"],
        prevalence=data["prevalence"],
        envelopes=envelopes,
        set_rules={pattern: SetRule(**rule) for pattern, rule in data["set_rules"].items()},
        study=study,
        facts=data["facts"],
        conflict=conflicts.stated(data),
    )


def _as_written_now(study: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of an earlier checkpoint under the names that its keys have now."""
    stated = study.get("evaluation", {})
    evaluation = {config.RENAMED.get(key, key): value for key, value in stated.items()}
    # Before simple models taught, every training was without them.
    training = {"teachers": False, **study.get("training", {})}
    return {**study, "evaluation": evaluation, "training": training}


def _envelope(tensors: Mapping[str, Tensor], prefix: str, limits: Mapping[str, float]) -> Envelope:
    def array(part: str) -> NDArray[np.float32]:
        return cast(NDArray[np.float32], tensors[prefix + part].numpy())

    return Envelope(array("mean"), array("whitening"), limits["limit"])


def _spec(name: str, settings: Mapping[str, Any]) -> EncoderSpec:
    return EncoderSpec(name, encoder(name).Settings(**settings))
