"""Commands that were renamed: who types the old name is told the new one.

Names follow one rule: a command is a verb, a group is a noun with verbs under it.
"""

from __future__ import annotations

from collections.abc import Sequence

FORMER_NAMES: dict[str, str] = {
    "agreement": "report-agreement",
    "domain": "check-domain",
    "oracle": "compute-oracle",
    "pointing": "check-explanations",
    "realism": "check-realism",
    "ui": "serve",
    "account password": "account set-password",
    "audit head": "audit sign",
    "reading agreement": "reading compare",
    "reading protocol": "reading set-protocol",
    "similar index": "retrieval index",
    "similar search": "retrieval search",
    "similar nearest": "retrieval find",
    "similar recall": "retrieval evaluate",
    "similar": "retrieval",
    "study guards": "study check",
}
"""Old command to new command."""


def renamed(argv: Sequence[str]) -> str | None:
    """The sentence for an old command name at the start of `argv`, or None."""
    for length in (2, 1):
        old = " ".join(argv[:length])
        if old in FORMER_NAMES:
            return f"`triptych {old}` is now `triptych {FORMER_NAMES[old]}`."
    return None
