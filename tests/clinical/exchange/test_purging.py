"""A case or a patient is purged: nothing is left in any file of workspace, inbox, chart, outbox."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hospital import write_film

from clinical.audit import ledger, retention
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent
from clinical.errors import StoreError
from clinical.exchange import assembling, private_database, purging, sending, watched_folder
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart, Purge, open_chart
from clinical.exchange.desk import Desk
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.outbox import open_outbox
from clinical.workspace import scrubbing, store
from clinical.workspace.database import open_workspace
from pipelines.cli import main

TAKEN = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
OURS = Rules(authority="HOSP", late_hours=48)
ADA, BEN = "QX7731-ADA", "QX8842-BEN"
NAMES = {ADA: "Rademacher^Ottokarine", BEN: "Quistorp^Wilhelmine"}
TOLD = {ADA: "seen with her cousin Gesche", BEN: "lives in the old mill"}
SETTINGS = """
inbox = "inbox"
keep_free_gb = 0
[folder]
path = "in"
[assembly]
authority = "HOSP"
late_hours = 48
"""


@dataclass
class Place:
    """All folders of a department, and what is sent to it."""

    root: Path
    desk: Desk
    made: dict[str, str] = field(default_factory=dict)

    def film(self, who: str, study: str = "1", hours: float = 0, modality: str = "DX") -> None:
        file = self.root / "sent"
        name = f"{who}{study}{modality}"
        taken = TAKEN - timedelta(hours=hours)
        write_film(file, number=who, study=f"{who}{study}", name=name, acquired=taken)
        film = pydicom.dcmread(file)
        film.PatientName, film.Modality = NAMES[who], modality
        film.save_as(file)
        self.desk.inbox.keep("dicom", file, "PACS")
        file.unlink()

    def note(self, *of: str, hours: float = 0.5) -> None:
        """One file of HL7, with a text about each, as others put it into the watched folder."""
        text = "\n".join(note(who, hours) for who in of)
        (self.root / "in" / f"{len(of)}.hl7").write_text(text)
        settings = watched_folder.Settings(str(self.root / "in"), quiet_seconds=0)
        watch = watched_folder.Watch(settings, self.desk.inbox, lambda _: None)
        watch.look(0)
        assert watch.look(1) == 1

    def work(self) -> list[str]:
        names = assembling.work(self.desk)
        while self.desk.inbox.waiting():  # a turn ends by the clock
            names += assembling.work(self.desk)
        return names

    def case_of(self, who: str) -> str:
        with self.desk.engine.connect() as connection:
            (name,) = retention.of_patients(connection, [who])
        return name

    def events(self, *kinds: str) -> list[AuditEvent]:
        with self.desk.engine.connect() as connection:
            return [event for event in ledger.events(connection) if event.kind in kinds]

    def ask(self, case_id: str = "", patient: str = "") -> None:
        self.desk.chart.ask_purge(Purge(0, case_id, patient, "erasure", "chief"))

    def intact(self) -> bool:
        with self.desk.engine.connect() as connection:
            return verify(connection, pixels=True).intact


def note(who: str, hours: float) -> str:
    at = f"{TAKEN - timedelta(hours=hours):%Y%m%d%H%M%S+0000}"
    return "\r".join(
        (
            f"MSH|^~\\&|W|HOSP|T|HOSP|{at}||MDM^T02^MDM_T02|{who}{at}|P|2.5.1",
            f"EVN||{at}",
            f"PID|1||{who}^^^HOSP^MR||{NAMES[who]}||19600501|F",
            f"TXA|1|HP|TX|||||||||{who}{at}|||||AU",
            f"OBX|1|TX|INDICATION^Indication||{TOLD[who]}||||||F",
        )
    )


def everywhere(root: Path, *marks: str) -> set[str]:
    """Which files hold one of the marks, by content or name."""
    wanted = [mark.encode() for mark in marks]
    return {
        str(file.relative_to(root))
        for file in root.rglob("*")
        if file.is_file()
        and any(mark in file.read_bytes() or mark in bytes(file) for mark in wanted)
    }


def of(who: str) -> tuple[str, ...]:
    return who, NAMES[who], TOLD[who]


@contextmanager
def opened(root: Path) -> Iterator[Place]:
    (root / "in" / "taken").mkdir(parents=True, exist_ok=True)
    (root / "in" / "refused").mkdir(exist_ok=True)
    engine = open_workspace(root / "workspace", create=True)
    with open_inbox(root / "inbox", keep_free=0) as inbox, open_chart(inbox.root) as chart:
        yield Place(root, Desk(inbox, chart, engine, OURS, watched=root / "in"))
    engine.dispose()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders that `fill` has filled, for copies of them."""
    with opened(tmp_path_factory.mktemp("once")) as made:
        fill(made)
    return made.root


