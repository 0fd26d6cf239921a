"""The report of a study for a screen: one HTML file that needs nothing but a browser.

It is made from `metrics.json` alone and loads nothing: styles and figures are inside, there is no
script, and a strict content security policy says so to the browser. All text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clinical.wording import RESEARCH_USE
from pipelines.study.blocks import Document

HERE = Path(__file__).parent
TEMPLATE, STYLES = "report.html.jinja", "report.css"
REPORT = "report.html"


def files(metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """The report and its figures: name to content. The flow has a file of its own already.

    Args:
        metrics: `metrics.json` (`pipelines.study.judging`).
    """
    # Here, so that other reports are printed without what reads a study, which loads torch.
    from pipelines.study.document import document
    from pipelines.study.pictures import FLOW

    written = document(metrics)
    figures = {
        f"figures/{name}.svg": svg.encode()
        for name, svg in written.pictures.items()
        if name != FLOW
    }
    return {REPORT: page(written).encode(), **figures}


def page(written: Document) -> str:
    """The report as HTML."""
    return rendered(
        TEMPLATE,
        title=written.title,
        lead=written.lead,
        blocks=[asdict(block) for block in written.blocks],
        pictures={name: _inline(svg) for name, svg in written.pictures.items()},
    )


def rendered(
    template: str, *, looks: Sequence[str] = (STYLES,), images: bool = False, **values: Any
) -> str:
    """One self-contained page in the look of the report.

    Args:
        template: a file beside or below this one.
        looks: style sheets beside or below this one.
        images: whether the policy lets the page show pictures that are inside it.
        values: for the template, beside `research_use`, `styles` and `policy`.
    """
    css = "\n".join((HERE / name).read_text(encoding="utf-8") for name in looks)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        research_use=RESEARCH_USE,
        policy=_policy(css, images=images),
        styles=Markup(css),  # noqa: S704  (our own file, and the policy holds its digest)
        **values,
    )


def _inline(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704  (drawn here, and every text in it is escaped)


def _policy(styles: str, *, images: bool) -> str:
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    shown = "img-src data:; " if images else ""
    return (
        f"default-src 'none'; {shown}style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
