"""Text as GitHub-flavoured Markdown that shows it as it is, whatever it holds.

https://github.github.com/gfm/#backslash-escapes
"""

from __future__ import annotations

import re

# Beside what Markdown reads anywhere in a line: what a renderer makes a link of by itself.
_SPECIAL = re.compile(r"[\\`*_\[\]<>&|~!#$^@]|(?<=www)\.|:(?=//)|(?<=mailto):|(?<=xmpp):", re.I)


def escaped(text: str) -> str:
    """A text of one line, which stands behind other text; white space becomes single spaces."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))
