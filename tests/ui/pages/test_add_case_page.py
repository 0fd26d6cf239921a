"""The page that adds a case: messages before anything is saved, and what becomes of it then."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from digests import without_digests
from PIL import Image
from streamlit.testing.v1 import AppTest
from waiting import until

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent
from clinical.case.case import Case
from clinical.case.shapes import Measurements
from clinical.cohorts import entered
from clinical.model.card import Card
from clinical.workspace import store
from clinical.workspace.database import open_workspace
from ui.state import adding, assessing, models
from ui.state.models import Here

OpenPage = Callable[..., AppTest]
GoTo = Callable[[AppTest, str], AppTest]
STAND_IN = Path(__file__).parents[1] / "state" / "assessing_fixture.py"
LABS = "Test\tResult\tUnit\tDate\nCRP\t112\tmg/L\t2024-03-01 08:00\n"


@pytest.fixture(autouse=True)
def without_a_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No model is installed unless a test says so, and no draft outlives its test."""
    monkeypatch.setattr(models, "_here", lambda: Here((), ()))
    yield
    assessing.stop()
    for draft in list(adding._drafts.values()):
        adding._drafts.pop(draft.name).close()


@pytest.fixture
def form(open_page: OpenPage, go_to: GoTo) -> Callable[..., AppTest]:
    """Opens the form, with a patient, a decision and labs unless others are given."""

    def opened(reader: str = "dr.first", **fields: str) -> AppTest:
        page = go_to(open_page(reader=reader), "add")
        return fill(
            page,
            **{"patient": "PAT-900", "decision": "2024-03-01 12:00", "labs": LABS, **fields},
        )

    return opened


def fill(page: AppTest, **fields: str) -> AppTest:
    for name, text in fields.items():
        key = f"add-{name.replace('_', '-')}"
        kind = "text_area" if name == "labs" else "text_input"
        getattr(page, kind)(key=key).input(text)
    return page.run()


def shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def listed(page: AppTest) -> str:
    """What the list of added cases says."""
    return "".join(str(element.proto) for element in page.get("bidi_component"))


def can_save(page: AppTest) -> bool:
    return not page.button(key="do-save").disabled


def events(workspace: Path, case_id: str) -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, case_id=case_id))
        assert verify(connection).intact
    engine.dispose()
    return found


def held(workspace: Path, case_id: str) -> Case:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = store.get_case(connection, case_id)
    engine.dispose()
    return found


def png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.tile(np.arange(64, dtype=np.uint8), (40, 1))).save(out, "PNG")
    return out.getvalue()


def test_a_case_is_saved_under_the_name_of_who_added_it(
    form: Callable[..., AppTest], workspace: Path
) -> None:
    page = form(age="61")
    assert can_save(page)
    assert "PAT-900" in shown(page)
    assert "read without suggestions" in shown(page), "no model is installed, and that is said"
    place = list(adding._drafts.values())[-1].place  # other tests of this process have theirs
    page.button(key="do-save").click().run()

    (event,) = events(workspace, "added-0001")
    assert (event.kind, event.actor, event.payload["added"]) == ("IMPORTED", "dr.first", "new")
    assert "112" not in without_digests(str(event.payload))
    labs = held(workspace, "added-0001").inputs["measurements"]
    assert isinstance(labs, Measurements)
    assert [item.value for item in labs.items] == [112]
    assert "Saved. It is read without suggestions." in listed(page)
    assert page.text_input(key="add-patient").value == ""
    assert not place.exists()


def test_every_message_stands_before_anything_is_saved(
    form: Callable[..., AppTest], workspace: Path
) -> None:
    labs = LABS + "Natrium im Urin\t40\tmmol/l\t2024-03-01 08:00\nK\t4\tmmol/l\t2024-03-02 08:00\n"
    words = shown(form(labs=labs, birth="12/24/2030"))
    assert "no value of urine is read" in words
    assert "The time is after the decision" in words
    assert "birth" in words
    assert "Row 2" in words
    assert "Row 3" in words
    assert events(workspace, "added-0001") == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"patient": ""}, "Write the patient&#39;s id"),
        ({"decision": ""}, "Write when the decision is needed"),
        ({"decision": "2999-01-01 00:00"}, "lies in the future"),
        ({"case_id": "CASE-001"}, "knows a case CASE-001 already"),
        ({"case_id": "../x"}, "characters that are not taken"),
        ({"labs": ""}, "Add a film, a value, history or a note"),
    ],
)
def test_what_hinders_is_said_and_nothing_can_be_saved(
    form: Callable[..., AppTest], fields: dict[str, str], why: str
) -> None:
    page = form(**fields)
    assert why.casefold() in shown(page).casefold()
    assert not can_save(page)


def test_a_png_is_asked_what_it_does_not_say(form: Callable[..., AppTest], workspace: Path) -> None:
    page = form()
    (draft,) = adding._drafts.values()
    draft.receive([("film.png", png()), ("letter.txt", b"Dear colleague")])
    page.run()
    words = shown(page)
    assert "Say whether bone is bright or dark." in words
    assert "Say which view it is." in words
    assert "letter.txt was left out" in words
    assert not can_save(page)
    key = draft.files[0].digest[:16]
    page.selectbox(key=f"add-photometric-{key}").select("MONOCHROME1")
    page.selectbox(key=f"add-view-{key}").select("PA")
    page.text_input(key=f"add-time-{key}").input("2024-03-01 09:00")
    page.run()
    assert can_save(page)
    assert "window" in shown(page), "the film is shown with its window"
    page.button(key="do-save").click().run()
    assert held(workspace, "added-0001").inputs["image"].arrays[0].values[0, 0] == 255