@pytest.fixture
def full(once: Path, tmp_path: Path) -> Path:
    """A copy of them, which nobody has opened."""
    return shutil.copytree(once, tmp_path / "full")


@pytest.fixture
def filled(full: Path) -> Iterator[Place]:
    with opened(full) as made:
        yield made


def fill(place: Place) -> None:
    """Films and texts of two patients in one file, a CT, a message that cannot be read."""
    place.note(ADA, BEN)
    place.film(ADA)
    place.film(BEN)
    place.film(ADA, "2", modality="CT")
    place.desk.inbox.keep("hl7", f"MSH|^~\\&|W\rPID|||{ADA}".encode(), "WARD")
    assert len(place.work()) == 2


def test_all_of_a_patient_goes_and_all_of_the_other_stays(filled: Place) -> None:
    ben = filled.case_of(BEN)
    assert len(everywhere(filled.root, *of(ADA))) > 4
    filled.film(ADA, "3", hours=30)  # has arrived, and nobody has looked at it yet
    filled.ask(patient=ADA)
    purging.carry_out(filled.desk)
    assert everywhere(filled.root, *of(ADA)) == set()
    assert filled.desk.chart.purges() == ()
    assert filled.intact()
    assert filled.case_of(BEN) == ben
    assert [h.told.facts[0].text for h in filled.desk.chart.known(BEN).heard] == [TOLD[BEN]]  # type: ignore[union-attr]
    filled.desk.chart.settle(BEN, (), datetime.now(UTC))
    assert filled.work() == []  # what there is of the other says what it said
    (event,) = filled.events("CLEARED")
    assert (event.actor, event.case_id) == ("chief", "")
    assert event.payload == {
        "because": "erasure",
        "what": "patient",
        **{"cases": 1, "objects": 5, "messages": 1, "films": 2, "files": 1},
    }
    assert [e.actor for e in filled.events("PURGED")] == ["chief"]


def test_figures_count_on(filled: Place) -> None:
    filled.ask(patient=ADA)
    purging.carry_out(filled.desk)
    tally = filled.desk.inbox.tally()
    assert (tally.received, tally.removed, tally.waiting, tally.done) == (6, 4, 0, 2)
    assert tally.set_aside == {}
    filled.film(ADA, "9")
    assert filled.desk.inbox.tally().received == 7


def test_of_a_case_goes_what_no_other_case_of_the_patient_needs(place: Place) -> None:
    place.note(ADA, hours=0.5)
    place.film(ADA)
    place.film(ADA, "early", hours=900 * 24)  # too long ago to be shown beside
    place.work()
    late, early = (
        next(n for n in names if (cut(place, n) > TAKEN - timedelta(days=1)) is late)
        for names in [cases(place)]
        for late in (True, False)
    )
    place.ask(case_id=late, patient=ADA)
    purging.carry_out(place.desk)
    assert everywhere(place.root, TOLD[ADA]) == set()
    assert cases(place) == [early]
    (film,) = place.desk.chart.known(ADA).films
    assert place.desk.chart.film_file(film).is_file()
    assert place.intact()
    assert [
        (e.case_id, e.payload["films"], e.payload["messages"]) for e in place.events("CLEARED")
    ] == [(late, 1, 1)]
    assert place.desk.chart.trail(late)[-1].what == "purged"
    place.desk.chart.settle(ADA, (), datetime.now(UTC))
    assert place.work() == []


