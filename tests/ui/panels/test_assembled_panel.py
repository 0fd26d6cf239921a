"""The page of a case that was put together by rule says from what, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import reading_fixture
from streamlit.testing.v1 import AppTest

from clinical.exchange import assembly_rules
from clinical.exchange.assembly_rules import Rules
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing


def test_it_says_from_what_and_by_which_rules(
    workspace: Path, open_page: Callable[..., AppTest]
) -> None:
    case = replace(reading_fixture.make_case(1), case_id="received-abc")
    assembled = {
        "rules": assembly_rules.for_record(Rules()),
        **{"films": [0], "priors": 0, "history": 0, "notes": 1, "moved": 0},
        "results": {"count": 3, "first": 90, "last": 20},
        "left_out": [["results", "told after the decision", 2]],
    }
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        intake.record_added(connection, case, "receive", assembled=assembled)
    engine.dispose()
    page = open_page(case_id="received-abc")
    shown = "".join(str(part.proto.body) for part in page.get("html"))
    assert "3 results of" in shown
    assert "Left out: 2 results told after the decision." in shown
    assert "<summary>The rules</summary>" in shown
    assert not page.exception


def test_a_case_that_was_not_says_nothing(open_page: Callable[..., AppTest]) -> None:
    page = open_page(case_id="CASE-001")
    assert "Put together from what arrived" not in "".join(
        str(part.proto.body) for part in page.get("html")
    )
