"""The viewer in a real browser: greys by the standard, turned, measured, compared, played."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
import viewer_fixture
from playwright.sync_api import Browser, expect
from ports import reserved_port
from settled import rest
from viewer_screen import STATED, Screen, greys, image_of, new_screen, shown_by, worst

from ui.host import launch

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace = viewer_fixture.make_workspace(tmp_path_factory.mktemp("looks"))
    page = launch.start(launch.Choices(workspace, port=reserved_port(), reader="dr.viewer"))
    yield page.address
    page.stop()


@pytest.fixture(scope="module")
def shared_screen(browser: Browser, address: str) -> Iterator[Screen]:
    made = new_screen(browser, address)
    yield made
    made.page.close()


@pytest.fixture
def screen(shared_screen: Screen) -> Iterator[Screen]:
    """One browser page for all, on which each test opens its case anew."""
    yield shared_screen
    assert not shared_screen.trouble


def test_every_window_is_drawn_by_the_standard_whichever_way_it_is_turned(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("o", "0")
    for key, (stated, turn) in enumerate(
        zip(STATED, (("l",), ("h",), ("v", "i"), ("Shift+L",)), strict=True), start=1
    ):
        before = shown_by(canvas)["turn"]
        screen.press(*turn, str(key))
        assert shown_by(canvas)["function"] == stated.function
        assert shown_by(canvas)["turn"] != before
        assert worst(canvas, image_of("LOOK-PRIOR")) <= 1


def test_what_the_file_does_not_say_is_written_over_the_film(screen: Screen) -> None:
    canvas = screen.open("LOOK-TALL")
    unstated = screen.page.locator(".unstated")
    expect(unstated).to_be_visible()
    assert unstated.inner_text() == "orientation not stated in the file\nview not stated"
    expect(canvas).to_have_attribute("aria-label", re.compile("orientation not stated"))
    screen.open("LOOK-PLAIN")
    expect(screen.page.locator(".unstated")).to_be_hidden()


def test_window_follows_the_drag_and_the_drawn_greys_follow_the_window(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("o", "0")
    for key, stated in ((1, STATED[0]), (4, STATED[3])):
        screen.press(str(key))
        screen.drag(canvas, (0.5, 0.5), (0.6, 0.45))
        data = shown_by(canvas)
        assert data["function"] == stated.function
        assert float(data["width"]) > stated.width
        assert float(data["centre"]) < stated.centre
        assert worst(canvas, image_of("LOOK-PRIOR")) <= 1
    expect(screen.page.get_by_role("combobox", name="Window")).to_have_value("-1")


def test_the_list_of_windows_names_them_as_the_file_does(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    choice = screen.page.get_by_role("combobox", name="Window")
    assert choice.locator("option").all_inner_texts()[:4] == [
        "1 Normal",
        "2 Window",
        "3 Soft",
        "4 Curve",
    ]
    choice.select_option(label="3 Soft")
    expect(canvas).to_have_attribute("data-function", "SIGMOID")
    expect(canvas).to_be_focused()


def test_overlay_invert_zoom_fit_and_reset(screen: Screen) -> None:
    canvas = screen.open("LOOK-PLAIN")
    coloured = greys(canvas)
    assert (coloured[..., 0] - coloured[..., 2]).max() > 40
    screen.press("o")
    expect(canvas).to_have_attribute("data-overlay", "false")
    plain = greys(canvas)
    assert np.abs(plain[..., 0] - plain[..., 2]).max() == 0
    screen.press("i", "2", "h")
    assert abs(int(greys(canvas).mean()) - int(plain.mean())) > 10
    fitted = shown_by(canvas)["scale"]
    canvas.hover()
    screen.page.mouse.wheel(0, -300)
    expect(canvas).not_to_have_attribute("data-scale", fitted)
    screen.press("f")
    expect(canvas).to_have_attribute("data-scale", fitted)
    canvas.focus()
    screen.press("+", "Space")
    np.testing.assert_array_equal(greys(canvas), coloured)


def test_right_drag_and_a_pinch_of_the_trackpad_zoom_and_shift_drag_moves(screen: Screen) -> None:
    canvas = screen.open("LOOK-PLAIN")
    scales = [float(shown_by(canvas)["scale"])]
    screen.drag(canvas, (0.5, 0.4), (0.5, 0.6), button="right")
    dragged = shown_by(canvas)["scale"]
    scales.append(float(dragged))
    screen.page.keyboard.down("Control")
    screen.page.mouse.wheel(0, -20)
    screen.page.keyboard.up("Control")
    expect(canvas).not_to_have_attribute("data-scale", dragged)
    scales.append(float(shown_by(canvas)["scale"]))
    assert scales == sorted(set(scales))
    before = shown_by(canvas)
    screen.drag(canvas, (0.5, 0.5), (0.6, 0.5), button="middle")
    after = shown_by(canvas)
    assert float(after["x"]) > float(before["x"])
    assert after["width"] == before["width"]


def test_pixels_are_sent_once_and_another_diagnosis_keeps_the_view(screen: Screen) -> None:
    canvas = screen.open("LOOK-PLAIN", again=True)
    assert max(screen.received) > 2 * 640 * 560
    screen.press("2", "l", "0")
    rest(screen.page)
    before, drawn = shown_by(canvas), greys(canvas)
    screen.received.clear()
    screen.page.locator('[data-pick="heart_failure"]').click()
    expect(canvas).to_have_attribute("data-diagnosis", "Heart failure")
    rest(screen.page)

    assert np.abs(greys(canvas) - drawn).max() > 20
    assert {**shown_by(canvas), "diagnosis": ""} == {**before, "diagnosis": ""}
    assert max(screen.received) < 20_000  # neither pixels nor the code of the viewer
    assert sum(screen.received) < 40_000


def measurements(screen: Screen) -> list[str]:
    return screen.page.locator(".measurements .name").all_inner_texts()


def test_a_length_is_right_and_stays_right_however_the_image_is_seen(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("d")
    expect(screen.page.get_by_role("button", name="Measure a length")).to_have_attribute(
        "aria-pressed", "true"
    )
    data = shown_by(canvas)
    screen.drag(canvas, (0.4, 0.3), (0.6, 0.7))
    across, down = (
        share * canvas.evaluate(f"canvas => canvas.{side}") / float(data["scale"])
        for share, side in ((0.2, "width"), (0.4, "height"))
    )
    length = np.hypot(across, down) * 0.25
    (said,) = measurements(screen)
    found = re.fullmatch(r"1 Length: ([\d.]+) mm at detector", said)
    assert found is not None
    assert float(found[1]) == pytest.approx(length, abs=0.8)
    screen.press("l", "v", "0")
    assert measurements(screen) == [said]
    screen.press("h", "f", "Space")
    assert measurements(screen) == [said]
    screen.press("Delete")


def test_pixels_that_are_not_square_are_drawn_and_measured_as_they_are(screen: Screen) -> None:
    """320 rows of 0.5 mm and 560 columns of 0.25 mm: 160 mm high, 140 mm wide."""
    canvas = screen.open("LOOK-TALL")
    data = shown_by(canvas)
    width, height = (canvas.evaluate(f"canvas => canvas.{side}") for side in ("width", "height"))
    scale = float(data["scale"])
    assert scale == pytest.approx(min(width / 560, height / 640))
    screen.press("d")
    screen.drag(canvas, (0.5, 0.3), (0.5, 0.7))
    (said,) = measurements(screen)
    assert float(said.split()[2]) == pytest.approx(0.4 * height / scale * 0.25, abs=0.8)
    screen.press("Delete", "Escape")


def test_an_end_is_moved_and_the_measurement_deleted(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("d")
    screen.drag(canvas, (0.4, 0.5), (0.6, 0.5))
    (first,) = measurements(screen)
    screen.press("Escape")  # with the window tool, too, an end can be taken
    screen.drag(canvas, (0.6, 0.5), (0.7, 0.5))
    (longer,) = measurements(screen)
    assert float(longer.split()[2]) > float(first.split()[2])
    assert shown_by(canvas)["width"] == "900"
    screen.press("Delete")
    assert measurements(screen) == []


def test_a_rectangle_tells_the_statistics_of_its_pixels(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("0", "b")
    data = shown_by(canvas)
    box = canvas.bounding_box()
    assert box is not None
    start, end = (200, 160), (260, 220)
    screen.drag(
        canvas,
        (start[0] / box["width"], start[1] / box["height"]),
        (end[0] / box["width"], end[1] / box["height"]),
    )
    left, top = (round(start[i] - float(data["xy"[i]])) for i in (0, 1))
    pixels = image_of("LOOK-PRIOR").values[top : top + 60, left : left + 60]
    (said,) = measurements(screen)
    number = r"(-?[\d.]+)"
    found = re.fullmatch(
        rf"1 Rectangle: mean {number}, SD {number}, min {number}, max {number}, "
        rf"area {number} mm² at detector, n {number}",
        said,
    )
    assert found is not None
    mean, sd, least, most, area, n = (float(part) for part in found.groups())
    assert n == pytest.approx(3600, abs=121)  # the pointer is between pixels
    assert area == pytest.approx(n / 16, rel=0.05)
    assert mean == pytest.approx(pixels.mean(), rel=0.02)
    assert sd == pytest.approx(pixels.std(), rel=0.1)
    assert least == pytest.approx(pixels.min(), rel=0.1)
    assert most == pytest.approx(pixels.max(), rel=0.1)
    screen.press("Delete")


def test_measuring_with_the_keyboard_alone(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    canvas.focus()
    screen.press("d", "Enter")
    (first,) = measurements(screen)
    screen.press("Shift+ArrowRight", "Shift+ArrowRight")
    (longer,) = measurements(screen)
    grown = float(longer.split()[2]) - float(first.split()[2])
    assert 0 < grown <= 20 * 0.25 + 0.1
    remove = screen.page.get_by_role("button", name="Delete mark 1")
    remove.focus()
    screen.press("Enter")
    assert measurements(screen) == []


def test_measurements_outlive_a_change_of_case_and_of_page(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    canvas.focus()
    screen.press("d", "Enter")
    kept = measurements(screen)
    screen.press("w")
    screen.page.locator('tr[data-pick="LOOK-PRIOR"]').click()
    expect(screen.page.locator(".measurements .name")).to_have_count(1)
    assert measurements(screen) == kept
    screen.open("LOOK-PRIOR", again=True)
    expect(screen.page.locator(".measurements .name")).to_have_count(1)
    assert measurements(screen) == kept
    # What is not recorded waits for its reader; the next test finds the film as it was.
    screen.page.get_by_role("button", name="Delete mark 1").focus()
    screen.press("Enter")
    assert measurements(screen) == []


def test_the_prior_stands_beside_and_moves_along_until_it_is_let_go(screen: Screen) -> None:
    current = screen.open("LOOK-PRIOR")
    screen.press("p")
    both = screen.page.locator("canvas[data-drawn=yes]")
    expect(both).to_have_count(2)
    prior = both.nth(1)
    assert screen.page.locator(".label").all_inner_texts() == [
        "Current 2031-03-04",
        "Prior 2030-11-20",
    ]
    expect(prior).to_have_attribute("aria-label", re.compile("prior image"))
    screen.press("o")
    before = [shown_by(canvas) for canvas in (current, prior)]
    screen.drag(current, (0.5, 0.5), (0.6, 0.5))
    screen.drag(prior, (0.5, 0.4), (0.5, 0.6), button="right")
    after = [shown_by(canvas) for canvas in (current, prior)]
    for was, now in zip(before, after, strict=True):
        assert float(now["width"]) > float(was["width"])
        assert float(now["scale"]) > float(was["scale"])
    screen.press("t", "l", "0")
    assert shown_by(prior)["turn"] == "0,1,-1,0"
    assert shown_by(current)["turn"] == "1,0,0,1"
    assert worst(prior, image_of("LOOK-PRIOR", "prior_image")) <= 1
    screen.press("p")
    expect(both).to_have_count(1)


def test_only_a_case_with_a_prior_offers_one(screen: Screen) -> None:
    screen.open("LOOK-PLAIN")
    expect(screen.page.get_by_role("button", name="Rotate left")).to_be_visible()
    assert screen.page.get_by_role("button", name="prior image").count() == 0
    screen.press("p")
    assert screen.page.locator("canvas").count() == 1


def test_frames_are_scrolled_and_played_without_another_message(screen: Screen) -> None:
    canvas = screen.open("LOOK-CINE")
    cine = image_of("LOOK-CINE")
    screen.press("o", "0")
    rest(screen.page)
    screen.received.clear()
    canvas.focus()
    screen.press("ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown")
    expect(canvas).to_have_attribute("data-plane", "2")
    assert worst(canvas, cine) <= 1
    canvas.hover()
    screen.page.mouse.wheel(0, 120)
    expect(canvas).to_have_attribute("data-plane", "4")
    assert worst(canvas, cine) <= 1
    screen.press("End", "ArrowDown")
    expect(canvas).to_have_attribute("data-plane", "5")
    expect(screen.page.locator(".cine output")).to_have_text("6 of 6")
    screen.press("g")
    expect(canvas).to_have_attribute("data-plane", "1")  # it starts again after the last
    screen.page.get_by_role("button", name="Pause").click()
    screen.press("g", "d")  # choosing to measure stops it too
    expect(screen.page.get_by_role("button", name="Play")).to_be_visible()
    screen.page.get_by_role("slider", name="Frame").fill("1")
    expect(canvas).to_have_attribute("data-plane", "0")
    assert sum(screen.received) < 1000


def test_a_dense_screen_shows_one_image_pixel_on_one_of_its_own(
    browser: Browser, address: str
) -> None:
    screen = new_screen(browser, address, device_scale_factor=2)
    canvas = screen.open("LOOK-PRIOR")
    screen.press("o", "0", "l")
    box = canvas.bounding_box()
    assert box is not None
    assert canvas.evaluate("canvas => canvas.width") == pytest.approx(2 * box["width"], abs=2)
    assert worst(canvas, image_of("LOOK-PRIOR")) <= 1
    expect(screen.page.locator(".readout")).to_contain_text("50%")
    screen.page.close()
    assert not screen.trouble


def test_one_finger_windows_and_two_fingers_zoom(browser: Browser, address: str) -> None:
    screen = new_screen(browser, address, has_touch=True)
    canvas = screen.open("LOOK-PLAIN")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    session = screen.page.context.new_cdp_session(screen.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    start = shown_by(canvas)
    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x + 20 * step, y))
    touch("touchEnd")
    screen.settle()
    windowed = shown_by(canvas)
    assert float(windowed["width"]) > float(start["width"])
    assert windowed["scale"] == start["scale"]
    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    for step in range(1, 6):
        touch("touchMove", (x - 40 - 8 * step, y), (x + 40 + 8 * step, y))
    touch("touchEnd")
    screen.settle()
    pinched = shown_by(canvas)
    assert float(pinched["scale"]) / float(start["scale"]) == pytest.approx(2, rel=0.05)
    assert pinched["width"] == windowed["width"]
    screen.page.close()
    assert not screen.trouble


def test_a_lost_graphics_context_comes_back_by_itself(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    screen.press("4")
    before = greys(canvas)
    canvas.evaluate(
        "canvas => { const gl = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');"
        " const back = new Promise(done => canvas.addEventListener('webglcontextrestored', done));"
        " canvas.addEventListener('webglcontextlost', () => setTimeout(() => gl.restoreContext()));"
        " gl.loseContext(); return back; }"
    )
    screen.settle()
    np.testing.assert_array_equal(greys(canvas), before)


def test_without_webgl_the_rest_of_the_page_still_works(browser: Browser, address: str) -> None:
    screen = new_screen(browser, address)
    screen.page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };"
    )
    screen.page.goto(screen.address)
    screen.page.locator('tr[data-pick="LOOK-PLAIN"]').click()
    expect(screen.page.get_by_role("alert").filter(has_text="WebGL2")).to_be_visible()
    expect(screen.page.locator(".card.chosen")).to_be_visible()
    screen.page.close()
    assert not screen.trouble


def test_the_toolbar_is_one_line_at_1280_and_every_button_has_a_name(screen: Screen) -> None:
    canvas = screen.open("LOOK-PRIOR")
    for bar in screen.page.locator(".viewer .bar:visible").all():
        tops = [one.bounding_box() for one in bar.locator("button, select").all()]
        assert len({round(box["y"]) for box in tops if box}) == 1
    for button in screen.page.locator(".viewer button").all():
        assert button.get_attribute("aria-label") or button.text_content()
    expect(canvas).to_have_attribute("aria-label", "image 560 by 640 pixels")


def test_the_help_lists_the_keys_and_gives_the_focus_back(screen: Screen) -> None:
    canvas = screen.open("LOOK-PLAIN")
    screen.press("?")
    dialog = screen.page.get_by_role("dialog", name="Keys of the image viewer")
    expect(dialog).to_be_visible()
    for words in ("Rotate right", "Shift+L", "Invert greys", "Play or pause", "Space"):
        expect(dialog).to_contain_text(words)
    screen.press("Escape")
    expect(dialog).to_be_hidden()
    expect(canvas).to_be_focused()
