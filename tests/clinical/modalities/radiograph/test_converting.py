"""Weights of others become safetensors: nothing in a file is run, every mismatch is named."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from clinical import canonical
from clinical.errors import ConfigError
from clinical.modalities.radiograph import backbone_file, converting
from clinical.modalities.radiograph.backbones import network_of, recipe_named

XRV = recipe_named("torchxrayvision-densenet121")


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """As torchxrayvision names them."""
    own = network_of(XRV).state_dict()
    named = {f"features.{name.replace('.layers.', '.')}": tensor for name, tensor in own.items()}
    return {**named, "classifier.weight": torch.zeros(18, 1024), "classifier.bias": torch.ones(18)}


def test_names_of_others_become_ours(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({"state_dict": {f"module.{n}": w for n, w in weights.items()}}, tmp_path / "in.pt")
    out = tmp_path / "out.safetensors"
    found = converting.convert(tmp_path / "in.pt", XRV, out)
    assert found.sha256 == canonical.sha256(out.read_bytes())
    assert found.left_out == ("classifier.bias", "classifier.weight")
    assert backbone_file.recipe_in(out) == XRV
    named = "denseblock2.denselayer3.layers.conv1.weight"
    assert torch.equal(load_file(out)[named], weights[f"features.{named.replace('.layers.', '.')}"])


def test_a_pickle_with_code_is_not_opened(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (ran,)

    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Payload()))
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")  # a whole network, as some publish it
    torch.save({"state_dict": Payload()}, tmp_path / "hidden.pt")
    for name in ("plain.pkl", "module.pt", "hidden.pt"):
        with pytest.raises(ConfigError, match="holds code as well as numbers") as caught:
            converting.convert(tmp_path / name, XRV, tmp_path / "out.safetensors")
        assert "model.state_dict()" in caught.value.remedy
    assert not ran.exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_every_mismatch_is_named(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    spoilt = {name: w.clone() for name, w in weights.items()}
    spoilt.pop("features.norm5.weight")
    spoilt["features.conv0.weight"] = torch.zeros(64, 3, 7, 7)
    spoilt["extra.weight"] = torch.zeros(1)
    save_file(spoilt, tmp_path / "in.safetensors")
    with pytest.raises(ConfigError) as caught:
        converting.convert(tmp_path / "in.safetensors", XRV, tmp_path / "out.safetensors")
    for said in (
        "missing: norm5.weight [1024]",
        "of another shape: conv0.weight [64, 3, 7, 7] instead of [64, 1, 7, 7]",
        "not of this network: extra.weight",
    ):
        assert said in caught.value.message


def test_counts_that_old_files_lack_are_not_missed(
    weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    old = {name: w for name, w in weights.items() if not name.endswith("num_batches_tracked")}
    save_file(old, tmp_path / "in.safetensors")
    converting.convert(tmp_path / "in.safetensors", XRV, tmp_path / "out.safetensors")
    backbone_file.network(tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.pt", b"no numbers at all", "is no file of weights|holds code"),
        ("text.safetensors", b"no numbers at all", "is no file of weights"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        converting.convert(tmp_path / name, XRV, tmp_path / "out.safetensors")


def test_a_file_without_names_is_refused(tmp_path: Path) -> None:
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    for name, said in (("list.pt", "no named tensors"), ("none.pt", "does not exist")):
        with pytest.raises(ConfigError, match=said):
            converting.convert(tmp_path / name, XRV, tmp_path / "out.safetensors")
    with pytest.raises(ConfigError, match="does not end with"):
        converting.convert(tmp_path / "list.pt", XRV, tmp_path / "out.pt")
