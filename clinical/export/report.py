"""The readable report: one HTML file that needs nothing but a browser.

It loads nothing: styles and pictures are inside, there is no script, and a strict content security
policy says so to the browser. All text is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clinical.audit.verify import Verdict
from clinical.export.case_page import CasePage, SpoiledCase
from clinical.export.wording import moment
from clinical.wording import RESEARCH_USE, words

HERE = Path(__file__).parent
TEMPLATE = "report.html.jinja"
STYLES = "report.css"


@dataclass(frozen=True)
class SummaryRow:
    """One line of the list at the front."""

    case_id: str
    decision_time: str
    top: str
    probability: str
    status: str
    decided: int
    flags: str


@dataclass(frozen=True)
class Front:
    """The first page.

    Attributes:
        created: when the report was written, in words.
        actor: who asked for it.
        verdict: what verification found just before.
        selection: which cases, in words.
        rows: one line a case, in the order of the pages.
    """

    created: str
    actor: str
    verdict: Verdict
    selection: str
    rows: tuple[SummaryRow, ...]


def render(front: Front, pages: Iterable[CasePage | SpoiledCase]) -> Iterator[str]:
    """The report in pieces, so that a long one is written without being held in memory."""
    styles = (HERE / STYLES).read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": moment, "words": words}
    yield from environment.get_template(TEMPLATE).generate(
        front=front,
        pages=pages,
        research_use=RESEARCH_USE,
        policy=_policy(styles),
        styles=Markup(styles),  # noqa: S704  (our own file, and the policy holds its digest)
    )


def _policy(styles: str) -> str:
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
