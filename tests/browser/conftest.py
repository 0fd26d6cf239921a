"""Debian's Chromium and a page served for real on loopback."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect, sync_playwright
from waiting import SECONDS

from ui.host import launch

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))  # reading_fixture lives there

SWITCHES = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # A picture that takes long on a busy machine is no crash: nothing is ended or shut out for it.
    "--disable-gpu-watchdog",
    "--disable-gpu-process-crash-limit",
    "--disable-domain-blocking-for-3d-apis",
    "--disable-hang-monitor",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; the test is skipped where it is not installed."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (Debian's package chromium)")
    milliseconds = 1000 * SECONDS
    expect.set_options(timeout=milliseconds)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=path, args=list(SWITCHES), timeout=milliseconds
        )
        mixed: list[str] = []
        opened.on("context", lambda context: context.set_default_timeout(milliseconds))
        opened.on("context", lambda context: context.on("console", partial(_listen, mixed)))
        yield opened
        opened.close()
        assert mixed == []


def _listen(mixed: list[str], message: ConsoleMessage) -> None:
    """Keep what Streamlit says when one message asks for more than one part of the page."""
    if "fragmentIds" in message.text:
        mixed.append(message.text)


@pytest.fixture(scope="session", autouse=True)
def patient_start() -> Iterator[None]:
    """A page may take its time to start and to end; only a person would rather be told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "START_SECONDS", SECONDS)
        patch.setattr(launch, "STOP_SECONDS", SECONDS)
        yield
