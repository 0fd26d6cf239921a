"""Small requests of an open page, for a visit of who is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clinical.access import accounts
from clinical.workspace.database import open_workspace
from ui.access import session
from ui.host import door, signs
from ui.host.door import Door
from ui.state import adding, assessing, drafts, visits
from ui.state.adding import Draft
from ui.state.assessing import Job
from ui.state.visits import Owner

PASSWORD = "three quiet herons"
OWNER = Owner("workspace", "dr.first", "CASE-1")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A browser in which dr.first is signed in."""
    engine = open_workspace(tmp_path, create=True)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    entrance = Door(engine, "triptych_session_1", idle=900)
    app = Starlette(routes=[*door.routes(entrance), *signs.routes(entrance)])
    made = TestClient(app, "http://127.0.0.1", follow_redirects=False)
    made.post("/sign-in", data={"name": "dr.first", "password": PASSWORD})
    yield made
    session.end_all(engine)
    engine.dispose()


def test_a_sign_of_life_counts_for_its_visit(client: TestClient) -> None:
    visit = visits.begin(OWNER, 7)
    assert visit.attention.first is None
    answer = client.post("/alive", json={"visit": visit.name})
    assert answer.status_code == 204
    assert visit.attention.first is not None


def test_nobody_else_may_tell_for_a_visit(client: TestClient) -> None:
    visit = visits.begin(OWNER._replace(reader="dr.other"), 7)
    for address in ("/alive", "/draft"):
        assert client.post(address, json={"visit": visit.name}).status_code == 410
    assert visit.attention.first is None
    assert client.post("/alive", json={"visit": "made up"}).status_code == 410


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b'{"visit":"' + b"x" * 200_000 + b'"}'])
def test_what_is_no_small_object_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/alive", content=body).status_code == 403


def test_a_draft_is_kept_while_its_form_is_open(client: TestClient) -> None:
    visit = visits.begin(OWNER, 7)
    told = {"visit": visit.name, "fields": {"comment": "half a sen"}}
    assert client.post("/draft", json=told).status_code == 204
    assert drafts.find(OWNER) is None  # the form was sent or cancelled meanwhile
    drafts._note(OWNER, "reject", "heart_failure")
    assert client.post("/draft", json=told).status_code == 204
    assert drafts.find(OWNER) == drafts.Draft("reject", "heart_failure", told["fields"])  # type: ignore[arg-type]
    drafts._note(OWNER, None, "heart_failure")
    assert drafts.find(OWNER) is None


def test_a_field_of_add_a_case_is_kept_for_who_began_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, other = (
        Draft(name, ("workspace", name), tmp_path, {"add-since-J45.9": "", "add-keep-files": True})
        for name in ("dr.first", "dr.other")
    )
    monkeypatch.setattr(adding, "_drafts", {"own": own, "other": other})
    fields = {"add-since-J45-9": "201", "add-keep-files": "no", "made-up": "x"}
    assert client.post("/draft", json={"entry": "own", "fields": fields}).status_code == 204
    assert own.fields == {"add-since-J45.9": "201", "add-keep-files": True}
    for name in ("other", "made up"):
        assert client.post("/draft", json={"entry": name, "fields": fields}).status_code == 410
    assert other.fields["add-since-J45.9"] == ""


def test_how_far_an_assessment_is_is_told_to_who_added_the_case(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = (
        Job(name, ("workspace", name), "added-0001", Path("model"), {}, step="model")
        for name in ("dr.first", "dr.other")
    )
    monkeypatch.setattr(assessing, "_jobs", {"own": own, "other": other})
    answer = client.post("/added", json={"job": "own"})
    assert answer.json() == {"state": "working", "words": "Loading the model …"}
    for name in ("other", "made up"):
        assert client.post("/added", json={"job": name}).status_code == 410
    client.cookies.clear()
    assert client.post("/added", json={"job": "own"}).status_code == 410
