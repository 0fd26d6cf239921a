"""An electrocardiogram that arrives becomes part of the case of its patient, by the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dicom_sender import close_sockets
from hospital import write_film, write_tracing
from pydicom import config as pydicom_config
from pynetdicom import _config

from clinical.audit import ledger
from clinical.case.case import Case
from clinical.case.delivery import Delivered
from clinical.dicom import receiver
from clinical.dicom.receiver import Sender
from clinical.dicom.sender import Archive, store
from clinical.exchange import assembling, purging
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Purge, open_chart
from clinical.exchange.desk import Desk
from clinical.exchange.inbox import open_inbox
from clinical.workspace import store as cases
from clinical.workspace.database import open_workspace

TAKEN = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
RULES = Rules(authority="HOSP", late_hours=48)


@dataclass
class Ward:
    """An inbox into which films and tracings are sent."""

    desk: Desk
    folder: Path

    def film(self, number: str = "1001") -> None:
        data = write_film(self.folder / "film", acquired=TAKEN, number=number)
        self.desk.inbox.keep("dicom", data, "PACS")

    def tracing(self, hours: float = -1, number: str = "1001", name: str = "e") -> bytes:
        when = TAKEN + timedelta(hours=hours)
        data = write_tracing(self.folder / "ecg", acquired=when, number=number, name=name)
        self.desk.inbox.keep("dicom", data, "CART")
        return data

    def work(self) -> list[str]:
        made = assembling.work(self.desk)
        while self.desk.inbox.waiting():  # a turn ends by the clock
            made += assembling.work(self.desk)
        return list(dict.fromkeys(made))

    def case(self) -> Case:
        (name,) = self.work()
        with self.desk.engine.connect() as connection:
            return cases.get_case(connection, name)

    def said(self) -> str:
        return self.desk.chart.trail()[-1].words

    def ruled(self, **rules: object) -> Ward:
        return Ward(replace(self.desk, rules=replace(RULES, **rules)), self.folder)  # type: ignore[arg-type]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    engine = open_workspace(tmp_path / "workspace", create=True)
    with open_inbox(tmp_path / "inbox", keep_free=0) as inbox, open_chart(inbox.root) as chart:
        yield Ward(Desk(inbox, chart, engine, RULES), tmp_path)
    engine.dispose()


def test_one_of_before_the_film_is_part_of_its_case(ward: Ward) -> None:
    ward.tracing()
    ward.film()
    case = ward.case()
    assert len(case.inputs["ecg"].arrays) == len(case.inputs["image"].arrays) == 1
    assert case.decision_time == TAKEN
    assert case.problems == ()
    assert ward.said() == "from 1 film, 1 electrocardiogram"


def test_one_that_arrives_later_makes_a_new_version(ward: Ward) -> None:
    ward.film()
    assert "ecg" not in ward.case().inputs
    ward.tracing()
    assert "ecg" in ward.case().inputs
    assert [step.what for step in ward.desk.chart.trail()] == ["made", "versioned"]
    data = ward.tracing()  # the same again changes nothing
    ward.desk.inbox.keep("dicom", data, "CART")
    assert ward.work() == []


@pytest.mark.parametrize(
    ("hours", "why"), [(0.5, "from after the film"), (-25, "older than the rules take")]
)
def test_one_outside_the_window_is_left_out_and_counted(ward: Ward, hours: float, why: str) -> None:
    ward.tracing(hours)
    ward.film()
    assert "ecg" not in ward.case().inputs
    assert ward.said() == f"from 1 film; left out: 1 electrocardiogram {why}"


def test_the_window_is_a_rule(ward: Ward) -> None:
    wide = ward.ruled(ecg_hours=0)
    wide.tracing(-900)
    wide.film()
    assert "ecg" in wide.case().inputs


def test_that_of_another_patient_is_none_of_it(ward: Ward) -> None:
    ward.tracing(number="1002")
    ward.film()
    assert "ecg" not in ward.case().inputs
    assert ward.said() == "from 1 film"


def test_without_a_film_it_makes_a_case_only_by_rule(ward: Ward) -> None:
    ward.tracing()
    assert ward.work() == []
    alone = ward.ruled(ecg_alone=True)
    alone.tracing(-2, number="1003", name="other")
    case = alone.case()
    assert sorted(case.inputs) == ["ecg", "history"]
    assert case.decision_time == TAKEN - timedelta(hours=2)
    assert alone.said() == "from 1 electrocardiogram"
    alone.film("1003")
    assert {"ecg", "image"} <= set(alone.case().inputs)


def test_it_goes_with_a_purge_of_its_case(ward: Ward) -> None:
    ward.tracing()
    ward.film()
    name = ward.case().case_id
    ward.desk.chart.ask_purge(Purge(0, name, "1001", "erasure", "chief"))
    purging.carry_out(ward.desk)
    assert ward.desk.chart.known("1001").films == ()
    assert ward.desk.inbox.tally().removed == 2
    with ward.desk.engine.connect() as connection:
        (event,) = ledger.events(connection, kind="CLEARED")
    assert (event.payload["films"], event.payload["objects"]) == (2, 2)


def test_by_network_from_the_cart_into_the_case(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C-STORE by one side of the program and the other."""
    close_sockets(monkeypatch)
    mode = pydicom_config.settings.reading_validation_mode  # which receiver and sender change
    monkeypatch.setattr(pydicom_config.settings, "reading_validation_mode", mode)
    monkeypatch.setattr(_config, "LOG_HANDLER_LEVEL", _config.LOG_HANDLER_LEVEL)
    settings = receiver.Settings((Sender("TRIPTYCH", "127.0.0.1"),), title="PACS", port=0)
    port = receiver.start(
        settings,
        lambda path, sender: ward.desk.inbox.keep("dicom", path, sender),
        ward.desk.inbox.new_file,
        lambda _: None,
    )
    try:
        data = write_tracing(ward.folder / "ecg", acquired=TAKEN - timedelta(hours=1))
        assert store(Archive("127.0.0.1", port.port, "PACS"), data) == Delivered()
    finally:
        port.stop()
    ward.film()
    assert "ecg" in ward.case().inputs
