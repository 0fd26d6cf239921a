"""Waiting until the page hears what is typed."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def settle(page: Page) -> None:
    """Wait until the worklist stands and keys are heard: Streamlit drops those that come before."""
    expect(page.locator("tr[data-pick]").first).to_be_visible(timeout=20_000)
    expect(page.locator('.stApp[data-test-script-state="notRunning"]')).to_be_visible()
    page.wait_for_timeout(1000)
