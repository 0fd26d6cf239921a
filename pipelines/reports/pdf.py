"""A report for print: `report.pdf`, set by typst.

PDF/A-2a (ISO 19005-2, archival) and PDF/UA-1 (ISO 14289-1, accessible), with the font inside. The
same document gives the same bytes: there is no time and no path in it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typst

from clinical.export.glyphs import FONT_FILES, REGULAR, breakable, drawable
from clinical.wording import RESEARCH_USE
from clinical.workspace import scratch
from pipelines.reports.blocks import Document
from pipelines.reports.figures.figure import FONTS

HERE = Path(__file__).parent
TEMPLATE = "report.typ"
FONT = "Liberation Sans"
REPORT = "report.pdf"


def printed(written: Document) -> bytes:
    """A report as PDF. A character that the font does not have is shown as a question mark."""
    with scratch.folder() as root:
        for name, figure in written.pictures.items():
            own = drawable(figure.svg.replace(FONTS, FONT), REGULAR)
            (root / f"{name}.svg").write_text(own, encoding="utf-8")
        data = json.dumps(_shown(_data(written)))
        (root / "report.json").write_text(data, encoding="utf-8")
        (root / TEMPLATE).write_bytes((HERE / TEMPLATE).read_bytes())
        return _compiled(root)


def _compiled(root: Path) -> bytes:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONT_FILES]
    )
    # Packages would come from the network; there is no place that they could be in.
    nowhere = root / "no-packages"
    compiler = typst.Compiler(
        root / TEMPLATE,
        root=root,
        font_paths=fonts,
        package_path=nowhere,
        package_cache_path=nowhere,
    )
    made = compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"])
    if not isinstance(made, bytes):
        raise TypeError("typst did not give one file")
    return made


def _shown(value: Any) -> Any:
    """The same values with texts that the font can draw."""
    match value:
        case str():
            return breakable(drawable(value, REGULAR))
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
        case _:
            return value


def _data(written: Document) -> dict[str, Any]:
    return {
        "title": written.title,
        "lead": written.lead,
        "notice": RESEARCH_USE,
        "font": FONT,
        "blocks": [asdict(block) for block in written.blocks],
        "pictures": {
            name: {"width": figure.width, "height": figure.height, "words": figure.words}
            for name, figure in written.pictures.items()
        },
    }
