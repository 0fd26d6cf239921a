"""The film first: its share of the window, what is beside it and stays in view, and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import film_first_fixture
import pytest
from playwright.sync_api import Browser, BrowserContext, FloatRect, Locator, Page, expect
from ports import reserved_port
from settled import rest, settle, still
from waiting import until

from clinical.audit import ledger
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser

ALL, PLAIN = film_first_fixture.ALL, film_first_fixture.PLAIN


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_first_fixture.make_workspace(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    running = launch.start(launch.Choices(workspace, port=reserved_port(), reader="dr.film"))
    yield running.address
    running.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which nobody has chosen anything yet."""
    opened = browser.new_context(viewport={"width": 1280, "height": 720})
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def open_case(page: Page, address: str, case_id: str) -> None:
    page.goto(address)
    settle(page)
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()
    if case_id != film_first_fixture.NO_FILM:
        expect(page.locator("canvas[data-drawn=yes]").first).to_be_visible()
    rest(page)


def box(part: Locator) -> FloatRect:
    found = part.bounding_box()
    assert found is not None
    return found


def hangs(page: Page, name: str) -> None:
    """Wait until that is chosen to be beside the film."""
    chosen = page.locator(f'.st-key-choice-hanging [data-value="{name}"]')
    expect(chosen).to_have_attribute("aria-checked", "true")
    rest(page)


def beside(page: Page) -> list[str]:
    return page.locator(".st-key-choice-hanging button").all_inner_texts()


