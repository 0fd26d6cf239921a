"""A browser page on the viewer, and what its canvas should show."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import viewer_fixture
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from settled import drawn

from clinical.case.shapes import Array
from clinical.case.window import Function, Window

STATED = viewer_fixture.STATED


@dataclass
class Screen:
    """One browser page, and the length of every message that the server sent it."""

    page: Page
    address: str
    received: list[int] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def open(self, case_id: str, *, again: bool = False) -> Locator:
        """The drawn image of a case, by the worklist; `again` loads the page first."""
        if again or self.page.url == "about:blank":
            self.page.goto(self.address)
        elif not self.page.locator("table.worklist").count():
            self.page.get_by_role("button", name="Worklist").click()
        self.page.locator(f'tr[data-pick="{case_id}"]').click()
        expect(self.page.get_by_role("heading", name=case_id)).to_be_visible()
        canvas = self.page.locator("canvas[data-drawn=yes]").first
        expect(canvas).to_be_visible()
        expect(canvas).to_have_attribute("data-diagnosis", re.compile("."))
        self.settle()
        return canvas

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        drawn(self.page)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def drag(self, canvas: Locator, start: Any, end: Any, button: Any = "left") -> None:
        """Between two points given as shares of the canvas."""
        box = canvas.bounding_box()
        assert box is not None
        points = [
            (box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end)
        ]
        self.page.mouse.move(*points[0])
        self.page.mouse.down(button=button)
        self.page.mouse.move(*points[1], steps=4)
        self.page.mouse.up(button=button)
        self.settle()


def new_screen(browser: Browser, address: str, **options: Any) -> Screen:
    page = browser.new_page(viewport={"width": 1280, "height": 760}, **options)
    made = Screen(page, address)
    page.on("pageerror", lambda error: made.trouble.append(str(error)))
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: made.received.append(len(data))),
    )
    return made


def greys(canvas: Locator) -> NDArray[np.int16]:
    """Drawn pixels, rows x columns x RGB, top row first."""
    address = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
    picture = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
    return np.asarray(picture.convert("RGB"), np.int16)


def shown_by(canvas: Locator) -> dict[str, str]:
    data: dict[str, str] = canvas.evaluate("canvas => ({...canvas.dataset})")
    return data


def expected(data: dict[str, str], array: Array, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Greys by PS3.3 C.11.2 at every canvas pixel; -1 outside the image."""
    a, b, c, d = (int(part) for part in data["turn"].split(","))
    scale, x, y = (float(data[name]) for name in ("scale", "x", "y"))
    down, across = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    u, v = (across - x) / scale, (down - y) / scale
    columns, rows = np.floor(a * u + c * v).astype(int), np.floor(b * u + d * v).astype(int)
    plane = array.values.reshape(-1, *array.values.shape[-2:])[int(data["plane"])]
    height, width = plane.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    seen = plane[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    table = viewer_fixture.TABLE.tobytes()
    names: dict[str, Function] = {stated.function: stated.function for stated in STATED}
    window = Window(names[data["function"]], float(data["centre"]), float(data["width"]), "", table)
    grey = window.apply(seen) * 255
    return np.where(inside, 255 - grey if data["inverted"] == "true" else grey, -1)


def image_of(case_id: str, name: str = "image") -> Array:
    return viewer_fixture.looks()[case_id].inputs[name].arrays[0]


def worst(canvas: Locator, array: Array) -> float:
    """Largest difference in grey levels between what is drawn and what should be."""
    drawn = greys(canvas)[..., 0]
    wanted = expected(shown_by(canvas), array, drawn.shape)
    assert (wanted >= 0).sum() > 1500
    return float(np.abs(drawn - wanted)[wanted >= 0].max())
