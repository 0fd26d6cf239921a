"""What verification is told and says on the command line: kept heads, witnesses, keys, verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from clinical.audit import heads, key_words, keys, remote_witness, verifier
from clinical.audit.heads import TreeHead
from clinical.audit.ledger import Head
from clinical.audit.verifier import Fault
from clinical.audit.verify import NO_KEY, Verdict
from clinical.errors import LedgerError, StoreError


def kept(file: Path) -> Head | TreeHead:
    """A head that was kept: what `audit sign` wrote, or the manifest of an export.

    Raises:
        StoreError: if the file cannot be read.
        LedgerError: if it holds no head, or one that was changed.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(
            f"{file} cannot be read: {error.strerror}.", remedy="name a file that holds a head."
        ) from None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise LedgerError(
            f"{file} is not a head.", remedy="use a file written by `triptych audit sign`."
        )
    noted = data.get("head")
    if isinstance(noted, dict) and verifier.is_whole(noted.get("sequence")):
        return Head(noted["sequence"], str(noted.get("hash")))
    return heads.from_json(data)


def witnessed(file: Path | str) -> list[TreeHead]:
    """The heads that a witness holds.

    Raises:
        StoreError: if it cannot be read.
        LedgerError: if it holds none, or one that was changed.
    """
    names = TreeHead.__dataclass_fields__
    return [
        TreeHead(**{name: head[name] for name in names}) for head in read(file) if "root" in head
    ]


def read(file: Path | str) -> list[dict[str, Any]]:
    """The heads in a file or at the address of a witness, of whichever kind, as fields.

    Raises:
        StoreError: if it cannot be read.
        LedgerError: if it holds none, or one that was changed.
    """
    try:
        if remote_witness.is_address(file):
            return verifier.kept_heads(remote_witness.fetch(str(file)), keys.signed)
        return verifier.kept_heads(Path(file).read_bytes(), keys.signed)
    except OSError as error:
        raise StoreError(
            f"{file} cannot be read: {error.strerror}.", remedy="name a file that holds a head."
        ) from None
    except (Fault, ValueError):
        raise LedgerError(
            f"{file} holds no signed heads, or one that was changed after it was signed.",
            remedy="use another copy.",
        ) from None


def check(file: Path, key: str, kept_heads: Sequence[dict[str, Any]]) -> tuple[bool, str]:
    """Whether an export is whole, and the verdict in words; nothing in it is run."""
    wanted = "" if key == NO_KEY else key
    good, bad, manifest, digest = verifier.examine(file, wanted, kept_heads)
    return not bad, verifier.verdict(good, bad, manifest, digest)


def pinned(key: str) -> str:
    """The key that was asked for: "" for that in the key file, `NO_KEY`, or a digest.

    Raises:
        LedgerError: if it is no digest and no list of words.
    """
    return key if key in ("", NO_KEY) else key_words.digest_of(key)


def say(screen: Console, verdict: Verdict) -> None:
    """Print what verification found."""
    if not verdict.intact:
        screen.print(f"BROKEN{verdict.where}: {verifier.plain(verdict.reason)}")
        return
    screen.print(f"intact: {verdict.events} events, head {verdict.head}")
    screen.print(
        f"signed: the first {verdict.signed}, key {verdict.key}"
        if verdict.signed
        else "signed: nothing yet"
    )
    if verdict.purged:
        screen.print(f"purged: {_numbered(verdict.purged)}")


def show_witness(screen: Console, found: Sequence[TreeHead], verdict: Verdict) -> None:
    """Print how far a witness reaches."""
    reach = max(head.size for head in found)
    screen.print(
        f"witness: {len(found)} heads, the last over {reach} of {verdict.signed} signed events"
    )


def show_key(screen: Console, digest: str) -> None:
    """Print the digest of a key and its words, six a line with their numbers."""
    screen.print(f"key {digest}")
    words = key_words.words_of(digest)
    for start in range(0, len(words), 6):
        row = enumerate(words[start : start + 6], start=start + 1)
        screen.print("  ".join(f"{number:2d} {word:<9}" for number, word in row).rstrip())


def _numbered(purged: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in purged[:20])
    more = f" and {len(purged) - 20} more" if len(purged) > 20 else ""
    return f"{len(purged)} cases, by event {shown}{more}"
