"""Waiting until the page has come to rest, and hears what is typed."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def settle(page: Page) -> None:
    """Wait until the worklist stands, with its search, its button and nothing under way."""
    expect(page.locator("tr[data-pick]").first).to_be_visible()
    expect(page.locator(".st-key-search input")).to_be_visible()
    rest(page)


def rest(page: Page) -> None:
    """Wait until the last run has ended and what it sent is drawn."""
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    drawn(page)


def drawn(page: Page) -> None:
    """Wait until what was asked for is drawn: for the frame after the next."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def still(page: Page) -> None:
    """Wait until nothing fades any more.

    Streamlit greys what a run draws anew and brings it back over a third of a second after the run
    has ended; until then the colours are not those that a reader has before him.
    """
    expect(page.locator('[data-stale="true"]')).to_have_count(0)
    page.evaluate(
        """async () => {
          const fading = () => document.getAnimations().filter((one) =>
            one instanceof CSSTransition && one.playState !== "finished");
          while (fading().length)
            await Promise.allSettled(fading().map((one) => one.finished));
        }"""
    )
