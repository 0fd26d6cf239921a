"""One letter for each case, in Markdown: what was suggested, and what was decided.

A format of the record yields the bytes of one file, piece by piece. In a de-identified export it
reads the copy, so nothing here has to leave anything out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from clinical.errors import LedgerError, StoreError
from clinical.export.case_page import AbsentCase, CasePage, case_page, spoiled
from clinical.wording import RESEARCH_USE

NAME = "letters.md"
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>#|"})


def letters(connection: Connection, chosen: Iterable[str]) -> Iterator[bytes]:
    """The file: a heading, then a letter for each chosen case, in their order."""
    yield f"# Letters\n\n{RESEARCH_USE}\n".encode()
    for case_id in chosen:
        try:
            page = case_page(connection, case_id)
        except (StoreError, LedgerError) as error:
            page = spoiled(case_id, error.message)
        yield "\n".join(("", *_lines(page), "")).encode()


def _lines(page: CasePage | AbsentCase) -> Iterator[str]:
    yield f"## {_plain(page.case_id)}"
    yield ""
    if isinstance(page, AbsentCase):
        yield f"{_plain(page.title)}: {_plain(page.problem)}"
        return
    yield f"Status: {page.status}. Decision time: {page.decision_time}."
    yield ""
    for row in page.suggestions:
        shown = f"withheld: {row.withheld}" if row.withheld else row.probability
        yield f"- {_plain(row.diagnosis)}: {_plain(shown)}"
    if page.decisions:
        yield ""
    for decision in page.decisions:
        if decision.stands:
            yield f"- {decision.time}, {_plain(decision.reader)}: {_plain(decision.text)}"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is, on one line: names and reasons are free text."""
    return " ".join(text.split()).translate(_MARKS)
