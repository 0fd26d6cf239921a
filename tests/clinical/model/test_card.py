"""What a checkpoint says of itself, without loading it."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.errors import ModelError
from clinical.model import card, model


def test_the_shipped_model_is_installed_and_keeps_the_identity_of_its_training() -> None:
    (shipped,) = card.installed()
    loaded = model.load(shipped.folder).identity

    assert (shipped.name, shipped.digest) == (loaded.name, loaded.digest)
    assert loaded.digest in shipped.words
    assert loaded.configuration_digest in shipped.words


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert card.installed(tmp_path) == []
    with pytest.raises(ModelError, match=r"holds no model\.json"):
        card.read(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "x"}'])
def test_what_does_not_describe_a_model(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match="does not describe a model"):
        card.read(tmp_path)
