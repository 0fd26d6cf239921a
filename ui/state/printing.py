"""The PDF of the open case, made outside any run of the page when the browser asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import Engine

from clinical.access.roles import Role
from clinical.errors import ReviewError
from clinical.export import case_pdf
from ui.access import presence
from ui.state import address, state
from ui.state.desk import OpenCase
from ui.words import phrasing


def refusal(shown: OpenCase) -> str:
    """Why this reader gets no PDF of the case yet, in a sentence; "" if they do."""
    try:
        case_pdf.check_case_pdf(withheld=shown.withheld, hidden=shown.hidden)
    except ReviewError as error:
        return f"{error.message} {phrasing.sentence(error.remedy)}"
    return ""


def printer(shown: OpenCase) -> Callable[[], bytes]:
    """What makes the PDF for whoever is signed in on this page by then, and records it."""
    return partial(_print, state.engine(), shown.case.case_id, presence.by_ticket("print_case"))


def file_name(shown: OpenCase) -> str:
    """Of the PDF; the number is the one in the address, which says nothing of the patient."""
    return f"triptych-case-{address.of(shown.case.case_id)[address.ID]}.pdf"


def _print(engine: Engine, case_id: str, present: Callable[[], tuple[str, Role]]) -> bytes:
    name, role = present()
    return case_pdf.make_case_pdf(engine, case_id, actor=name, role=role).data
