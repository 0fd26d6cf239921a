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
