"""A patient is brought in from the browser: dropped, pasted, assessed, opened and signed."""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pytest
import reading_fixture
from playwright.sync_api import Browser, Locator, Page, expect
from ports import reserved_port
from settled import rest
from waiting import until

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser

FILM = Path(str(resources.files("sample_data"))) / "cohort" / "images" / "sim-2026-000000.dcm"
LABS = (
    "Test\tErgebnis\tEinheit\tDatum\n"
    "CRP\t214\tmg/L\t2022-05-11 09:21\n"
    "Kreatinin\t117\tµmol/l\t2022-05-11 09:21\n"
    "Natrium im Urin\t40\tmmol/l\t2022-05-11 09:21\n"
)
DROP = """(target, {name, data}) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind,
      {bubbles: true, cancelable: true, dataTransfer: carried}));
  }
}"""


@dataclass
class Form:
    """The page that adds a case, on one served workspace."""

    page: Page
    address: str
    workspace: Path
    trouble: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.page.goto(f"{self.address}/add")
        expect(self.page.locator(".masthead h1")).to_have_text("Add a case")
        expect(self.named("Patient id")).to_be_visible()
        rest(self.page)

    def named(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def only(self, label: str) -> Locator:
        """A field once the page stands: while a run draws it anew, the one before is there, too."""
        rest(self.page)
        expect(self.named(label)).to_have_count(1)
        return self.named(label)

    def fill(self, label: str, text: str) -> None:
        self.only(label).fill(text)
        self.page.keyboard.press("Tab")

    def contents(self) -> Locator:
        return self.page.locator(".contents")

    def drop(self, file: Path) -> None:
        """Drops a file onto the field, as from a folder of the desktop."""
        zone = self.page.locator(
            "[class*=st-key-upload-files] [data-testid=stFileUploaderDropzone]"
        )
        data = base64.b64encode(file.read_bytes()).decode()
        zone.evaluate(DROP, {"name": file.name, "data": data})

    def events(self, case_id: str) -> list[AuditEvent]:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = list(ledger.events(connection, case_id=case_id))
            assert verify.verify(connection).intact
        engine.dispose()
        return found

    def count(self, kind: str) -> int:
        return sum(event.kind == kind for event in self.events("added-0001"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    workspace = reading_fixture.make_workspace(tmp_path_factory.mktemp("adding"), cases=2)
    page = launch.start(launch.Choices(workspace, port=reserved_port(), reader="dr.browser"))
    yield page.address, workspace
    page.stop()


@pytest.fixture
def form(browser: Browser, served: tuple[str, Path]) -> Iterator[Form]:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, timezone_id="Europe/Berlin")
    made = Form(page, *served)
    page.on("pageerror", lambda error: made.trouble.append(str(error)))
    yield made
    page.close()
    assert not made.trouble


def test_from_a_dropped_film_and_pasted_labs_to_a_signature(form: Form) -> None:
    page = form.page
    form.open()
    expect(page.get_by_text("Research use only")).to_be_visible()
    expect(page.get_by_role("button", name="Save and assess")).to_be_disabled()
    form.drop(FILM)
    expect(page.locator(".file b")).to_have_text(FILM.name)
    form.fill("Patient id", "sim-2026-p000001")
    form.fill("Decision needed at", "2022-05-11 16:56")
    expect(
        page.get_by_text("The image belongs to a different patient from the case")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Save and assess")).to_be_disabled()
    form.fill("Patient id", "sim-2026-p000000")
    expect(page.locator("img.film")).to_be_visible()
    expect(page.locator(".file")).to_contain_text("window")
    page.get_by_label(re.compile("^Table: paste it")).fill(LABS)
    form.fill("Age", "72")
    expect(page.get_by_text("no value of urine is read").first).to_be_visible()
    expect(page.get_by_text("Converted: Creatinine 117 µmol/l to 1.32 mg/dL")).to_be_visible()
    form.only("Known to have").click()
    page.keyboard.type("asthma")
    page.keyboard.press("Enter")
    expect(form.contents()).to_contain_text("Asthma (J45.9)")
    page.keyboard.press("Escape")
    # Written and saved without leaving the field first: what was typed is what is saved.
    form.only("Presenting complaint").fill("Short of breath, pain when breathing in.")
    page.get_by_role("button", name="Save and assess").click()

    expect(page.locator(".jobs")).to_contain_text("added-0001")
    expect(form.named("Patient id")).to_have_value("")
    expect(page.locator("[data-job]")).to_have_text("Assessed")
    added, assessed = form.events("added-0001")
    assert (added.kind, added.actor) == ("IMPORTED", "dr.browser")
    assert added.payload["inputs"] == ["history", "image", "measurements", "notes"]
    assert (assessed.kind, assessed.payload["record"]) == ("ASSESSED", added.payload["record"])
    page.get_by_role("button", name="Open the case").click()
    expect(page.locator(".masthead h1")).to_have_text("added-0001")
    expect(page.locator("canvas[data-drawn=yes]")).to_be_visible()
    rest(page)
    _sign(form, assessed.payload["to_decide"])
    kinds = [event.kind for event in form.events("added-0001")]
    assert kinds[:3] == ["IMPORTED", "ASSESSED", "OPENED"]


def _sign(form: Form, wanted: list[str]) -> None:
    """Accept these suggestions, and sign."""
    page = form.page
    for number, diagnosis in enumerate(wanted, start=1):
        card = page.locator(f'.st-key-answers [data-pick="{diagnosis}"]')
        card.click()
        expect(card).to_have_attribute("aria-checked", "true")
        rest(page)
        page.locator(".st-key-accept button").click()
        until(lambda n=number: form.count("DECIDED") == n, "the decision in the ledger")
        rest(page)
    page.locator(".st-key-sign button").click()
    page.locator(".st-key-confirm-sign button").click()
    until(lambda: form.count("SIGNED"), "the signature in the ledger")


def test_a_reload_keeps_what_was_entered_and_a_zip_is_unpacked(form: Form, tmp_path: Path) -> None:
    page = form.page
    form.open()
    packed = tmp_path / "disc.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(FILM, "DISC/IM0001")
        archive.writestr("DISC/viewer.exe", b"MZ")
    page.locator("[class*=st-key-upload-files] input[type=file]").set_input_files(packed)
    expect(page.locator(".file b")).to_have_text("IM0001")
    expect(page.get_by_text("viewer.exe was left out")).to_be_visible()
    form.fill("Patient id", "sim-2026-p000000")
    form.fill("Decision needed at", "2022-05-11 16:56")
    expect(form.contents()).to_contain_text("2022-05-11 16:56")
    page.reload()
    expect(form.named("Patient id")).to_have_value("sim-2026-p000000")
    expect(page.locator(".file b")).to_have_text("IM0001")
    assert "sim-2026" not in page.url
    page.get_by_role("button", name="Start over").click()
    expect(form.named("Patient id")).to_have_value("")
    expect(page.locator(".file b")).to_have_count(0)


def test_a_reload_keeps_a_field_that_is_being_typed_in(form: Form) -> None:
    page = form.page
    form.open()
    form.only("Presenting complaint").click()
    page.keyboard.type("Short of breath since")
    page.reload()
    expect(form.named("Presenting complaint")).to_have_value("Short of breath since")
    assert "breath" not in page.url
    rest(page)
    page.get_by_role("button", name="Start over").click()
    expect(form.named("Presenting complaint")).to_have_value("")


def test_a_letter_in_a_field_is_a_letter(form: Form) -> None:
    page = form.page
    form.open()
    form.only("Presenting complaint").click()
    page.keyboard.type("jknw amxezs")
    page.keyboard.press("Tab")
    expect(form.contents()).to_have_count(0)
    expect(form.named("Presenting complaint")).to_have_value("jknw amxezs")
    expect(page.locator(".masthead h1")).to_have_text("Add a case")
