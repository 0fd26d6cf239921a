"""Backbones of others: fed and read as their authors do, with random weights against their code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_backbone import TINY
from torch import nn
from transformers import (
    BitImageProcessorPil,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
)

from clinical.case.shapes import Array, Arrays
from clinical.errors import ConfigError
from clinical.modalities.radiograph import backbone_file, converting, encoder
from clinical.modalities.radiograph.backbones import (
    DINOV2,
    RECIPES,
    REGISTERS,
    Recipe,
    feature_grid,
    measured,
    network_of,
    recipe_named,
)
from clinical.modalities.radiograph.encoder import Settings

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 70,
    "patch_size": 14,
}
OWN = {
    DINOV2: lambda: Dinov2Model(Dinov2Config(**SMALL)),
    REGISTERS: lambda: Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SMALL)),
}
FILM = Array(np.linspace(0, 4095, 90 * 70, dtype=np.float32).reshape(90, 70))


def small(family: str) -> Recipe:
    named = RECIPES["rad-dino" if family == DINOV2 else f"{REGISTERS}-base"]
    return replace(named, name=f"small {family}", image_size=70, features=32, arguments=SMALL)


def randomised(network: nn.Module) -> nn.Module:
    """Every parameter and buffer drawn anew, so that no part passes because it does nothing."""
    torch.manual_seed(5)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 0.9)
    return network.eval()


@pytest.mark.parametrize("family", sorted(OWN))
def test_a_vision_transformer_gives_what_transformers_gives(family: str, tmp_path: Path) -> None:
    theirs = randomised(OWN[family]())
    theirs.save_pretrained(tmp_path)  # type: ignore[operator]
    recipe = small(family)
    converting.convert(tmp_path / "model.safetensors", recipe, tmp_path / "out.safetensors")
    images = torch.rand(2, 3, 84, 84)
    with torch.inference_mode():
        whole = theirs(pixel_values=images).last_hidden_state
        found = feature_grid(recipe, backbone_file.network(tmp_path / "out.safetensors"), images)
    assert found.shape == (2, 32, 6, 6)
    torch.testing.assert_close(found.flatten(2).transpose(1, 2), whole[:, -36:])


def test_rad_dino_is_fed_as_its_own_preprocessor_would() -> None:
    """With the numbers of its preprocessor_config.json, in transformers' own processor."""
    levels = np.random.default_rng(0).integers(0, 256, size=(518, 518), dtype=np.uint8)
    theirs = BitImageProcessorPil(
        size={"shortest_edge": 518},
        crop_size={"height": 518, "width": 518},
        image_mean=[0.5307] * 3,
        image_std=[0.2583] * 3,
    )
    wanted = theirs(np.stack([levels] * 3, axis=-1), return_tensors="pt")["pixel_values"]
    grey = torch.from_numpy(levels.astype(np.float32) / 255)[None, None]
    recipe = recipe_named("rad-dino")
    torch.testing.assert_close(recipe.normalised(grey), wanted)
    assert recipe.image_size == 518


def test_torchxrayvision_gives_the_same_features(tmp_path: Path) -> None:
    theirs = pytest.importorskip(
        "torchxrayvision",
        reason="torchxrayvision is not installed: it needs torchvision, which does not install"
        " beside this PyTorch",
    )
    network = randomised(theirs.models.DenseNet(num_classes=18, in_channels=1))
    torch.save(network.state_dict(), tmp_path / "theirs.pt")
    recipe = recipe_named("torchxrayvision-densenet121")
    out = tmp_path / "out.safetensors"
    assert converting.convert(tmp_path / "theirs.pt", recipe, out).left_out == (
        "classifier.bias",
        "classifier.weight",
    )
    levels = np.random.default_rng(0).integers(0, 256, size=(224, 224)).astype(np.float32)
    fed = torch.from_numpy(theirs.utils.normalize(levels, 255))[None, None]
    ours = recipe.normalised(torch.from_numpy(levels / 255)[None, None])
    torch.testing.assert_close(ours, fed, rtol=0, atol=1e-3)
    with torch.inference_mode():
        found = feature_grid(recipe, backbone_file.network(out), fed)
        torch.testing.assert_close(found.mean(dim=(2, 3)), network.features2(fed))
    assert found.shape == (1, 1024, 7, 7)


