"""Who may upload, and how much at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from clinical.access.roles import Role
from ui.host import uploads

FILE = "/_stcore/upload_file/session/file"


def client(role: Role | Callable[[HTTPConnection], Role | None]) -> TestClient:
    async def taken(request: Request) -> Response:
        return Response(str(len(await request.body())))

    app = Starlette(routes=[Route(FILE, taken, methods=["PUT", "DELETE"])])
    return TestClient(uploads.Gate(app, role))


@pytest.mark.parametrize(
    ("role", "status"),
    [("reader", 200), ("adjudicator", 200), ("auditor", 403), ("administrator", 403)],
)
def test_only_who_may_add_cases_uploads(role: Role, status: int) -> None:
    assert client(role).put(FILE, content=b"film").status_code == status
    assert client(lambda _: role).put(FILE, content=b"film").status_code == status
    assert client(role).delete(FILE).status_code == 200, "removing is no matter of roles"


def test_nobody_is_nobody() -> None:
    assert client(lambda _: None).put(FILE, content=b"film").status_code == 401


def test_more_than_the_server_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "HELD", 10)
    served = client("reader")
    assert served.put(FILE, content=b"x" * 10).text == "10"
    assert served.put(FILE, content=b"x" * 11).status_code == 413
    monkeypatch.setattr(uploads, "held", lambda: 5)
    assert served.put(FILE, content=b"x" * 6).status_code == 413


def test_an_upload_says_how_long_it_is() -> None:
    def pieces() -> list[bytes]:
        return [b"film"]

    assert client("reader").put(FILE, content=iter(pieces())).status_code == 411
