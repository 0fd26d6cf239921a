"""FHIR by POST, heard by a client of the standard library."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fhir_validators
import pytest
from waiting import SECONDS

from clinical.dicom.tls import Tls
from clinical.errors import ConfigError, StoreError
from clinical.exchange import fhir_post
from clinical.exchange.fhir_post import Settings
from clinical.exchange.web_port import Listener

TOKEN = "0123456789abcdef" * 2
FHIR = "application/fhir+json"
GOOD = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
    "subject": {"reference": "Patient/4711"},
    "effectiveDateTime": "2024-05-31T12:00:00Z",
    "valueQuantity": {"value": 5.4, "unit": "mmol/L"},
}
BAD = {**GOOD, "status": "unknown"}


class Ward:
    """A port that listens, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.kept: list[tuple[bytes, str]] = []
        self.refused: list[str] = []
        self.error: Exception | None = None
        self.hold: threading.Event | None = None
        self.holding = threading.Event()
        tokens = folder / "tokens"
        tokens.write_text(f"# who may send\nehr {TOKEN}\nlab {TOKEN[::-1]}  # the other\n")
        settings = Settings(
            ("127.0.0.1",), str(tokens), port=0, largest_mb=0.5, at_once=1, body_seconds=SECONDS
        )
        self.listener: Listener = fhir_post.start(settings, self.keep, self.refused.append)

    def keep(self, data: bytes, sender: str) -> None:
        if self.hold:
            self.holding.set()
            assert self.hold.wait(SECONDS)
        if self.error:
            raise self.error
        self.kept.append((data, sender))

    def post(
        self, body: bytes | Any, kind: str = FHIR, token: str = TOKEN, method: str = "POST"
    ) -> tuple[int, dict[str, Any]]:
        line = http.client.HTTPConnection("127.0.0.1", self.listener.port, timeout=SECONDS)
        try:
            headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            line.request(method, "/", data, headers)
            answer = line.getresponse()
            text = answer.read()
            outcome = json.loads(text) if text.startswith(b"{") else {}
            assert not outcome or fhir_validators.problems(text) == []
            return answer.status, outcome
        finally:
            line.close()


@pytest.fixture(scope="module")
def one_ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    ward = Ward(tmp_path_factory.mktemp("fhir"))
    yield ward
    ward.listener.stop()


@pytest.fixture
def ward(one_ward: Ward) -> Ward:
    one_ward.kept, one_ward.error, one_ward.hold = [], None, None
    one_ward.refused.clear()
    one_ward.holding.clear()
    return one_ward


def words(outcome: dict[str, Any]) -> list[str]:
    return [issue["diagnostics"] for issue in outcome["issue"]]


def test_a_body_that_is_safe_is_accepted(ward: Ward) -> None:
    status, outcome = ward.post(GOOD)

    assert (status, words(outcome)) == (202, ["kept"])
    assert ward.kept == [(json.dumps(GOOD).encode(), "ehr")]
    assert ward.refused == []


def test_each_token_has_its_sender(ward: Ward) -> None:
    ward.post(GOOD, token=TOKEN[::-1])

    assert ward.kept[0][1] == "lab"


def test_parts_that_cannot_be_used_are_named_and_the_rest_is_accepted(ward: Ward) -> None:
    lines = "\n".join(json.dumps(one) for one in (GOOD, BAD)).encode()

    status, outcome = ward.post(lines, "application/fhir+ndjson; charset=utf-8")

    assert status == 202
    assert [issue["severity"] for issue in outcome["issue"]] == ["information", "warning"]
    assert words(outcome)[1].startswith("line[2] Observation.status: the status is not known.")
    assert ward.refused == ["FHIR: part of a body: Observation.status: the status is not known."]


@pytest.mark.parametrize(
    ("body", "status"),
    [(BAD, 422), (b"no FHIR", 400), (b"", 400), ({"resourceType": "Bundle"}, 400)],
)
def test_what_cannot_be_used_is_not_kept(ward: Ward, body: Any, status: int) -> None:
    found, outcome = ward.post(body)

    assert found == status
    assert {issue["severity"] for issue in outcome["issue"]} == {"error"}
    assert ward.kept == []


