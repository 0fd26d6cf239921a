"""`triptych weights`: what is printed is what a study file needs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_backbone import TINY

from clinical import canonical
from clinical.modalities.radiograph.backbone_file import recipe_in
from clinical.modalities.radiograph.backbones import network_of
from pipelines.cli import main

RECIPE = """\
name = "tiny"
network = "DenseNet"
layer = "features"
mean = [0.5]
std = [0.25]
image_size = 64

[arguments]
spatial_dims = 2
in_channels = 1
out_channels = 2
init_features = 8
growth_rate = 4
block_config = [1, 1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    torch.save(network_of(TINY).state_dict(), tmp_path / "tiny.pt")
    return tmp_path


def convert(folder: Path, *how: str) -> int:
    return main(
        ["weights", "convert", str(folder / "tiny.pt"), f"--out={folder / 'o.safetensors'}", *how],
        {},
    )


def test_a_network_of_monai_is_converted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(folder, f"--recipe={folder / 'tiny.toml'}") == 0
    said = capsys.readouterr().out
    out = folder / "o.safetensors"
    assert f"SHA-256 {canonical.sha256(out.read_bytes())}" in said
    assert '[model.radiograph]\nbackbone = "tiny"\nweights = "o.safetensors"' in said
    assert recipe_in(out).features == 10


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ([], "one of the two"),
        (["--backbone=dinov2-small"], "missing: embeddings.cls_token [1, 1, 384]"),
        (["--backbone=eva-x"], "timm"),
    ],
)
def test_what_cannot_be_is_said(
    folder: Path, how: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(folder, *how) == 1
    assert said in capsys.readouterr().err
    assert not (folder / "o.safetensors").exists()


def test_the_networks_are_listed_with_their_licences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"], {}) == 0
    said = capsys.readouterr().out
    assert "rad-dino: images of 518 pixels, 768 features in each cell of 14; 3 channels" in said
    assert "less 0.5307, divided by 0.2583" in said
    assert "not eva-x" in said
