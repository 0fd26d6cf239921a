"""The digest of a key as 24 words that two people can read to one another over the telephone.

The words are those of BIP 39 (2,048 plain English words, no two alike in their first four letters),
11 bits each; the last one also holds a checksum, so that a word misheard is noticed. They are no
secret and open nothing.
"""

from __future__ import annotations

import re
from functools import cache

from mnemonic import Mnemonic

from clinical.errors import LedgerError

COUNT = 24


def words_of(digest: str) -> list[str]:
    """The words for 64 hexadecimal digits."""
    return _list().to_mnemonic(bytes.fromhex(digest)).split()


def digest_of(typed: str) -> str:
    """The digest that somebody typed, as hexadecimal digits or as words.

    Raises:
        LedgerError: if it is neither, or the checksum says that a word is another one.
    """
    given = typed.strip().lower()
    if re.fullmatch("[0-9a-f]{64}", given):
        return given
    try:
        return bytes(_list().to_entropy(given.split())).hex()
    except (ValueError, LookupError):
        raise LedgerError(
            "This is not the digest of a key.",
            remedy=f"give its 64 hexadecimal digits, or the {COUNT} words that `triptych audit"
            " show-key` shows, in quotation marks and in their order.",
        ) from None


@cache
def _list() -> Mnemonic:
    return Mnemonic("english")