@pytest.mark.parametrize("token", ["", "x" * 40, TOKEN[:-1], TOKEN + "0", "ä"])
def test_nobody_sends_without_a_token(ward: Ward, token: str) -> None:
    status, _ = ward.post(GOOD, token=token.encode().decode("latin-1"))

    assert (status, ward.kept) == (401, [])


def test_other_content_types_methods_and_paths_are_refused(ward: Ward) -> None:
    assert ward.post(GOOD, "text/html")[0] == 415
    assert ward.post(GOOD, method="PUT")[0] == 405
    assert ward.kept == []


def test_a_body_that_is_too_long_is_refused(ward: Ward) -> None:
    status, _ = ward.post(b" " * 600_000)

    assert (status, ward.kept) == (413, [])


def test_what_could_not_be_kept_is_to_be_sent_again(ward: Ward) -> None:
    ward.error = StoreError("The disk of /secret is full.")

    status, outcome = ward.post(GOOD)

    assert status == 503
    assert "secret" not in json.dumps(outcome)


def test_a_fault_of_the_program_is_told_without_its_words(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    ward.error = KeyError("Mustermann")

    status, outcome = ward.post(GOOD)

    assert status == 500
    assert "Muster" not in json.dumps(outcome)
    assert caplog.messages == ["a fault of the program at a FHIR body: KeyError"]


def test_only_so_many_are_taken_in_at_once_and_none_is_told_before_it_is_kept(ward: Ward) -> None:
    ward.hold = threading.Event()
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(ward.post(GOOD)[0]))
    first.start()
    assert ward.holding.wait(SECONDS)

    assert ward.post(GOOD)[0] == 503
    assert answers == []
    ward.hold.set()
    first.join()
    assert answers == [202]


def test_a_body_that_breaks_off_is_not_kept(ward: Ward) -> None:
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FHIR}\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: 900\r\n\r\n{{"
    )
    with socket.create_connection(("127.0.0.1", ward.listener.port), timeout=SECONDS) as line:
        line.sendall(head.encode())
    # The one place is free again as soon as the server has seen the end.
    while ward.post(GOOD)[0] == 503:
        pass

    assert [data for data, _ in ward.kept] == [json.dumps(GOOD).encode()]


def test_an_answer_holds_nothing_of_the_patient(ward: Ward) -> None:
    _, outcome = ward.post({**BAD, "valueString": "Mustermann"})

    text = json.dumps(outcome) + "".join(ward.refused)
    assert "4711" not in text
    assert "Muster" not in text


def test_strangers_may_not_send(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"ehr {TOKEN}")
    settings = Settings(("192.0.2.7",), str(tmp_path / "tokens"), port=0)
    listener = fhir_post.start(settings, lambda _data, _sender: None)
    try:
        line = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=SECONDS)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": FHIR}
        line.request("POST", "/", b"{}", headers)
        assert line.getresponse().status == 403
        line.close()
    finally:
        listener.stop()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "cannot be read"),
        ("", "no token"),
        ("ehr short", "line 1 is no name and token"),
        (f"# one\nehr {TOKEN} more", "line 2 is no name and token"),
    ],
)
def test_a_file_of_tokens_that_cannot_be_used_is_said(
    tmp_path: Path, content: str | None, match: str
) -> None:
    path = tmp_path / "tokens"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=match) as caught:
        fhir_post.start(Settings(("127.0.0.1",), str(path)), lambda _data, _sender: None)
    assert TOKEN not in str(caught.value)


def test_settings_that_cannot_be_used_are_said(tmp_path: Path, ward: Ward) -> None:
    (tmp_path / "tokens").write_text(f"ehr {TOKEN}")
    tokens = str(tmp_path / "tokens")
    for settings, match in (
        (Settings(("x",), tokens), "no address"),
        (Settings(("127.0.0.1",), tokens, port=ward.listener.port), "nothing can listen"),
        (Settings(("127.0.0.1",), tokens, port=70_000), "no such port"),
        (Settings(("127.0.0.1",), tokens, at_once=-1), "at_once is -1"),
        (Settings(("127.0.0.1",), tokens, tls=Tls("none.pem")), "certificate"),
    ):
        with pytest.raises(ConfigError, match=match):
            fhir_post.start(settings, lambda _data, _sender: None)
