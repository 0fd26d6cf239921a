"""Witnesses elsewhere: a real server of HTTP and a real bare repository get every signed head."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Answers, LoopbackServer, serving
from recording import folder, lines, record, sizes
from sqlalchemy import Engine
from waiting import SECONDS, until

from clinical.audit import remote_witness
from clinical.audit.verify import verify
from clinical.errors import ConfigError, LedgerError, StoreError
from clinical.workspace.database import DATABASE_NAME, open_workspace
from pipelines.cli import main
from pipelines.commands import verification


class Endpoint(LoopbackServer):
    """Keeps the lines that it is sent, and takes none while it is `closed`."""

    def __init__(self) -> None:
        self.content = b""
        self.closed = False
        super().__init__(_Keeps)


class _Keeps(Answers):
    server: Endpoint

    def get(self) -> None:
        self.answer(200, self.server.content)

    def post(self, body: bytes) -> None:
        if not self.server.closed:
            self.server.content += body
        self.answer(503 if self.server.closed else 204)


@pytest.fixture(autouse=True)
def patient_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_witness, "SECONDS", SECONDS)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(Endpoint()) as made:
        yield made


@pytest.fixture(params=["http", "git"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "http":
        server: Endpoint = request.getfixturevalue("endpoint")
        return f"{server.address}/heads"
    repository = tmp_path / "elsewhere.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    return f"git+file://{repository}"


def appointed(engine: Engine, address: str) -> Path:
    remote_witness.appoint(folder(engine), address, lines(engine))
    return folder(engine)


def test_it_gets_what_there_is_and_every_head_after_that(workspace: Engine, address: str) -> None:
    record(workspace, "OPENED")
    place = appointed(workspace, address)
    assert sizes(address) == [1]
    record(workspace, "PROTOCOL", 3)
    until(lambda: remote_witness.sent(place) == 4, "the heads at the witness")
    assert sizes(address) == [1, 2, 3, 4]
    record(workspace, "PROTOCOL")
    until(lambda: sizes(address) == [1, 2, 3, 4, 5], "the next head at the witness")
    remote_witness.dismiss(place)
    record(workspace, "PROTOCOL")
    assert remote_witness.appointed(place) is None
    assert sizes(address) == [1, 2, 3, 4, 5]


def test_it_finds_a_ledger_that_was_put_back(
    workspace: Engine, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, "OPENED", 3)
    place = appointed(workspace, address)
    workspace.dispose()
    shutil.copy(place / DATABASE_NAME, tmp_path / "older")
    record(workspace, "PROTOCOL")
    until(lambda: remote_witness.sent(place) == 4, "the head at the witness")
    workspace.dispose()
    shutil.copy(tmp_path / "older", place / DATABASE_NAME)
    engine = open_workspace(place)
    with engine.connect() as connection:
        assert verify(connection).intact, "whole in itself"
    engine.dispose()
    assert main(["audit", "verify", "--workspace", str(place), "--witness", address], {}) == 1
    assert "rolled back: the ledger ends at event 3" in capsys.readouterr().out


def test_one_that_does_not_answer_stops_nobody_and_catches_up(
    workspace: Engine, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    address = f"{endpoint.address}/heads"
    record(workspace, "OPENED")
    place = appointed(workspace, address)
    endpoint.closed = True
    record(workspace, "PROTOCOL", 2)
    until(lambda: "was not reached" in caplog.text, "the warning")
    assert remote_witness.sent(place) == 1
    endpoint.closed = False
    record(workspace, "PROTOCOL")
    until(lambda: remote_witness.sent(place) == 4, "the heads at the witness")
    assert sizes(address) == [1, 2, 3, 4]


def test_a_repository_that_only_grows_has_a_commit_for_each_batch(
    workspace: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "elsewhere.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    grows = ["git", "--git-dir", repository, "config", "receive.denyNonFastForwards", "true"]
    subprocess.run(grows, check=True)
    record(workspace, "OPENED")
    place = appointed(workspace, f"git+file://{repository}")
    record(workspace, "PROTOCOL")
    until(lambda: remote_witness.sent(place) == 2, "the head at the witness")
    count = ["git", "--git-dir", repository, "rev-list", "--count", remote_witness.BRANCH]
    assert subprocess.run(count, capture_output=True, check=True).stdout == b"2\n"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("http://reader:secret@127.0.0.1/heads", "holds a password"),
        ("ftp://127.0.0.1/heads", "no address of a witness"),
        ("git+ext::sh -c x://", "no address of a witness"),
    ],
)
def test_an_address_that_is_refused(workspace: Engine, wrong: str, says: str) -> None:
    record(workspace, "OPENED")
    with pytest.raises(ConfigError, match=says) as caught:
        appointed(workspace, wrong)
    assert "secret" not in str(caught.value)


def test_one_of_another_ledger_or_out_of_reach_is_refused(
    workspace: Engine, endpoint: Endpoint, tmp_path: Path
) -> None:
    record(workspace, "OPENED")
    address = f"{endpoint.address}/heads"
    endpoint.content = b"{}\n"
    with pytest.raises(StoreError, match="another ledger"):
        appointed(workspace, address)
    with pytest.raises(LedgerError, match="no signed heads"):
        verification.witnessed(address)
    endpoint.content, endpoint.closed = b"", True
    with pytest.raises(StoreError, match="cannot be reached"):
        appointed(workspace, address)
    with pytest.raises(StoreError, match="cannot be reached"):
        appointed(workspace, f"git+file://{tmp_path}/nowhere.git")
