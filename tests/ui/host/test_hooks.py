"""CDS Hooks on the page's host: past its door by their own token, and no way around the door."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from cds_client import ISSUER, Ehr, Line
from front_door import COOKIE, secret
from ports import reserved_port
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.exchange import cds_settings
from clinical.exchange.road import Refusals
from clinical.workspace.database import open_workspace
from ui.host import hooks, launch, monitoring
from ui.host.door import Door, Gate
from ui.host.origin import OwnPagesOnly
from ui.words import event_words

BASE = "https://triptych.example"
TOKEN = "f00dfacef00dfacef00d"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "HOSP", "value": "PAT-001"}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reading_fixture.make_workspace(tmp_path_factory.mktemp("workspace"), cases=2)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    made = open_workspace(folder)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def key() -> Ehr:
    return Ehr(BASE)


@pytest.fixture
def ehr(key: Ehr) -> Ehr:
    return replace(key)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, key: Ehr) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    key.write_keys(folder / "ehr.json")
    path = folder / "cards.toml"
    client = f'{{name = "ehr", issuer = "{ISSUER}", keys = "ehr.json"}}'
    path.write_text(
        f'[assembly]\nauthority = "HOSP"\n[cds_hooks]\nclients = [{client}]\n', encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def http(engine: Engine, folder: Path, settings: Path) -> TestClient:
    """The host in the order in which the page has it, with one room behind the door."""
    refusals = Refusals()
    setup = cds_settings.read(settings)
    watched = {monitoring.READY, monitoring.METRICS}
    entrance = Door(engine, COOKIE, idle=900, besides=frozenset(watched))
    page = Starlette(
        routes=[
            Route("/{path:path}", secret, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(hooks.Beside, hooks.application(engine, folder, setup, BASE, refusals)),
            Middleware(OwnPagesOnly, lambda _: None, BASE),
            Middleware(Gate, entrance),
        ],
    )
    page.router.routes[:0] = monitoring.routes(engine, folder, TOKEN, refusals)
    return TestClient(page, base_url=BASE)


def test_a_card_is_given_and_answered_and_the_audit_page_says_so(
    http: TestClient, ehr: Ehr, engine: Engine
) -> None:
    (card,) = ehr.cards(http, "patient-view", PATIENT)
    reason = card["overrideReasons"][0]
    override = {"reason": reason, "userComment": "Film of the wrong side."}
    told = {"card": card["uuid"], "outcome": "overridden", "overrideReason": override}
    assert ehr.feedback(http, "patient-view", told).status_code == 200
    with engine.connect() as connection:
        assert verify(connection).intact
        events = list(ledger.events(connection, case_id="CASE-001"))[-2:]
    said = [event_words.sentence(event) for event in events]
    assert said[0] == "Sent a card to ehr (patient-view) with suggestions: viral pneumonia"
    assert re.fullmatch(
        r"ehr overrode the card of event \d+ \(not a reading\): the image shows a finding that the"
        r" suggestion misses, with a comment",
        said[1],
    )


@pytest.mark.parametrize("path", ["/", "/case", "/cds-servicesx", "/cds-service"])
def test_a_token_opens_nothing_else(http: TestClient, ehr: Ehr, path: str) -> None:
    assert http.get(path, headers=ehr.headers(path)).status_code == 401
    posted = http.post(path, content=b"{}", headers=ehr.headers(path))
    assert posted.status_code == 403


def test_what_is_refused_is_counted(http: TestClient) -> None:
    assert http.get("/cds-services").status_code == 401
    answer = http.get(monitoring.METRICS, headers={"authorization": f"Bearer {TOKEN}"})
    assert 'triptych_cds_hooks_refused_total{reason="there is no token"} 1.0' in answer.text


def test_the_page_that_is_served_answers_a_record_system(
    folder: Path, settings: Path, ehr: Ehr
) -> None:
    chosen = launch.Choices(folder, port=reserved_port(), reader="dr.demo", cds_hooks=settings)
    running = launch.start(chosen)
    ehr.base = running.address
    try:
        (card,) = ehr.cards(Line(running.address), "patient-view", PATIENT)
        assert card["links"][0]["url"].startswith(f"{running.address}/case?id=")
    finally:
        running.stop()
