"""The host: loopback only, closed by policy, clear about what it cannot do, and free of torch."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ports import reserved_port
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from clinical.access import accounts
from clinical.audit import keys
from clinical.errors import ConfigError, LedgerError, ModelError, StoreError
from clinical.workspace.database import open_workspace
from pipelines.cli import main
from ui.host import app, launch, shell

ROOT = Path(__file__).parents[3]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.socket()) as listener:
        listener.bind((launch.ADDRESS, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("action", [launch.serve, launch.start])
def test_a_port_in_use_is_named_with_a_remedy(
    prepared_workspace: Path, taken_port: int, action: object
) -> None:
    assert callable(action)
    with pytest.raises(ConfigError, match=f"Port {taken_port}") as caught:
        action(launch.Choices(prepared_workspace, port=taken_port, reader="dr.test"))
    assert "--port" in caught.value.remedy


def test_the_demonstration_takes_another_port_if_its_own_is_taken() -> None:
    free = reserved_port()
    assert launch.preferred_port(free) == free
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((launch.ADDRESS, free))
        other.listen()
        assert launch.preferred_port(free) not in (free, 0)


def test_a_reader_without_a_name_is_refused(prepared_workspace: Path) -> None:
    with pytest.raises(ConfigError, match="reader"):
        launch.serve(launch.Choices(prepared_workspace, reader=" "))


def test_a_page_whose_signing_key_cannot_be_had_does_not_start(workspace: Path) -> None:
    (workspace / keys.KEY_FILE).write_text(
        '{"kept": "token", "token": "ward", "module": "/nowhere.so", "key": ""}', encoding="utf-8"
    )
    with pytest.raises(LedgerError, match="is not the key that signs this ledger"):
        launch.serve(launch.Choices(workspace, port=reserved_port(), reader="dr.test"))


def test_a_workspace_where_nobody_can_sign_in_says_how_to_make_the_first_account(
    workspace: Path,
) -> None:
    engine = open_workspace(workspace)
    accounts.add(engine, "dr.gone", "administrator", None)
    accounts.disable(engine, "dr.gone", actor="boss")
    engine.dispose()
    with pytest.raises(ConfigError, match="Nobody can sign in") as caught:
        launch.serve(launch.Choices(workspace))
    assert "triptych account add NAME --role administrator" in caught.value.remedy


@pytest.mark.parametrize("minutes", [0, -1, 481, float("nan")])
def test_an_idle_time_that_is_none_is_refused(prepared_workspace: Path, minutes: float) -> None:
    with pytest.raises(ConfigError, match="not a valid idle time"):
        launch.serve(launch.Choices(prepared_workspace, reader="dr.demo", idle_minutes=minutes))


def test_the_command_refuses_a_role_that_there_is_not(
    prepared_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["serve", "--workspace", str(prepared_workspace), "--demonstration", "--role", "king"]
    assert main(words, {}) == 1
    assert "adjudicator" in capsys.readouterr().err


def test_a_number_that_is_no_port_is_refused(prepared_workspace: Path) -> None:
    with pytest.raises(ConfigError, match="70000"):
        launch.serve(launch.Choices(prepared_workspace, port=70000, reader="dr.test"))


def test_a_folder_without_a_model_is_refused(prepared_workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\.json"):
        launch.serve(launch.Choices(prepared_workspace, reader="dr.test", model=tmp_path))


def test_a_folder_without_a_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        launch.start(launch.Choices(tmp_path, port=reserved_port(), reader="dr.test"))


def test_the_command_line_prints_the_remedy_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert launch.main(["--workspace", str(tmp_path), "--reader", "dr.test"]) == 2
    assert "Remedy" in capsys.readouterr().err


def test_every_option_is_one_that_streamlit_knows() -> None:
    chosen = app.options(8501)

    assert not [name for name in chosen if name not in config._config_options_template]
    assert chosen["server.address"] == "127.0.0.1"
    assert chosen["browser.gatherUsageStats"] is False
    assert chosen["server.enableAgentApi"] is False
    assert chosen["client.showErrorDetails"] == "none"


def test_policy_lets_nothing_in_from_outside() -> None:
    assert "http" not in app.CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in app.CONTENT_SECURITY_POLICY
    scripts = next(p for p in app.CONTENT_SECURITY_POLICY.split("; ") if p.startswith("script"))
    assert "unsafe" not in scripts


def test_the_shell_runs_our_scripts_before_streamlits_and_the_policy_knows_its_own() -> None:
    page = shell.page(("theme_choice.js",))

    assert page.index('src="/theme_choice.js"') < page.index('<script type="module"')
    assert shell.inline_scripts(page) == shell.inline_scripts(shell.page(()))
    assert all(digest in app.CONTENT_SECURITY_POLICY for digest in shell.inline_scripts(page))


def test_the_first_page_has_an_address_of_its_own_and_leads_to_the_root() -> None:
    client = TestClient(Starlette(routes=shell.routes(("worklist", "model"), watched=False)))

    begun = client.get("/worklist", follow_redirects=False)

    assert begun.headers["location"] == "/"
    assert client.get("/").text == client.get("/model").text
    assert client.get("/nowhere").status_code == 404


def test_headers_are_added_to_every_response_and_replace_weaker_ones() -> None:
    sent: list[app.Message] = []

    async def answer(scope: app.Message, receive: app.Receive, send: app.Send) -> None:
        headers = [(b"X-Frame-Options", b"SAMEORIGIN"), (b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def receive() -> app.Message:
        return {"type": "http.request"}

    async def send(message: app.Message) -> None:
        sent.append(message)

    asyncio.run(app.SecurityHeaders(answer)({"type": "http"}, receive, send))
    headers = [(name.lower(), value) for name, value in sent[0]["headers"]]

    assert headers.count((b"x-frame-options", b"DENY")) == 1
    assert (b"x-frame-options", b"SAMEORIGIN") not in headers
    assert (b"content-type", b"text/html") in headers
    assert dict(headers)[b"content-security-policy"] == app.CONTENT_SECURITY_POLICY.encode()


def test_the_page_never_loads_a_model_library() -> None:
    modules = (
        "ui.host.app, ui.host.launch, ui.state.state, ui.pages.case, ui.pages.worklist,"
        " ui.viewer.component"
    )
    code = (
        f"import sys, {modules}\n"
        "heavy = ('torch', 'monai', 'pydicom', 'transformers', 'pipelines')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT
    )

    assert done.stdout.strip() == "[]", done.stderr