def test_white_and_black_are_what_torchxrayvision_calls_them() -> None:
    recipe = recipe_named("torchxrayvision-densenet121")
    grey = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 1, 3)
    assert recipe.normalised(grey).flatten().tolist() == [-1024, 0, 1024]
    assert recipe.normalisation == "1 channel: grey from 0 to 1, less 0.5, divided by 0.000488281"


def test_a_network_of_monai_says_its_own_grid() -> None:
    recipe = measured(TINY)
    assert (recipe.stride, recipe.features, recipe.fixed) == (8, 10, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"network": "DenseNet12"}, "no network 'DenseNet12'"),
        ({"layer": "feature"}, "no layer 'feature'.*features"),
        ({"layer": "class_layers"}, "no square grid"),
        ({"arguments": {"spatial_dims": 2}}, "cannot be built"),
        ({"arguments": {**TINY.arguments, "pretrained": True}}, "would download weights"),
        ({"mean": (0.5, 0.5), "std": (1.0, 1.0)}, "does not read images"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        measured(replace(TINY, **changed))  # type: ignore[arg-type]


def test_eva_x_is_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="timm"):
        recipe_named("EVA_X_small")
    with pytest.raises(ConfigError, match="did you mean 'rad-dino'"):
        recipe_named("raddino")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "tiny.safetensors"
    recipe = measured(TINY)
    backbone_file.write(file, recipe, randomised(network_of(recipe)).state_dict())
    return Settings(width=16, components=8, backbone="tiny", weights=str(file))


def test_an_image_becomes_patches_of_the_backbone(settings: Settings) -> None:
    prepared = encoder.prepare(Arrays((FILM,)), settings)
    assert settings.image_size == 64
    assert prepared.features["patch"].shape == (64, 10)
    assert prepared.sources[-1].cell == (7, 7)
    maps, items = encoder.evidence("image", np.arange(64.0), prepared, 1.0)
    assert (len(maps[0].values), len(items)) == (8, 0)
    assert maps[0].box == (0, -10, 90, 80)
    assert encoder.weights_files(settings) == (Path(settings.weights),)


def test_features_beyond_half_precision_stay_finite(tmp_path: Path) -> None:
    file = tmp_path / "loud.safetensors"
    recipe = measured(TINY)
    loud = {name: w * 1e4 for name, w in randomised(network_of(recipe)).state_dict().items()}
    backbone_file.write(file, recipe, loud)
    found = encoder.prepare(Arrays((FILM,)), Settings(backbone="tiny", weights=str(file)))
    assert np.isfinite(found.features["patch"]).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"backbone": "rad-dino"}, "holds weights of 'tiny'"),
        ({"backbone": ""}, "backbone is missing"),
        ({"weights": ""}, "weights is missing"),
        ({"weights": "nowhere.safetensors"}, r"nowhere\.safetensors is missing"),
        ({"image_size": 96}, "this backbone reads 64"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    settings: Settings, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        replace(settings, **changed)  # type: ignore[arg-type]


def test_another_size_is_a_multiple_of_the_patch(tmp_path: Path) -> None:
    recipe = small(DINOV2)
    file = tmp_path / "small.safetensors"
    backbone_file.write(file, recipe, network_of(recipe).state_dict())
    named = Settings(backbone=recipe.name, weights=str(file), image_size=84)
    assert encoder.cells_of(named) == 6
    with pytest.raises(ConfigError, match="multiple of 14"):
        replace(named, image_size=90)


def test_a_file_that_was_not_converted_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "plain.safetensors")
    (tmp_path / "text.safetensors").write_text("no numbers")
    for name in ("plain", "text"):
        with pytest.raises(ConfigError, match="not written by `triptych weights convert`"):
            Settings(backbone="rad-dino", weights=str(tmp_path / f"{name}.safetensors"))
