"""What is watched: yes or no for everybody, figures for whoever has the token, and no patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_fixture
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clinical.errors import ConfigError
from clinical.workspace.database import open_workspace
from ui.host import monitoring

TOKEN = "f00dfacef00dfacef00d"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return reading_fixture.make_workspace(tmp_path, cases=4)


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    made = open_workspace(folder)
    yield made
    made.dispose()


@pytest.fixture
def client(engine: Engine, folder: Path) -> TestClient:
    return TestClient(Starlette(routes=monitoring.routes(engine, folder, TOKEN)))


def figures(text: str) -> dict[str, dict[str, float]]:
    """Name to label to value."""
    return {
        family.name: {
            "".join(sample.labels.values()) or sample.name: sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def test_it_says_whether_somebody_can_work(client: TestClient) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reason": ""})


def test_a_disk_that_is_nearly_full_is_a_reason(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "LEAST_FREE", 2**62)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "the disk of the workspace is nearly full"


def test_a_workspace_that_cannot_be_read_is_a_reason(client: TestClient, folder: Path) -> None:
    for database in folder.glob("*.sqlite*"):
        database.write_bytes(b"no database at all" * 400)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "the workspace cannot be read"


def test_the_figures_are_those_of_the_workspace(client: TestClient) -> None:
    answer = client.get("/metrics", headers=BEARER)
    assert answer.headers["content-type"].startswith("text/plain")
    found = figures(answer.text)
    assert sum(found["triptych_cases"].values()) == 4
    assert sum(found["triptych_cases_to_read"].values()) == 4
    assert found["triptych_events"]["ASSESSED"] == 4
    assert found["triptych_oldest_unread_seconds"]["triptych_oldest_unread_seconds"] > 0
    assert found["triptych_free_bytes"]["triptych_free_bytes"] > 0
    assert 0 <= found["triptych_unlike_training_share"]["triptych_unlike_training_share"] <= 1


def test_no_figure_names_a_case_or_a_patient(client: TestClient) -> None:
    text = client.get("/metrics", headers=BEARER).text
    assert not any(mark in text for mark in ("CASE-", "PAT-", "dr."))


@pytest.mark.parametrize("sent", ["", TOKEN, "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}"])
def test_nobody_is_told_without_the_token(client: TestClient, sent: str) -> None:
    answer = client.get("/metrics", headers={"authorization": sent} if sent else {})
    assert (answer.status_code, answer.text) == (401, "")


def test_without_a_token_there_are_no_figures(engine: Engine, folder: Path) -> None:
    client = TestClient(Starlette(routes=monitoring.routes(engine, folder, None)))
    assert client.get("/metrics", headers=BEARER).status_code == 404
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    ("held", "mode", "says"),
    [
        ("short", 0o600, "fewer than 16"),
        ("two words and more of them", 0o600, "fewer than 16"),
        (TOKEN, 0o640, "Others than its owner"),
        ("schlüssel" * 4, 0o600, "cannot be read"),
    ],
)
def test_a_token_that_protects_nothing_is_refused(
    tmp_path: Path, held: str, mode: int, says: str
) -> None:
    file = tmp_path / "token"
    file.write_text(held, encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=says) as caught:
        monitoring.token(file)
    assert held not in str(caught.value)


def test_a_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n", encoding="ascii")
    file.chmod(0o600)
    assert monitoring.token(file) == TOKEN
