"""The documents: no link leads nowhere, and every page of docs/ is on the site."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if ".site" not in path.parts)
BESIDE = sorted(ROOT.glob("*.md")) + sorted(
    path
    for room in ("clinical", "examples", "sample_data", "tests")
    for path in (ROOT / room).rglob("*.md")
)
COMMON_MARK = MarkdownIt("commonmark").enable("table")


def tokens(page: Path) -> list[Token]:
    """The page's tokens, those inside of lines too."""
    found = COMMON_MARK.parse(page.read_text(encoding="utf-8"))
    return [part for token in found for part in (token, *(token.children or ()))]


def links(page: Path) -> list[str]:
    """Targets of links and pictures that are not on another machine."""
    found = [token.attrGet("href") or token.attrGet("src") for token in tokens(page)]
    return [str(link) for link in found if link and not urlsplit(str(link)).scheme]


@cache
def anchors(page: Path) -> frozenset[str]:
    """What the headings of a page are called in a link, by the rule of the forges."""
    found = COMMON_MARK.parse(page.read_text(encoding="utf-8"))
    titles = [
        "".join(part.content for part in after.children or ())
        for token, after in pairwise(found)
        if token.type == "heading_open"
    ]
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    return [link for link in links(page) if not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return False
    return not parts.fragment or parts.fragment in anchors(target)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One title\n[a](#one-title) [b](#two) [c](none.md) ![d](page.md#one-title)\n")
    assert broken(page) == ["#two", "none.md"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_of_the_site_links_to_pages_of_the_site(page: Path) -> None:
    paths = [urlsplit(link).path for link in links(page)]
    outside = [path for path in paths if not (page.parent / path).resolve().is_relative_to(DOCS)]
    assert outside == []


def test_every_page_is_in_the_navigation() -> None:
    """The decisions are put there by docs/.site/hooks.py."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"[\w/*-]+\.md", text.split("\nnav:\n")[1])
    pages = [page.relative_to(DOCS).as_posix() for page in PAGES if page.parent == DOCS]
    assert sorted(listed) == sorted([*pages, "decisions/*.md"])


class Loaded(HTMLParser):
    """Collects what a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A script, a picture or a frame by its src, a style sheet or an icon by its href."""
        given = dict(attrs)
        if tag != "a" and (address := given.get("src") or given.get("href")):
            self.addresses.append(address)


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = sorted(tmp_path.rglob("*.html"))
    assert len(built) == len(PAGES) + 1  # and the page for what is not found
    for page in built:
        found = Loaded()
        found.feed(page.read_text(encoding="utf-8"))
        assert found.addresses
        assert [address for address in found.addresses if urlsplit(address).netloc] == []
