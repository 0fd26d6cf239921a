"""From a signature to the receivers: in order, once, through outages, and each on the record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import read_case
from ports import reserved_port
from receivers import OBJECTS, archive, fhir_server, listener
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.retention import purge
from clinical.audit.verify import verify
from clinical.errors import ConfigError, ReviewError
from clinical.exchange import outbox as outbox_rules
from clinical.exchange import sending
from clinical.exchange.outbox import Outbox, open_outbox
from clinical.exchange.sending import Done, Settings

REPORT, MAP, PICTURE = OBJECTS


@pytest.fixture
def film(tmp_path: Path, example: Any) -> Path:
    (tmp_path / "films").mkdir()
    return read_case.film(tmp_path / "films", example)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(tmp_path / "outbox") as found:
        yield found


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not taken may be tried again at once."""
    monkeypatch.setattr(outbox_rules, "FIRST_WAIT", timedelta(0))


def settings(folder: Path, *tables: str) -> Settings:
    path = folder / "send.toml"
    lines = ['outbox = "outbox"', 'films = ["films"]', *tables]
    path.write_text("\n".join(lines), encoding="utf-8")
    return sending.read(path)


def pacs(port: int) -> str:
    return f'[dicom.pacs]\naddress = "127.0.0.1"\nport = {port}\ntitle = "PACS"'


def read(workspace: Engine, example: Any, film: Path, state: str = "signed") -> None:
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.STATES[state](workspace, example, digest)


def sent(workspace: Engine) -> list[dict[str, Any]]:
    with workspace.connect() as connection:
        assert verify(connection).intact
        return [dict(event.payload) for event in ledger.events(connection, kind="SENT")]


def test_what_was_signed_goes_to_everyone_and_is_recorded(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret\n", encoding="ascii")
    with ExitStack() as stack:
        port, objects = stack.enter_context(archive())
        base, bundles = stack.enter_context(fhir_server())
        hl7, messages = stack.enter_context(
            listener(lambda control: b"MSH|^~\\&|RIS\rMSA|AA|" + control)
        )
        chosen = settings(
            tmp_path,
            pacs(port),
            f'[fhir.record]\nurl = "{base}"\ntoken_file = "token"',
            f'[hl7.ris]\naddress = "127.0.0.1"\nport = {hl7}\nto_application = "RIS"',
        )
        read(workspace, example, film, "accepted")
        assert sending.round_of(workspace, outbox, chosen, print) == Done()
        with workspace.connect() as connection:
            digest = str(next(ledger.events(connection, kind="ASSESSED")).payload["assessment"])
        read_case.sign(workspace, example, digest)
        assert sending.round_of(workspace, outbox, chosen, print) == Done(5, 5, 0, 0)
        assert sending.round_of(workspace, outbox, chosen, print) == Done()
    assert len(objects) == 3
    ((headers, body),) = bundles
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["path"] == "/fhir"
    assert json.loads(body)["type"] == "transaction"
    assert messages[0].startswith(rb"MSH|^~\&|TRIPTYCH||RIS||")
    recorded = sent(workspace)
    assert [(event["to"], event["name"]) for event in recorded] == [
        ("pacs", "report"),
        ("pacs", "heat-map-1"),
        ("pacs", "picture-1"),
        ("record", "bundle"),
        ("ris", "message"),
    ]
    assert {event["outcome"] for event in recorded} == {"delivered"}
    with workspace.connect() as connection:
        exported = [e.payload["what"] for e in ledger.events(connection, kind="EXPORTED")]
    assert exported == ["case_dicom", "case_fhir", "case_hl7"]


# pynetdicom leaves a socket that was refused to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("at_once")
def test_an_archive_that_is_away_and_comes_back_gets_all_in_order(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    port = reserved_port()
    chosen = settings(tmp_path, pacs(port))
    read(workspace, example, film)
    for tries in (1, 2):
        assert sending.round_of(workspace, outbox, chosen, print).waiting == 3
        waits = outbox.listed("waiting")
        assert [parcel.tries for parcel in waits] == [tries, 0, 0]
        assert waits[0].reason == "the archive cannot be reached"
    assert sent(workspace) == []
    with archive(port) as (_, objects):
        assert sending.round_of(workspace, outbox, chosen, print) == Done(0, 3, 0, 0)
    assert len(objects) == 3
    assert [event["name"] for event in sent(workspace)] == ["report", "heat-map-1", "picture-1"]
    assert sent(workspace)[0]["tries"] == 3


def test_what_waits_is_not_tried_before_its_time(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    with archive(answer=lambda _: 0xA700) as (port, _):
        chosen = settings(tmp_path, pacs(port))
        read(workspace, example, film)
        for _ in range(3):
            sending.round_of(workspace, outbox, chosen, print)
    first, *rest = outbox.listed("waiting")
    assert first.tries == 1
    assert first.next_at > datetime.now(UTC)
    assert first.reason == "the archive answered with status A700"
    assert [parcel.tries for parcel in rest] == [0, 0]


def test_a_class_or_an_object_that_is_not_taken_lets_the_others_pass(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    refusing = archive(
        classes=(REPORT, PICTURE), answer=lambda number: 0xC000 if number == 1 else 0
    )
    with refusing as (port, objects):
        read(workspace, example, film)
        chosen = settings(tmp_path, pacs(port))
        assert sending.round_of(workspace, outbox, chosen, print) == Done(3, 1, 2, 0)
    assert len(objects) == 1
    assert [(event["name"], event.get("reason")) for event in sent(workspace)] == [
        ("report", "the archive answered with status C000"),
        ("heat-map-1", "the archive takes no objects of this SOP class"),
        ("picture-1", None),
    ]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("status", "after"), [(503, Done(0, 1, 0, 0)), (401, Done(0, 1, 0, 0)), (422, Done())]
)
def test_a_fhir_server_is_asked_again_only_where_that_may_help(
    workspace: Engine,
    example: Any,
    film: Path,
    outbox: Outbox,
    tmp_path: Path,
    status: int,
    after: Done,
) -> None:
    with fhir_server(lambda number: status if number == 1 else 200) as (base, _):
        chosen = settings(tmp_path, f'[fhir.record]\nurl = "{base}"')
        read(workspace, example, film)
        sending.round_of(workspace, outbox, chosen, print)
        assert sending.round_of(workspace, outbox, chosen, print) == after


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"MSH|^~\\&\rMSA|AA|another", "waiting"),
        (b"", "waiting"),
        (b"MSH|^~\\&\rMSA|AE|%b", "set aside"),
        (b"MSH|^~\\&\rMSA|CA|%b", "delivered"),
    ],
)
def test_only_an_acknowledgement_of_this_message_counts(
    workspace: Engine,
    example: Any,
    film: Path,
    outbox: Outbox,
    tmp_path: Path,
    answer: bytes,
    state: Any,
) -> None:
    with listener(lambda control: answer.replace(b"%b", control)) as (port, _):
        chosen = settings(tmp_path, f'[hl7.ris]\naddress = "127.0.0.1"\nport = {port}')
        read(workspace, example, film)
        sending.round_of(workspace, outbox, chosen, print)
    assert len(outbox.listed(state)) == 1


