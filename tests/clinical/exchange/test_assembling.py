"""From the inbox to the worklist: cases, versions, and what is left as it is."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from digests import without_digests
from hospital import write_film
from waiting import SECONDS, until

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent, ReviewDecision
from clinical.case.case import Case, input_digest
from clinical.case.shapes import Events, Measurements, Texts
from clinical.errors import StoreError
from clinical.exchange import assembling
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart, open_chart
from clinical.exchange.desk import Desk
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.kept_assessor import KeptAssessor
from clinical.exchange.known import Known
from clinical.review import decisions, intake, progress
from clinical.review import signature as signatures
from clinical.review.signature import Signature
from clinical.workspace import store
from clinical.workspace.database import open_workspace, writing

TAKEN = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
"""Objects arrive now, as the inbox says; their films were taken two hours ago."""

OURS = Rules(authority="HOSP", late_hours=48)


@dataclass
class Hospital:
    """Sends objects into an inbox and has them worked on."""

    desk: Desk
    folder: Path
    made: list[str] = field(default_factory=list)

    def film(self, **how: object) -> None:
        stated = {"acquired": TAKEN, **how}
        data = write_film(self.folder / "film", **stated)  # type: ignore[arg-type]
        self.desk.inbox.keep("dicom", data, "PACS")

    def lab(
        self,
        value: str,
        *,
        minutes: float = -30,
        told: float = -20,
        code: str = "2823-3^Potassium^LN",
        status: str = "F",
        number: str = "1001",
        unit: str = "mmol/L",
    ) -> None:
        taken, issued = (
            f"{TAKEN + timedelta(minutes=m):%Y%m%d%H%M%S+0000}" for m in (minutes, told)
        )
        lines = [
            f"MSH|^~\\&|LAB|HOSP|TRIPTYCH|HOSP|{issued}||ORU^R01^ORU_R01|{code}{value}{issued}|P|2.5.1",
            f"PID|1||{number}^^^HOSP^MR||Test^Only||19600501|F",
            f"OBR|1|P1|F1{code[:4]}|24323-8^Panel^LN|||{taken}|||||||||||||||{issued}|||F",
            f"OBX|1|NM|{code}||{value}|{unit}|||||{status}|||{taken}",
        ]
        self.desk.inbox.keep("hl7", "\r".join(lines).encode(), "LAB")

    def work(self) -> list[str]:
        names = assembling.work(self.desk)
        self.made += names
        return names

    def case(self, name: str | None = None) -> Case:
        with self.desk.engine.connect() as connection:
            return store.get_case(connection, name or self.made[-1])

    def events(self, name: str | None = None) -> list[AuditEvent]:
        with self.desk.engine.connect() as connection:
            return list(ledger.events(connection, case_id=name or self.made[-1]))

    def trail(self) -> list[str]:
        return [f"{step.what}: {step.words}" for step in self.desk.chart.trail(self.made[-1])]


@contextmanager
def opened(folder: Path) -> Iterator[Hospital]:
    engine = open_workspace(folder / "workspace", create=True)
    with open_inbox(folder / "inbox", keep_free=0) as inbox, open_chart(inbox.root) as chart:
        yield Hospital(Desk(inbox, chart, engine, OURS), folder)
    engine.dispose()


@pytest.fixture(autouse=True)
def patient_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """One turn takes in all that waits, however long the machine needs for it."""
    monkeypatch.setattr(assembling, "TURN_SECONDS", SECONDS)


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    with opened(tmp_path) as made:
        yield made


def values(case: Case) -> dict[str, float | None]:
    found = case.inputs.get("measurements")
    return {m.name: m.value for m in found.items} if isinstance(found, Measurements) else {}


def test_a_film_and_what_was_known_become_a_case(hospital: Hospital) -> None:
    hospital.lab("4.1")
    hospital.lab("120", code="1988-5^CRP^LN", unit="mg/L")
    assert hospital.work() == []
    hospital.film()
    (name,) = hospital.work()
    case = hospital.case()
    assert case.patient_id == "1001"
    assert case.decision_time == TAKEN
    assert values(case) == {"Potassium": 4.1, "C-reactive protein": 120.0}
    assert case.inputs["image"].arrays[0].source["ViewPosition"] == "PA"
    history = case.inputs["history"]
    assert isinstance(history, Events)
    assert (history.sex, int(history.age_years or 0)) == (
        "female",
        TAKEN.year - 1960 - (TAKEN.month < 5),
    )
    (event,) = hospital.events()
    assert (event.kind, event.actor, event.payload["added"]) == ("IMPORTED", "receive", "received")
    assembled = event.payload["assembled"]
    assert isinstance(assembled, dict)
    assert (assembled["films"], assembled["moved"]) == ([0], 0)
    assert assembled["results"] == {"count": 2, "first": 30, "last": 30}
    assert "1001" not in without_digests(json.dumps(event.payload)) + name
    assert hospital.trail() == ["made: from 1 film, 2 results"]
    assert [a.state for a in hospital.desk.inbox.waiting()] == []


def test_a_late_result_makes_a_version_with_a_later_decision(hospital: Hospital) -> None:
    hospital.film()
    hospital.work()
    hospital.lab("4.1", minutes=-30, told=25)
    hospital.work()
    assert values(hospital.case()) == {"Potassium": 4.1}
    assert hospital.case().decision_time == TAKEN + timedelta(minutes=25)
    first, second = hospital.events()
    assert (first.payload["added"], second.payload["added"]) == ("received", "received again")
    assert second.payload["corrects"] == first.payload["record"]
    assert hospital.trail()[-1] == "versioned: from 1 film, 1 result"
    with hospital.desk.engine.connect() as connection:
        assert verify(connection).intact


def test_nothing_new_makes_no_version(hospital: Hospital) -> None:
    hospital.lab("4.1")
    hospital.film()
    hospital.work()
    hospital.lab("9.9", number="1002")
    hospital.lab("4.1", minutes=60, told=90)  # of after the film
    assert hospital.work() == []
    assert len(hospital.events()) == 1


def test_a_second_view_and_an_earlier_film(hospital: Hospital) -> None:
    hospital.film(study="0", name="before", acquired=TAKEN - timedelta(days=30))
    hospital.film(name="pa")
    earlier, now = hospital.work()
    hospital.film(name="two", acquired=TAKEN + timedelta(minutes=2))
    (again,) = hospital.work()
    newer = now if hospital.case(now).decision_time != TAKEN - timedelta(days=30) else earlier
    assert again == newer
    case = hospital.case(newer)
    assert len(case.inputs["image"].arrays) == 2
    assert len(case.inputs["prior_image"].arrays) == 1


def sign(hospital: Hospital) -> None:
    """Read the last case without a model, and sign it."""
    engine, name, now = hospital.desk.engine, hospital.made[-1], datetime.now(UTC)
    intake.record_opened(engine, name, "dr.first")
    decisions.decide(
        engine,
        ReviewDecision(name, "", "ICD-10:J18.9", "add", "", "dr.first", now),
    )
    digest = signatures.decisions_digest(progress.progress(hospital.events()).of("dr.first"))
    signatures.sign(engine, Signature(name, "", "dr.first", "reader", digest, now))


def test_what_comes_after_a_signature_is_only_noted(hospital: Hospital) -> None:
    hospital.film()
    hospital.work()
    sign(hospital)
    hospital.lab("4.1")
    assert hospital.work() == []
    assert hospital.trail()[-1] == "noted: the case is signed; what came later is left out"
    assert values(hospital.case()) == {}


def test_a_signature_while_a_version_is_put_together_counts(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital.film()
    hospital.work()
    real = assembling.assembled_case.build

    def slow(*arguments: Any) -> Any:
        sign(hospital)
        return real(*arguments)

    monkeypatch.setattr(assembling.assembled_case, "build", slow)
    hospital.lab("4.1")
    assert hospital.work() == []
    assert hospital.trail()[-1] == "noted: the case is signed; what came later is left out"


def test_a_case_that_somebody_corrected_is_theirs(hospital: Hospital) -> None:
    hospital.film()
    hospital.work()
    case = hospital.case()
    with writing(hospital.desk.engine) as connection:
        record = store.record_of(connection, case.case_id)
        intake.record_added(connection, replace(case, site="north"), "dr.first", corrects=record)
    hospital.lab("4.1")
    assert hospital.work() == []
    assert "somebody has corrected the case" in hospital.trail()[-1]


def test_a_bad_object_is_set_aside_and_the_next_is_read(hospital: Hospital) -> None:
    inbox: Inbox = hospital.desk.inbox
    inbox.keep("dicom", b"no film at all", "PACS")
    inbox.keep("hl7", b"no message at all", "LAB")
    hospital.film(number="")
    hospital.film()
    assert len(hospital.work()) == 1
    reasons = [one.reason for one in inbox.set_aside_list()]
    assert len(reasons) == 3
    assert "not an image of a known format" in reasons[0]
    assert "names no patient" in reasons[2]


def test_a_fault_of_the_program_keeps_nothing_waiting(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("1001")

    monkeypatch.setattr("clinical.exchange.taking_in.read_identity", broken)
    hospital.film()
    assert hospital.work() == []
    (aside,) = hospital.desk.inbox.set_aside_list()
    assert aside.reason == "a fault of the program (KeyError)"


def test_working_again_on_everything_changes_nothing(hospital: Hospital) -> None:
    hospital.lab("4.1")
    hospital.film()
    (name,) = hospital.work()
    inbox, engine = hospital.desk.inbox, hospital.desk.engine
    with engine.connect() as connection:
        before = ledger.head(connection)
    for number in ("1001",):
        known = hospital.desk.chart.known(number)
        for one in known.heard:
            hospital.desk.chart.hear(one.message, one.told, one.sender, one.arrived)
        hospital.desk.chart.settle(number, (), again=TAKEN)
    assert hospital.work() == []
    with engine.connect() as connection:
        assert ledger.head(connection) == before
    assert assembling.unassessed(engine) == [name]
    assert inbox.tally().done == 2


def test_notes_and_history_go_the_road_of_every_cohort(hospital: Hospital) -> None:
    when = f"{TAKEN - timedelta(minutes=20):%Y%m%d%H%M%S+0000}"
    lines = [
        f"MSH|^~\\&|ADT|HOSP|TRIPTYCH|HOSP|{when}||ADT^A08^ADT_A01|77|P|2.5.1",
        f"EVN|A08|{when}",
        "PID|1||1001^^^HOSP^MR||Test^Only||19600501|F",
        "PV1|1|I",
        f"DG1|1||I50.9^Heart failure^I10|||{when}",
    ]
    hospital.desk.inbox.keep("hl7", "\r".join(lines).encode(), "ADT")
    hospital.film()
    hospital.work()
    history = hospital.case().inputs["history"]
    assert isinstance(history, Events)
    assert [event.code for event in history.items] == ["I50.9"]
    assert not isinstance(history, Texts)


POINTS = (
    (Chart, "hear"),
    (Chart, "see"),
    (Inbox, "done"),
    (intake, "record_added"),
    (Chart, "settle"),
)
"""Each leaves something on the disk; a process may be killed just before and just after."""


def killed(hospital: Hospital, owner: object, name: str, *, after: bool) -> bool:
    """Work in a process that kills itself at its first call of a function; whether it did."""
    child = os.fork()
    if not child:
        real = getattr(owner, name)

        def deadly(*arguments: object, **named: object) -> object:
            if after:
                real(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        setattr(owner, name, deadly)
        try:
            with reopened(hospital) as desk:
                assembling.work(desk)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@contextmanager
def reopened(hospital: Hospital) -> Iterator[Desk]:
    root = hospital.desk.inbox.root
    engine = open_workspace(hospital.folder / "workspace")
    with open_inbox(root, keep_free=0) as inbox, open_chart(root) as chart:
        yield replace(hospital.desk, inbox=inbox, chart=chart, engine=engine)
    engine.dispose()


def end_state(hospital: Hospital) -> tuple[object, ...]:
    """All that is left, but for what is drawn by chance or is the time."""
    tally = hospital.desk.inbox.tally()
    with hospital.desk.engine.connect() as connection:
        names = store.case_ids(connection)
        cases = [store.get_case(connection, name) for name in names]
        events = [(e.kind, e.actor) for e in ledger.events(connection)]
        assert verify(connection).intact
    trail = [(step.what, step.words) for step in hospital.desk.chart.trail()]
    inputs = sorted(input_digest(case) for case in cases)
    return tally.done, tally.waiting, len(tally.set_aside), inputs, events, trail


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), POINTS, ids=[name for _, name in POINTS])
def test_a_process_that_is_killed_anywhere_leaves_what_another_leaves(
    hospital: Hospital, tmp_path: Path, owner: object, name: str, *, after: bool
) -> None:
    def everything(to: Hospital) -> None:
        to.lab("4.1")
        to.film()
        to.desk.inbox.keep("dicom", b"no film", "PACS")

    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other") as undisturbed:
        everything(undisturbed)
        undisturbed.work()
        expected = end_state(undisturbed)
    everything(hospital)
    assert killed(hospital, owner, name, after=after)
    hospital.work()
    assert end_state(hospital) == expected


class Recorder(KeptAssessor):
    """Notes what it is asked to assess."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def warm(self) -> None:
        pass

    def assess(self, case_id: str, versions: Mapping[str, str]) -> str:
        self.asked.append(case_id)
        return versions["input"]

    def close(self) -> None:
        pass


