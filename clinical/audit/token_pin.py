"""The PIN of a token: from a file that its owner alone can read, or typed once for each process.

It is never an argument of a command, in a setting, in a log or in an error. One that the token has
refused is not tried again, because a token locks itself after a few.
"""

from __future__ import annotations

import getpass
import stat
import sys
from pathlib import Path

from clinical.errors import LedgerError

_typed: dict[str, str] = {}
_refused: set[tuple[str, str]] = set()


def known(token: str, file: Path | None) -> str:
    """The PIN of a token.

    Raises:
        LedgerError: if its file cannot be read or others can read it, if there is no file and
            nobody to ask, or if the token has refused this PIN before.
    """
    pin = _read(file) if file else _typed.get(token) or _asked(token)
    if (token, pin) in _refused:
        raise refusal(token)
    return pin


def refused(token: str, pin: str) -> LedgerError:
    """Remember that the token did not take this PIN; the error to raise."""
    _refused.add((token, pin))
    _typed.pop(token, None)
    return refusal(token)


def accepted(token: str, pin: str) -> None:
    """Remember, for this process, that the token took this PIN."""
    _typed[token] = pin
    _refused.discard((token, pin))


def refusal(token: str) -> LedgerError:
    """What to say of a PIN that does not open the token."""
    return LedgerError(
        f"The token {token} refused the PIN.",
        remedy="check the PIN, then start again; a token locks itself after a few wrong ones.",
    )


def _read(file: Path) -> str:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise LedgerError(
                f"The PIN file {file} can be read by users other than its owner.",
                remedy=f"run `chmod 600 {file}`, and set another PIN, which somebody may know.",
            )
        pin = file.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise LedgerError(
            f"The PIN file {file} cannot be read: {error.strerror}.",
            remedy="put the PIN of the token there, readable by its owner only.",
        ) from None
    except ValueError:
        pin = ""
    if not pin or "\n" in pin:
        raise LedgerError(
            f"The PIN file {file} does not hold one line.",
            remedy="put the PIN of the token there, and nothing else.",
        )
    return pin


def _asked(token: str) -> str:
    if not sys.stdin.isatty():
        raise LedgerError(
            f"The token {token} needs its PIN, and there is nobody to ask for it.",
            remedy="run this in a terminal, or name a file with the PIN: `triptych audit use-key"
            " --pin-file`.",
        )
    return getpass.getpass(f"PIN of the token {token}: ")
