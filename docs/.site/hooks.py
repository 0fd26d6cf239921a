"""For mkdocs: every decision is in the navigation, and lists are read as on the forges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DECISIONS = "decisions/*.md"

_FIRST_ITEM = re.compile(r"^(?![-*#>|\s]|\d+\. )(.+)\n(?=(?:[-*]|1\.) )", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Names the decisions one by one, in order, where the navigation says `decisions/*.md`."""
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.glob(DECISIONS))]
    config.nav = [
        {title: pages if part == DECISIONS else part for title, part in entry.items()}
        for entry in config.nav
    ]
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with an empty line before each list that follows a paragraph.

    Python-Markdown takes such a list for the rest of the paragraph; CommonMark, which the pages are
    written in, does not.
    """
    return _FIRST_ITEM.sub(r"\1\n\n", markdown)