def test_a_film_that_another_case_shows_beside_stays(place: Place) -> None:
    place.film(ADA, "early", hours=48)
    place.work()
    early = place.case_of(ADA)
    place.film(ADA)
    place.work()
    place.ask(case_id=early, patient=ADA)
    purging.carry_out(place.desk)
    assert len(place.desk.chart.known(ADA).films) == 2
    place.desk.chart.settle(ADA, (), datetime.now(UTC))
    assert place.work() == []
    assert early not in cases(place)


def test_a_case_that_was_purged_before_is_found_without_its_patient(filled: Place) -> None:
    case = filled.case_of(ADA)
    retention.purge(filled.desk.engine, [case], because="erasure", actor="system")
    assert everywhere(filled.root, TOLD[ADA])
    filled.ask(case_id=case)
    purging.carry_out(filled.desk)
    assert everywhere(filled.root, TOLD[ADA]) == set()


def test_a_number_of_another_authority_is_another_patient(filled: Place) -> None:
    filled.ask(patient=f"{ADA}@NORTH")
    purging.carry_out(filled.desk)
    assert filled.case_of(ADA)
    assert filled.desk.chart.known(ADA).films


def cases(place: Place) -> list[str]:
    with place.desk.engine.connect() as connection:
        return sorted(entry.case_id for entry in store.worklist(connection))


def cut(place: Place, name: str) -> datetime:
    with place.desk.engine.connect() as connection:
        moment = store.get_case(connection, name).decision_time
    assert moment is not None
    return moment


class Killed(BaseException):
    """What ends everything at once; nothing of the program catches it."""