def test_a_delivery_that_cannot_be_recorded_waits_and_is_sent_again(
    workspace: Engine,
    example: Any,
    film: Path,
    outbox: Outbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with archive() as (port, objects):
        chosen = settings(tmp_path, pacs(port))
        read(workspace, example, film)
        with monkeypatch.context() as broken:
            broken.setattr(sending, "_record", interrupt)
            with pytest.raises(KeyboardInterrupt):
                sending.round_of(workspace, outbox, chosen, print)
        assert len(outbox.listed("waiting")) == 3
        sending.round_of(workspace, outbox, chosen, print)
    assert len(objects) == 4
    assert len(set(objects)) == 3  # the archive has it once: it is the same object
    assert len(sent(workspace)) == 3


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_named_case_is_sent_unsigned_but_not_as_a_result(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    chosen = settings(tmp_path, pacs(1), '[hl7.ris]\naddress = "127.0.0.1"\nport = 1')
    read(workspace, example, film, "accepted")
    assert sending.put_case(workspace, outbox, chosen, "case-1") == 3
    assert {parcel.destination for parcel in outbox.listed("waiting")} == {"pacs"}
    with pytest.raises(ReviewError, match="nothing to read"):
        sending.put_case(workspace, outbox, chosen, "case-2")


def test_a_signed_case_whose_film_is_gone_is_told_and_passed(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    read(workspace, example, film)
    film.unlink()
    told: list[str] = []
    chosen = settings(tmp_path, pacs(1))
    assert sending.round_of(workspace, outbox, chosen, told.append) == Done()
    assert told[0].startswith("case-1: None of the films")


def test_what_was_purged_is_not_delivered_and_its_bytes_go(
    workspace: Engine, example: Any, film: Path, outbox: Outbox, tmp_path: Path
) -> None:
    with archive() as (port, objects):
        chosen = settings(tmp_path, pacs(port))
        read(workspace, example, film)
        sending.put_signed(workspace, outbox, chosen, print)
        purge(workspace, ["case-1"], because="erasure", actor="chief")
        sending.deliver(workspace, outbox, chosen.destinations)
    assert objects == []
    assert {parcel.reason for parcel in outbox.listed("set aside")} == {"the case was purged"}
    assert outbox.again() == 0


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "names nobody"),
        (
            '[dicom.a]\naddress = "x"\nport = 1\ntitle = "P"\n[hl7.a]\naddress = "x"\nport = 1',
            "two",
        ),
        ('[dicom.a]\nadress = "x"', "address"),
        ('[fhir.a]\nurl = "ftp://x"', "no base"),
        ('[fhir.a]\nurl = "https://me:pw@x/fhir"', "password"),
        ('[stow.a]\nurl = "//x/dicom-web"', "no base of a DICOMweb server"),
        ('[stow.a]\nurl = "https://x/dicom-web/studies/"', "ends before /studies"),
        ("[mail.a]", "mail"),
        ("dicom = 3", "no table|not a table"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings(tmp_path, table)
