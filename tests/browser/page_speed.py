"""`make bench-page`: how fast the page is in Chromium, what 200 cases leave behind in it, and what
40 open sessions cost the server.

    python tests/browser/page_speed.py [WORKSPACE]

Without a workspace the demonstration is made first. Figures depend on the machine and on what else
it does, so the load is printed with them. Nothing here is a test.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright

# The packages first: tests/ui would be taken for the package ui otherwise.
sys.path += [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
sys.path += [str(Path(__file__).parents[1] / "ui")]

from conftest import SWITCHES
from ports import reserved_port
from settled import rest, settle

from pipelines.commands.demo import demonstrate
from ui.host import launch

OPENED, CHOSEN, ASKED, MANY, SESSIONS = 30, 15, 10, 200, 40
DRAG_SECONDS = 4.0
# The canvas stands in a shadow root; `until` is told it at each frame, and a frame after it holds
# the picture is on the screen.
THERE = "canvas?.dataset.drawn === 'yes' || document.querySelector('.st-key-no-film')"
WATCH = """async ([press, until]) => {
  const canvas = () => [...document.querySelectorAll(".st-key-film *")]
    .map(one => one.shadowRoot?.querySelector("canvas")).find(Boolean);
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const holds = new Function("canvas", "title", `return ${until}`);
  const started = performance.now();
  document.querySelector(press).click();
  for (;;) {
    await frame();
    if (holds(canvas(), document.querySelector(".masthead h1")?.textContent ?? "")) break;
    if (performance.now() - started > 60000) throw new Error(`waited for ${until}`);
  }
  await frame();
  return performance.now() - started;
}"""
COUNT = """() => {
  const canvas = [...document.querySelectorAll(".st-key-film *")]
    .map(one => one.shadowRoot?.querySelector("canvas")).find(Boolean);
  window.drawnFrames = 0;
  let last = "";
  const look = () => {
    const now = canvas.dataset.width + canvas.dataset.centre;
    if (now !== last) window.drawnFrames += 1;
    last = now;
    window.looking = requestAnimationFrame(look);
  };
  look();
}"""


def timed(page: Page, press: str, until: str) -> float:
    """Seconds from a click to the frame in which `until` (of `canvas` and `title`) is on screen."""
    taken: float = page.evaluate(WATCH, [press, until])
    return taken / 1000


def said(what: str, seconds: Sequence[float]) -> None:
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    tell(f"{what}: median {statistics.median(ordered):.2f} s, p95 {high:.2f} s, n {len(ordered)}")


def tell(words: str) -> None:
    sys.stdout.write(f"{words}  [load {os.getloadavg()[0]:.1f}]\n")
    sys.stdout.flush()


def cases(page: Page) -> list[float]:
    """From a click on a row of the worklist to the drawn film."""
    found = []
    names = page.locator("tr[data-pick]").evaluate_all("rows => rows.map(row => row.dataset.pick)")
    for name in names[: OPENED + 1]:
        until = f"title === '{name}' && ({THERE})"
        found.append(timed(page, f'tr[data-pick="{name}"]', until))
        rest(page)
        page.locator(".st-key-back button").click()
        settle(page)
    return found[1:]  # the first is that of a cold server


def chosen(page: Page, press: str) -> None:
    """Choose a suggestion, and wait until it is the open one."""
    name = page.locator(press).locator(".name").inner_text()
    page.locator(press).click()
    expect(page.locator(f'.open[aria-label="About {name}"]')).to_be_visible()
    rest(page)


def suggested(page: Page) -> tuple[str, str, str]:
    """A suggestion whose heat map is shown, how the canvas says so, and another suggestion.

    Of some the map is held back (decision 0025).
    """
    names = page.locator(".st-key-answers [data-pick]").evaluate_all(
        "rows => rows.map(row => row.dataset.pick)"
    )
    presses = {str(name): f'.st-key-answers [data-pick="{name}"]' for name in names}
    for name, press in presses.items():
        chosen(page, press)
        shown = page.locator("canvas[data-drawn=yes]").first.get_attribute("data-diagnosis") or ""
        words = name.replace("_", " ")
        if shown.lower() == words:
            other = next(one for one in presses.values() if one != press)
            return press, f"canvas.dataset.diagnosis.toLowerCase() === '{words}'", other
    raise AssertionError("this case has no heat map")


def diagnoses(page: Page) -> list[float]:
    """From a click on another suggestion to its heat map."""
    press, until, other = suggested(page)
    found = []
    for _ in range(CHOSEN):
        chosen(page, other)
        found.append(timed(page, press, until))
        rest(page)
    return found


def dragging(page: Page) -> float:
    """Frames a second that are drawn while the window is dragged."""
    box = page.locator("canvas[data-drawn=yes]").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(COUNT)
    started, step = time.perf_counter(), 0
    while time.perf_counter() - started < DRAG_SECONDS:
        step += 1
        page.mouse.move(x + step % 150, y + step % 40)
    taken = time.perf_counter() - started
    frames: int = page.evaluate("() => (cancelAnimationFrame(window.looking), window.drawnFrames)")
    page.mouse.up()
    return frames / taken


def memory(page: Page, session: CDPSession) -> tuple[int, float]:
    """DOM nodes, and megabytes of the heap, after the garbage is collected."""
    session.send("HeapProfiler.collectGarbage")
    told = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return int(told["Nodes"]), told["JSHeapUsedSize"] / 1e6


def many(page: Page, session: CDPSession) -> None:
    """What stays in the page over many cases, from each to the next, and back from the last."""
    forth = True
    for number in range(1, MANY + 1):
        way = page.locator(f".st-key-{'next' if forth else 'previous'} button")
        if way.is_disabled():
            forth = not forth
            way = page.locator(f".st-key-{'next' if forth else 'previous'} button")
        title = page.locator(".masthead h1").inner_text()
        way.click()
        expect(page.locator(".masthead h1")).not_to_have_text(title)
        rest(page)
        if number in (1, 10, 50, 100, 150, 200):
            nodes, heap = memory(page, session)
            tell(f"after {number} cases: {nodes:,} DOM nodes, heap {heap:.1f} MB")


def what_if(page: Page) -> list[float]:
    """From a click on the question to the answer; the first one of a server comes first."""
    page.locator(".st-key-what-if-open label").first.click()
    expect(page.locator(".st-key-what-if-ask button")).to_be_visible()
    rest(page)
    answer, found = ".st-key-what-if .comparison", []
    for _ in range(ASKED + 1):
        until = f"document.querySelector('{answer}')"
        found.append(timed(page, ".st-key-what-if-ask button", until))
        rest(page)
        page.locator(".st-key-what-if-clear button").click()
        expect(page.locator(answer)).to_have_count(0)
        rest(page)
    return found


def resident(process: int) -> float:
    """Megabytes that a process has in memory."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (kilobytes,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(kilobytes) / 1000