@contextmanager
def running(hospital: Hospital, assessor: KeptAssessor | None) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=assembling.run, args=(hospital.desk, assessor, stop), kwargs={"poll": 0.01}
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_what_was_left_to_assess_and_what_arrives_is_assessed(hospital: Hospital) -> None:
    hospital.film(number="1002")
    (before,) = hospital.work()
    assessor = Recorder()
    with running(hospital, assessor):
        until(lambda: assessor.asked == [before], "the case of before")
        hospital.film()
        until(lambda: len(assessor.asked) == 2, "the case that arrived")
    assert hospital.desk.inbox.waiting() == ()


def test_without_a_model_cases_are_made_all_the_same(hospital: Hospital) -> None:
    with running(hospital, None):
        hospital.film()
        until(lambda: assembling.unassessed(hospital.desk.engine), "the case")


def test_a_disk_that_refuses_for_a_while_loses_nothing(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, turns = assembling.take_in, []

    def full_at_first(*arguments: Any) -> None:
        turns.append(1)
        if len(turns) == 1:
            raise StoreError("The disk is full.")
        real(*arguments)

    monkeypatch.setattr(assembling, "take_in", full_at_first)
    monkeypatch.setattr(assembling, "REST_SECONDS", 0.01)
    hospital.film()
    with running(hospital, None):
        until(lambda: assembling.unassessed(hospital.desk.engine), "the case")


def test_two_processes_do_not_work_on_one_inbox(hospital: Hospital) -> None:
    with running(hospital, None):
        until((hospital.desk.inbox.root / assembling.LOCK_NAME).exists, "the lock")
        hospital.film()
        until(lambda: assembling.unassessed(hospital.desk.engine), "the case")
        with pytest.raises(StoreError, match="Another process works"):
            assembling.run(hospital.desk, None, threading.Event())


def test_a_patient_of_whom_a_case_cannot_be_made_keeps_nobody_waiting(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = assembling.assembly.plans

    def broken(known: Known, *rest: Any) -> Any:
        if any(film.number.value == "1002" for film in known.films):
            raise ZeroDivisionError
        return real(known, *rest)

    monkeypatch.setattr(assembling.assembly, "plans", broken)
    hospital.film(number="1002", name="a", study="1")
    hospital.film(number="1001", name="bb", study="2")
    assert len(hospital.work()) == 1
    later = hospital.desk.chart.next_due()
    assert later is not None
    assert later > datetime.now(UTC)
