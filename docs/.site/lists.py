"""For mkdocs: a list may follow its sentence without an empty line, as on the forges.

Python-Markdown takes such a list for the rest of the paragraph; CommonMark, which the pages are
written in, does not.
"""

from __future__ import annotations

import re
from typing import Any

_FIRST_ITEM = re.compile(r"^(?![-*#>|\s]|\d+\. )(.+)\n(?=(?:[-*]|1\.) )", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with an empty line before each list that follows a paragraph."""
    return _FIRST_ITEM.sub(r"\1\n\n", markdown)