@pytest.mark.parametrize(
    ("width", "height", "share"), [(1280, 720, 0.65), (1920, 1080, 0.75), (853, 480, 0.45)]
)
def test_the_film_has_its_share_of_the_window(
    page: Page, address: str, width: int, height: int, share: float
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    open_case(page, address, ALL)
    stage = page.locator(".stage")
    for name in ("labs", "film", "prior", "ecg"):
        page.locator(f'.st-key-choice-hanging [data-value="{name}"]').click()
        hangs(page, name)
        until(lambda: box(stage)["height"] >= share * height, f"the share of the film by {name}")
    expect(page.locator(".cards")).to_be_in_viewport()
    for button in ("accept", "sign"):
        expect(page.locator(f".st-key-{button} button")).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_film_is_as_wide_as_the_window_and_nothing_is_wider(
    page: Page, address: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_case(page, address, ALL)
    film = box(page.locator(".stage"))
    assert (film["x"], film["width"]) == (0, 390)
    assert film["height"] >= 300
    wide = page.locator(".stMain").evaluate("main => main.scrollWidth - main.clientWidth")
    assert wide == 0
    expect(page.locator(".st-key-accept button")).to_be_in_viewport(ratio=1)
    assert box(page.locator(".cards"))["y"] > film["y"] + film["height"]


def test_the_list_and_the_buttons_stay_in_view_and_labs_and_story_scroll_alone(
    page: Page, address: str
) -> None:
    open_case(page, address, ALL)
    labs = page.get_by_role("region", name="Measured")
    labs.hover()
    page.mouse.wheel(0, 2000)
    page.wait_for_function(
        "() => document.querySelector('.st-key-labs .scroll').scrollTop > 0", timeout=0
    )
    assert page.locator(".stMain").evaluate("main => main.scrollTop") == 0
    page.locator('[data-value="film"]').click()
    hangs(page, "film")
    page.locator(".st-key-story").scroll_into_view_if_needed()
    rest(page)
    expect(page.locator(".cards")).to_be_in_viewport(ratio=1)
    for button in ("accept", "add", "sign"):
        expect(page.locator(f".st-key-{button} button")).to_be_in_viewport(ratio=1)


def test_each_suggestion_is_one_line_and_the_chosen_one_is_open(page: Page, address: str) -> None:
    open_case(page, address, ALL)
    lines = page.locator(".card")
    heights = lines.evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
    assert min(heights) >= 24
    assert max(heights) < 30
    expect(page.locator('.card[tabindex="0"]')).to_have_count(1)
    page.locator('.card[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    chosen = lines.nth(1)
    expect(chosen).to_have_attribute("aria-checked", "true")
    expect(chosen).to_be_focused()
    expect(page.locator(".open h3")).to_contain_text(chosen.locator(".name").inner_text())
    expect(page.locator('.card[tabindex="0"]')).to_have_count(1)


def test_what_hangs_beside_the_film_goes_by_key_and_is_remembered(
    page: Page, context: BrowserContext, address: str
) -> None:
    open_case(page, address, ALL)
    hangs(page, "labs")
    page.keyboard.press("q")
    hangs(page, "ecg")
    paper, film = box(page.locator(".paper")), box(page.locator(".stage"))
    assert paper["x"] > film["x"] + film["width"] - 1
    assert paper["y"] < film["y"] + film["height"]
    page.keyboard.press("q")
    hangs(page, "film")
    page.keyboard.press("p")
    hangs(page, "prior")
    expect(page.locator("canvas")).to_have_count(2)

    page.keyboard.press("w")
    settle(page)
    again = context.new_page()
    open_case(again, address, ALL)
    hangs(again, "prior")
    expect(again.locator("canvas")).to_have_count(2)
    again.keyboard.press("p")
    hangs(again, "labs")
    expect(again.locator("canvas")).to_have_count(1)
    again.close()


def test_only_what_a_case_has_is_offered(page: Page, address: str) -> None:
    open_case(page, address, ALL)
    assert beside(page) == ["Film", "+ Prior", "+ Labs", "+ ECG"]
    page.keyboard.press("p")
    hangs(page, "prior")
    page.keyboard.press("w")
    settle(page)
    page.locator(f'tr[data-pick="{PLAIN}"]').click()
    expect(page.get_by_role("heading", name=PLAIN)).to_be_visible()
    hangs(page, "labs")
    assert beside(page) == ["Film", "+ Labs"]
    expect(page.locator("canvas[data-drawn=yes]")).to_have_count(1)


def test_without_a_film_the_measurements_take_its_place(page: Page, address: str) -> None:
    open_case(page, address, film_first_fixture.NO_FILM)
    expect(page.get_by_text("No image was given")).to_be_visible()
    expect(page.locator(".st-key-choice-hanging")).not_to_be_visible()
    labs, side = box(page.locator(".st-key-labs")), box(page.locator(".st-key-side"))
    assert labs["x"] + labs["width"] <= side["x"]
    assert labs["height"] >= 0.6 * 720


def test_with_everything_withheld_the_film_stands_beside_one_sentence(
    page: Page, address: str
) -> None:
    open_case(page, address, film_first_fixture.WITHHELD)
    expect(page.locator(".nothing")).to_be_in_viewport(ratio=1)
    expect(page.locator(".card")).to_have_count(0)
    assert box(page.locator(".stage"))["height"] >= 0.65 * 720
    expect(page.locator(".st-key-add button")).to_be_in_viewport(ratio=1)


def test_no_number_of_the_measurements_is_cut_off(page: Page, address: str) -> None:
    open_case(page, address, ALL)
    panel = page.locator(".st-key-labs .scroll")
    assert panel.evaluate("panel => panel.scrollWidth - panel.clientWidth") == 0
    head = panel.locator("th[scope=col]").all_inner_texts()
    assert head == ["Measurement", "Value", "Unit", "Range", "Age", "Earlier", "Evidence"]


def test_the_switch_leaves_what_is_abnormal_and_is_remembered(page: Page, address: str) -> None:
    open_case(page, address, PLAIN)
    row = page.locator(".measurements tr", has_text="Platelets")
    expect(row).to_be_visible()
    page.get_by_role("radio", name="Abnormal only").click()
    expect(row).not_to_be_visible()
    expect(page.locator(".measurements tr", has_text="Lactate")).to_be_visible()
    expect(page.get_by_text("Not used: the unit")).to_be_attached()
    page.reload()
    expect(page.get_by_role("heading", name=PLAIN)).to_be_visible()
    expect(page.locator(".measurements tr", has_text="Lactate")).to_be_visible()
    expect(row).not_to_be_visible()


def test_all_earlier_values_show_on_hover_and_by_key(page: Page, address: str) -> None:
    open_case(page, address, PLAIN)
    trend = page.get_by_role("group", name="Leukocytes, 2 values")
    values = trend.locator(".all")
    expect(values).not_to_be_visible()
    trend.focus()
    expect(values).to_be_visible()
    expect(values.locator("li")).to_have_count(2)
    page.locator('.card[tabindex="0"]').focus()
    expect(values).not_to_be_visible()
    trend.hover()
    expect(values).to_be_visible()


def test_in_full_screen_the_film_fills_it_and_no_key_decides(
    page: Page, address: str, workspace: Path
) -> None:
    open_case(page, address, PLAIN)
    page.keyboard.press("Shift+F")
    page.wait_for_function("() => document.fullscreenElement !== null", timeout=0)
    until(lambda: box(page.locator(".viewer"))["height"] >= 720, "the whole screen")
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.keyboard.press("i")
    expect(page.locator("canvas")).to_have_attribute("data-inverted", "true")
    page.keyboard.press("Shift+F")
    page.wait_for_function("() => document.fullscreenElement === null", timeout=0)
    rest(page)
    expect(page.get_by_role("heading", name=PLAIN)).to_be_visible()
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        assert not list(ledger.events(connection, case_id=PLAIN, kind="DECIDED"))
    engine.dispose()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Full screen, and back; Esc leaves it")


def test_on_paper_are_film_suggestions_decisions_and_all_measurements(
    page: Page, address: str
) -> None:
    open_case(page, address, ALL)
    page.emulate_media(media="print")
    rest(page)
    still(page)
    for there in (".stage canvas", ".card", ".open", ".standing", ".measurements", ".notes"):
        expect(page.locator(there).first).to_be_visible()
    expect(page.get_by_text("Research use only. Not a medical device.").first).to_be_visible()
    for away in (".st-key-accept", ".st-key-next", ".choice", ".tool", ".st-key-what-if"):
        expect(page.locator(away).first).not_to_be_visible()
    for panel in page.locator(".scroll, .open").all():
        hidden = panel.evaluate("panel => panel.scrollHeight - panel.clientHeight")
        assert hidden <= 1
    colours = page.locator(".stApp").evaluate("app => getComputedStyle(app).backgroundColor")
    assert colours == "rgb(255, 255, 255)"


def test_nothing_is_kept_from_case_to_case(page: Page, address: str) -> None:
    """After what is not used any more was collected, a second round adds nothing to the first."""
    open_case(page, address, "CASE-001")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")

    def counted() -> dict[str, float]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        told = session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in told}

    def go_around() -> None:
        for key in 5 * "j" + 5 * "k":
            title = page.locator(".masthead h1")
            before = title.inner_text()
            button = page.locator(
                ".st-key-next button" if key == "j" else ".st-key-previous button"
            )
            if button.is_disabled():
                continue
            page.keyboard.press(key)
            expect(title).not_to_have_text(before)
            rest(page)

    go_around()
    first = counted()
    # What is collected late is there once more; what is kept grows with every round.
    for _ in range(3):
        go_around()
        now = counted()
        kept = ("Nodes", "JSEventListeners", "JSHeapUsedSize")
        grown = {name: now[name] / first[name] for name in kept if now[name] > 1.1 * first[name]}
        if not grown:
            break
    assert grown == {}


def test_a_clause_of_a_sentence_leads_to_its_evidence_and_back(page: Page, address: str) -> None:
    open_case(page, address, PLAIN)
    film = page.locator("canvas[data-drawn=yes]").first
    scale = film.get_attribute("data-scale") or ""
    region = page.locator(".clause[data-box]")
    region.click()
    expect(film).to_have_attribute("data-meant", region.get_attribute("data-box") or "")
    expect(film).not_to_have_attribute("data-scale", scale)

    row = page.locator('tr[data-at="measurements value 1988-5"]')
    value = page.locator('.clause[data-evidence="measurements value 1988-5"]')
    value.focus()
    page.keyboard.press("Enter")
    expect(row).to_have_class(re.compile(r"\blit\b"))
    expect(row).to_be_in_viewport()
    expect(value).to_have_attribute("aria-pressed", "true")
    expect(film).to_have_attribute("data-scale", scale)  # back at what was in view
    value.press("Space")
    expect(page.locator(".lit")).to_have_count(0)
