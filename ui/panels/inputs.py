"""Which panels show the inputs of a case: every module of this folder that says what it reads.

Such a module has `READS`, names of modalities (`clinical.modalities.kit`), `PLACE`, where on the
page it stands, and `render`. A new modality brings its panel as one file here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Literal, Protocol, cast

import ui.panels
from clinical.case.assessment import Assessment, Explanation
from clinical.case.case import Case
from clinical.modalities.kit import read_by

Place = Literal["left", "middle", "right", "below"]


class InputPanel(Protocol):
    """A module that shows inputs.

    Attributes:
        READS: modalities that it shows.
        PLACE: "left" is the film's, "middle" for what is measured and "right" for what is told,
            which stand beside the film or below it; "below" takes nothing where the case has none.
    """

    READS: Sequence[str]
    PLACE: Place

    def render(
        self,
        case: Case,
        assessment: Assessment | None,
        explanation: Explanation | None,
        diagnosis: str,
    ) -> None:
        """Show what it reads of a case, coloured by what the selected diagnosis rests on."""


@cache
def panels() -> tuple[InputPanel, ...]:
    """All of them, by name."""
    names = [info.name for info in pkgutil.iter_modules(ui.panels.__path__)]
    modules = [importlib.import_module(f"ui.panels.{name}") for name in sorted(names)]
    return tuple(cast(InputPanel, module) for module in modules if hasattr(module, "READS"))


def at(place: Place, case: Case) -> list[InputPanel]:
    """The panels of a place; of those below, the ones that the case has something for."""
    here = [panel for panel in panels() if place == panel.PLACE]
    return here if place != "below" else [panel for panel in here if _has(case, panel)]


def given(place: Place, case: Case) -> bool:
    """Whether the case has something for the panels of a place."""
    return any(place == panel.PLACE and _has(case, panel) for panel in panels())


def _has(case: Case, panel: InputPanel) -> bool:
    return any(kit.name in panel.READS for kit, _, _ in read_by(case))
