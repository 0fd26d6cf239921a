"""A pytest plugin (`-p with_capnogram`): the example of a modality, as if it lay in the program.

A modality is found because its folder lies in clinical/modalities, and a panel because it lies in
ui/panels; here both packages are given a second folder each, before anything asks.
"""

from __future__ import annotations

from pathlib import Path

import clinical.modalities
import ui.panels

EXAMPLE = Path(__file__).parents[1] / "examples" / "add_a_modality"

clinical.modalities.__path__.append(str(EXAMPLE / "modalities"))
ui.panels.__path__.append(str(EXAMPLE / "panels"))