def sessions(browser: Browser, served: launch.RunningPage) -> None:
    """Each of 40 sessions opens a case of its own and leaves it open; then all of them read on."""
    before, pages, taken = resident(served.process.pid), [], []
    for number in range(SESSIONS):
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        page.goto(served.address)
        settle(page)
        names = page.locator("tr[data-pick]").evaluate_all(
            "rows => rows.map(row => row.dataset.pick)"
        )
        name = names[number % len(names)]
        until = f"title === '{name}' && ({THERE})"
        taken.append(timed(page, f'tr[data-pick="{name}"]', until))
        rest(page)
        pages.append(page)
    said(f"click on a case to its film, while {SESSIONS} sessions are opened", taken)
    each = (resident(served.process.pid) - before) / SESSIONS
    tell(f"the server has {before:.0f} MB before, and {each:.1f} MB for each session")
    taken.clear()
    for page in pages:
        page.bring_to_front()
        way = "next" if page.locator(".st-key-next button").is_enabled() else "previous"
        title = page.locator(".masthead h1").inner_text()
        until = f"title !== '{title}' && ({THERE})"
        taken.append(timed(page, f".st-key-{way} button", until))
        rest(page)
    said(f"next case, with {SESSIONS} sessions open", taken)


def main(workspace: Path | None) -> int:
    """Make or open a workspace, and measure."""
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        place = workspace or demonstrate(Path(made)).workspace
        served = launch.start(launch.Choices(place, port=reserved_port(), reader="dr.speed"))
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(SWITCHES)
        )
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        tell(f"{os.cpu_count()} cores, Chromium {browser.version} with a software renderer")
        started = time.perf_counter()
        page.goto(served.address)
        settle(page)
        tell(f"first load: {time.perf_counter() - started:.1f} s")
        said("click on a case to its film", cases(page))
        page.locator("tr[data-pick]").first.click()
        expect(page.locator("canvas[data-drawn=yes]").first).to_be_visible()
        rest(page)
        said("another diagnosis to its heat map", diagnoses(page))
        tell(f"window drag: {dragging(page):.0f} frames a second")
        rest(page)
        first, *others = what_if(page)
        tell(f"what-if's first answer: {first:.2f} s")
        said("what-if's next answers", others)
        many(page, session)
        page.close()
        sessions(browser, served)
        browser.close()
        served.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
