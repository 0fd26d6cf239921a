"""A report for a screen: one HTML file that needs nothing but a browser.

It loads nothing: styles and figures are inside, there is no
script, and a strict content security policy says so to the browser. All text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clinical.wording import RESEARCH_USE
from pipelines.reports.blocks import Document
from pipelines.reports.figures.figure import Figure

TEMPLATE = Path(__file__).with_name("report.html.jinja")
STYLES = Path(__file__).with_name("report.css")
REPORT = "report.html"


def page(written: Document) -> str:
    """The report as HTML."""
    return rendered(
        TEMPLATE,
        title=written.title,
        lead=written.lead,
        blocks=[asdict(block) for block in written.blocks],
        pictures={name: _inline(figure) for name, figure in written.pictures.items()},
    )


def rendered(
    template: Path, *, looks: Sequence[Path] = (STYLES,), images: bool = False, **values: Any
) -> str:
    """One self-contained page in the look of the report.

    Args:
        template: its Jinja file.
        looks: its style sheets.
        images: whether the policy lets the page show pictures that are inside it.
        values: for the template, beside `research_use`, `styles` and `policy`.
    """
    css = "\n".join(sheet.read_text(encoding="utf-8") for sheet in looks)
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(
        research_use=RESEARCH_USE,
        policy=_policy(css, images=images),
        styles=Markup(css),  # noqa: S704  (our own file, and the policy holds its digest)
        **values,
    )


def _inline(figure: Figure) -> Markup:
    return Markup(figure.svg)  # noqa: S704  (drawn here, and every text in it is escaped)


def _policy(styles: str, *, images: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    shown = "img-src data:; " if images else ""
    return (
        f"default-src 'none'; {shown}style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