STEPS: tuple[tuple[Any, str], ...] = (
    (purging, "take_in"),
    (retention, "purge"),
    (retention, "scrub"),
    (ledger, "append"),
    (Chart, "told_purge"),
    (Path, "unlink"),
    (Inbox, "remove"),
    (Inbox, "scrub"),
    (Chart, "remove"),
    (Chart, "settle"),
    (private_database, "scrub"),
    (Chart, "end_purge"),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_killed_anywhere_the_next_start_ends_it(full: Path, step: tuple[Any, str]) -> None:
    with opened(full) as place:
        place.film(ADA, "3", hours=30)
        place.ask(patient=ADA)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(*step, killing(getattr(*step)))
            with pytest.raises(Killed):
                purging.carry_out(place.desk)
    with opened(full) as place:
        purging.carry_out(place.desk)
        assert everywhere(full, *of(ADA)) == set()
        assert place.desk.chart.purges() == ()
        assert len(place.events("PURGED")) == 1
        assert place.events("CLEARED")
        assert place.case_of(BEN)
        assert place.intact()


def killing(real: Callable[..., Any]) -> Callable[..., Any]:
    """A step after which the process is no more."""

    def step(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        raise Killed

    return step


def test_the_receiver_ends_what_was_asked_for(filled: Place) -> None:
    """Whoever asked may be gone; the process that works on the inbox looks before each turn."""
    filled.ask(patient=ADA)
    assert assembling.ended(filled.desk)
    assert everywhere(filled.root, *of(ADA)) == set()


def test_a_file_in_use_is_tried_again(filled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.ask(patient=ADA)
    monkeypatch.setattr(scrubbing, "WAIT_SECONDS", 0.05)
    with open_chart(filled.desk.chart.root) as other:
        other._connection.execute("BEGIN")
        other._connection.execute("SELECT count(*) FROM films").fetchone()
        with pytest.raises(StoreError, match=r"Another program|locked"):
            purging.carry_out(filled.desk)
        assert not assembling.ended(filled.desk)
        other._connection.execute("ROLLBACK")
    assert assembling.ended(filled.desk)
    assert everywhere(filled.root, *of(ADA)) == set()


def test_the_command_reaches_inbox_chart_and_outbox(
    full: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (full / "receive.toml").write_text(SETTINGS)
    (full / "send.toml").write_text(
        'outbox = "outbox"\n[dicom.pacs]\naddress = "127.0.0.1"\nport = 9\ntitle = "PACS"\n'
    )
    with opened(full) as place:
        case = place.case_of(ADA)
    with open_outbox(full / "outbox") as outbox:
        outbox.put("pacs", case, "r", {"report": json.dumps(of(ADA)).encode()})
    command = ["audit", "purge", "--workspace", str(full / "workspace"), "--patient"]
    command += ["--receive", str(full / "receive.toml"), "--because", "erasure"]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ADA}\n" * 2))
    assert main([*command, "--dry-run"], {}) == 0
    assert "4 received objects, 1 messages and 1 films" in flat(capsys)
    assert everywhere(full, *of(ADA))
    assert main([*command, "--send", str(full / "send.toml")], {}) == 0
    said = flat(capsys)
    assert "removed 1 cases" in said
    assert "1 cases, 4 objects, 1 messages, 1 films, 1 files outside the store" in said
    assert "1 parcels outside the store" in said
    assert ADA not in said
    assert everywhere(full, *of(ADA)) == set()
    with open_outbox(full / "outbox") as outbox:
        assert [parcel.reason for parcel in outbox.listed("set aside")] == ["the case was purged"]


def flat(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_while_a_receiver_runs_the_command_waits_for_it(
    full: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (full / "receive.toml").write_text(SETTINGS)
    with opened(full) as place:
        case = place.case_of(ADA)
        command = ["audit", "purge", "--workspace", str(full / "workspace"), "--case", case]
        command += ["--receive", str(full / "receive.toml"), "--because", "erasure"]
        with assembling.alone(place.desk.inbox):
            monkeypatch.setattr("pipelines.commands.purge.WAIT_SECONDS", 0.0)
            assert main(command, {}) == 1
            assert "goes on trying" in " ".join(capsys.readouterr().err.split())
            assert place.events("PURGED")  # the store is purged at once
            monkeypatch.setattr(
                "pipelines.commands.purge.time.sleep", lambda _: assembling.ended(place.desk)
            )
            monkeypatch.setattr("pipelines.commands.purge.WAIT_SECONDS", 120.0)
            assert main(command, {}) == 0
        assert everywhere(full, TOLD[ADA]) == set()


def test_what_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_workspace(tmp_path / "workspace", create=True).dispose()
    (tmp_path / "receive.toml").write_text(SETTINGS)
    command = ["audit", "purge", "--workspace", str(tmp_path / "workspace"), "--case", "received-x"]
    command += ["--receive", str(tmp_path / "receive.toml"), "--because", "erasure"]
    assert main(command, {}) == 1
    assert "no inbox" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "inbox").exists()


def test_the_outbox_is_cleared_of_purged_cases_at_each_round(filled: Place) -> None:
    case = filled.case_of(ADA)
    with open_outbox(filled.root / "outbox") as outbox:
        first, second = outbox.put("pacs", case, "r", {"a": TOLD[ADA].encode(), "b": b"2"})
        outbox.set_aside(first, "status A900")  # nobody would come to it any more
        retention.purge(filled.desk.engine, [case], because="erasure", actor="system")
        assert sending.clear(filled.desk.engine, outbox) == 1
        assert sending.clear(filled.desk.engine, outbox) == 0
        outbox.delivered(second)  # it was on its way; nobody minds
    (event,) = filled.events("CLEARED")
    assert event.payload == {"because": "erasure", "what": "case", "parcels": 2}
    assert everywhere(filled.root / "outbox", TOLD[ADA]) == set()
