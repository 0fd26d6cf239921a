"""Where networks run: the processor is the reference, a GPU is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from clinic_of_two import STUDY, make_dataset

from clinical import config
from clinical.errors import ConfigError
from clinical.modalities import devices
from clinical.model.model import Model
from pipelines.folds.splits import hold_out
from pipelines.training.train import prepare_cached, train_model

GPU = next((kind for kind in ("cuda", "mps") if getattr(torch, kind).is_available()), "")


def there(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_is_the_first_that_is_there(
    monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool, wanted: str
) -> None:
    there(monkeypatch, cuda=cuda, mps=mps)
    assert devices.chosen("auto").type == wanted
    assert devices.chosen("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    there(monkeypatch)
    with pytest.raises(ConfigError, match="finds none on this machine"):
        devices.chosen("cuda")


def test_networks_go_back_to_the_processor() -> None:
    with devices.using(torch.device("meta")):
        assert devices.current().type == "meta"
    assert devices.current().type == "cpu"


def test_precision_is_mixed_on_a_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, torch.dtype]] = []
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype: asked.append((kind, dtype)))
    for kind in ("cpu", "cuda", "mps"):
        for learning in (True, False):
            devices.mixed(torch.device(kind), learning=learning)
    assert asked == [
        ("cuda", torch.bfloat16),
        ("cuda", torch.float16),
        ("mps", torch.bfloat16),
        ("mps", torch.float16),
    ]


def test_the_processor_keeps_the_digests_of_studies() -> None:
    written = config.to_json(STUDY)
    assert "device" not in written["training"]
    assert config.from_json(written).training.device == "cpu"
    on_any = replace(STUDY, training=replace(STUDY.training, device="auto"))
    assert config.from_json(config.to_json(on_any)).training.device == "auto"
    assert config.training_digest(on_any) != config.training_digest(STUDY)


def test_nothing_of_a_step_stays_behind_on_the_processor(model_of_two: Model) -> None:
    """On PyTorch's device without numbers, which refuses to meet tensors of another one."""
    cases = [prepare_cached(one, model_of_two.specs)[0] for one in make_dataset(6).cases]
    network = model_of_two.network.__class__(model_of_two.specs, 2, STUDY.model).to("meta")
    tokens = network.encode(cases)
    logits, attentions = network(tokens)
    assert {one.device.type for one in (logits, tokens.mask, *attentions)} == {"meta"}
    logits.sum().backward()
    assert network.fusion.bias.grad is not None


@pytest.mark.skipif(not GPU, reason="PyTorch finds no GPU on this machine")
def test_a_gpu_learns_what_the_processor_learns() -> None:
    dataset = make_dataset(120)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    short = replace(STUDY, training=replace(STUDY.training, alone_epochs=4, epochs=2))
    areas = []
    for name in ("cpu", GPU):
        study = replace(short, training=replace(short.training, device=name))
        model = train_model(dataset, training, validation, study)
        assert model.network.fusion.bias.device.type == "cpu"
        areas.append([one.auroc or 0 for one in model.support["history+measurements"].values()])
    np.testing.assert_allclose(*areas, atol=0.05)
