"""The button that saves a case as a PDF: who is offered it, and when not yet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from clinical.access.roles import ROLES, Role, may
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol
from clinical.workspace.database import open_workspace

OpenPage = Callable[..., AppTest]


def button(page: AppTest) -> Any:
    """Streamlit's own test harness has no name for a download button."""
    found = [e.proto for e in page.get("download_button")]
    return next((proto for proto in found if "case-pdf" in proto.id), None)


@pytest.mark.parametrize("role", [role for role in ROLES if may(role, "read_cases")])
def test_who_may_read_a_case_may_save_it(open_page: OpenPage, role: Role) -> None:
    found = button(open_page(case_id="CASE-000", role=role))
    assert (found.label, found.disabled) == ("PDF of this case", False)


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (Protocol(first_read=True), "Commit your own first read first."),
        (Protocol(second_share=1.0), "Sign your own reading first."),
    ],
)
def test_nothing_is_given_away_by_it(
    open_page: OpenPage, workspace: Path, protocol: Protocol, said: str
) -> None:
    engine = open_workspace(workspace)
    protocol_rules.set_protocol(engine, protocol, "dr.chief")
    engine.dispose()
    page = open_page(case_id="CASE-000")
    assert button(page).disabled
    assert said in "\n".join(element.proto.body for element in page.get("html"))
    assert not button(open_page(case_id="CASE-000", role="auditor")).disabled
