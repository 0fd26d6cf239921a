"""The card of a model as a document that goes with what the model said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clinical.case.assessment import ModelIdentity
from clinical.errors import ConfigError
from clinical.model import installed

Format = Literal["AIModelCardMarkdownFormat", "AImodelCardCHAIformat"]

_KINDS: dict[str, tuple[Format, str]] = {
    ".md": ("AIModelCardMarkdownFormat", "text/markdown"),
    ".xml": ("AImodelCardCHAIformat", "application/xml"),
}


@dataclass(frozen=True)
class ModelCard:
    """One document.

    Attributes:
        format: as AI Transparency on FHIR calls it: Markdown, or the applied model card of the
            Coalition for Health AI.
        content_type: MIME type.
        data: the document.
    """

    format: Format
    content_type: str
    data: bytes


def from_file(path: Path) -> ModelCard:
    """A card from a file: .md, or the model_card.xml that a study writes.

    Raises:
        ConfigError: if it is neither, or cannot be read.
    """
    if path.suffix not in _KINDS:
        raise ConfigError(
            f"{path} is no model card.", remedy="give a .md file, or the model_card.xml of a study."
        )
    kind, content_type = _KINDS[path.suffix]
    try:
        return ModelCard(kind, content_type, path.read_bytes())
    except OSError:
        raise ConfigError(f"{path} cannot be read.", remedy="check its path and rights.") from None


def of_installed(model: ModelIdentity | None, folder: Path | None = None) -> Iterator[ModelCard]:
    """The card of a model that is here, by its digest; none if it is not.

    Args:
        model: which one.
        folder: of the workspace, whose models count, too.
    """
    for found in installed.known(folder):
        if model is not None and found.digest == model.digest and found.words:
            kind, content_type = _KINDS[".md"]
            yield ModelCard(kind, content_type, found.words.encode())
