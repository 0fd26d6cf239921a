"""What a checkpoint says about itself, read without loading it and without torch.

The words in `Card` are what its model.json claims. Whether weights and digests hold is checked when
the model is loaded (`clinical.model.model.load`), not here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.errors import ModelError
from clinical.model import ages
from clinical.model.ages import ANY_AGE, AgeRange

CHECKPOINTS = Path(__file__).parent / "checkpoints"
SHIPPED_MODEL = CHECKPOINTS / "first-light"
ON_REQUEST = CHECKPOINTS / "on-request"
"""Models that come with this installation and are asked only where they were added."""

DESCRIPTION, WORDS = "model.json", "MODEL_CARD.md"


@dataclass(frozen=True)
class Card:
    """One checkpoint.

    Attributes:
        folder: that holds it.
        name, digest: its identity, as assessments name it.
        description: model.json, as `clinical.model.model.save` wrote it.
        words: the text of its model card, or "".
        ages: those that the model may speak of.
    """

    folder: Path
    name: str
    digest: str
    description: Mapping[str, Any]
    words: str
    ages: AgeRange = ANY_AGE


def read(folder: Path) -> Card:
    """The card of the checkpoint in `folder`.

    Raises:
        ModelError: if there is none, or it is not JSON with a name and a digest.
    """
    file, words = folder / DESCRIPTION, folder / WORDS
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        name, digest = str(description["name"]), str(description["digest"])
        text = words.read_text(encoding="utf-8") if words.is_file() else ""
    except FileNotFoundError:
        raise ModelError(
            f"{folder} holds no {DESCRIPTION}.",
            remedy="give a folder written by `triptych train`",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{file} does not describe a model.", remedy="copy it again") from None
    return Card(folder, name, digest, description, text, ages.stated(description, folder))


def installed(root: Path = CHECKPOINTS) -> list[Card]:
    """The checkpoints that come with this installation and are asked, by name; none is no error."""
    return [read(file.parent) for file in sorted(root.glob(f"*/{DESCRIPTION}"))]


def on_request() -> list[Card]:
    """The checkpoints that come with this installation and have to be added, by name."""
    return installed(ON_REQUEST)