def test_a_file_that_cannot_be_read_has_to_go_first(form: Callable[..., AppTest]) -> None:
    page = form()
    (draft,) = adding._drafts.values()
    draft.receive([("film.dcm", bytes(128) + b"DICM" + bytes(300))])
    page.run()
    assert "Remove the files that cannot be read" in shown(page)
    assert not can_save(page)
    page.button(key=f"do-remove-{draft.files[0].digest[:16]}").click().run()
    assert can_save(page)


def test_two_who_add_at_once_get_two_cases(form: Callable[..., AppTest], workspace: Path) -> None:
    first, second = form(), form(reader="dr.second", patient="PAT-901")
    assert "added-0001" in shown(first)
    assert "added-0001" in shown(second)
    first.button(key="do-save").click().run()
    second.button(key="do-save").click().run()
    assert [e.actor for e in events(workspace, "added-0001")] == ["dr.first"]
    assert [e.actor for e in events(workspace, "added-0002")] == ["dr.second"]
    assert held(workspace, "added-0002").patient_id == "PAT-901"


def test_a_name_that_was_taken_meanwhile_is_refused(
    form: Callable[..., AppTest], workspace: Path
) -> None:
    first = form(case_id="ward-7")
    second = form(reader="dr.second", case_id="ward-7", patient="PAT-901")
    first.button(key="do-save").click().run()
    second.button(key="do-save").click().run()
    assert "knows a case ward-7 already" in second.error[0].value
    assert second.text_input(key="add-patient").value == "PAT-901", "nothing that was typed is lost"
    assert len(events(workspace, "ward-7")) == 1


def test_a_correction_is_a_new_version(
    open_page: OpenPage, go_to: GoTo, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entered, "AHEAD", timedelta(days=10_000))  # the fixture plays in 2031
    page = go_to(open_page(reader="dr.first"), "add")
    page.selectbox(key="do-correct").select("CASE-001").run()
    page.button(key="do-begin-correction").click().run()
    assert "<h1>Correct CASE-001</h1>" in shown(page)
    assert page.text_input(key="add-patient").value == "PAT-001"
    assert page.text_input(key="add-age").value == "67"
    assert "1988-5;187;mg/L" in page.text_area(key="add-labs").value
    assert page.checkbox(key="add-keep-files").value
    page.text_input(key="add-age").input("76").run()
    assert can_save(page)
    page.button(key="do-save").click().run()

    assessed, corrected = events(workspace, "CASE-001")
    assert (corrected.kind, corrected.payload["added"]) == ("IMPORTED", "correction")
    assert corrected.payload["corrects"] == assessed.payload["record"]
    now = held(workspace, "CASE-001")
    assert now.inputs["image"].arrays[0].values.shape == (640, 560), "its film was kept"


def test_it_is_assessed_beside_the_page(
    form: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    card = Card(Path("none"), "fixture", "ab" * 32, {}, "")
    monkeypatch.setattr(models, "_here", lambda: Here((card,), (card,)))
    monkeypatch.setattr(assessing, "command", lambda _: [sys.executable, str(STAND_IN), "dies"])
    page = form()
    page.button(key="do-save").click().run()
    (job,) = assessing.of(workspace, "dr.first")
    assert job.case_id == "added-0001"
    assert job.wanted["record"] == events(workspace, "added-0001")[0].payload["record"]
    until(lambda: job.state == "failed", "the end of the assessment")
    page.run()
    assert "Saved, but not assessed." in listed(page)
    assert "Try again" in listed(page)


def test_a_value_is_added_to_the_table_where_its_columns_are(form: Callable[..., AppTest]) -> None:
    page = form()
    page.selectbox(key="one-code").select("2160-0").run()
    page.text_input(key="one-value").input("117")
    page.selectbox(key="one-unit-2160-0").select("umol/L")
    page.button(key="do-add-value").click().run()
    text = page.text_area(key="add-labs").value
    assert text == f"{LABS}Creatinine\t117\tumol/L\t"
    assert "Converted: Creatinine 117 umol/L to 1.32 mg/dL" in shown(page)


def test_starting_over_leaves_nothing(form: Callable[..., AppTest]) -> None:
    page = form()
    (draft,) = adding._drafts.values()
    page.button(key="do-start-over").click().run()
    assert page.text_area(key="add-labs").value == ""
    assert not draft.place.exists()


def test_who_lost_the_role_meanwhile_saves_nothing(
    form: Callable[..., AppTest], workspace: Path
) -> None:
    page = form()
    page.secrets["role"] = "auditor"
    page.button(key="do-save").click().run()
    assert "may not add a case" in page.error[0].value
    assert events(workspace, "added-0001") == []


def test_what_was_saved_without_a_model_can_be_assessed_when_there_is_one(
    form: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = form()
    page.button(key="do-save").click().run()
    assert "added-0001" in listed(page)
    assert "Assess it" not in listed(page)
    card = Card(Path("none"), "fixture", "ab", {}, "")
    monkeypatch.setattr(models, "_here", lambda: Here((card,), (card,)))
    assert "assess added-0001" in listed(page.run())


def test_all_models_that_will_be_asked_are_named(
    form: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tuple(Card(Path("none"), name, name, {}, "") for name in ("own", "shipped"))
    monkeypatch.setattr(models, "_here", lambda: Here(both, both))
    assert "Models that are asked: own, then shipped." in shown(form())
