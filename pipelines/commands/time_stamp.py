"""Time stamps on the command line: write a request for a kept head, and check the response."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from clinical.audit import time_stamp
from clinical.audit.heads import TreeHead
from clinical.audit.ledger import Head
from clinical.errors import ConfigError, StoreError
from pipelines.commands import output_file


@dataclass(frozen=True)
class Stamped:
    """A kept head, and the contents of the files that speak of its time stamp."""

    head: TreeHead
    answer: bytes
    certificate: bytes
    asked: bytes | None


def write_request(head: TreeHead, out: Path, screen: Console) -> None:
    """Write the request for a time stamp of `head`.

    Raises:
        ConfigError: if the extra is not installed.
        StoreError: if the file cannot be written.
    """
    asked = time_stamp.request(head)
    output_file.write(out, asked)
    screen.print(f"time-stamp request: {out}; docs/ledger.md explains how to send it")


def named(
    head: Head | TreeHead | None,
    answer: Path | None,
    certificate: Path | None,
    asked: Path | None,
) -> Stamped | None:
    """The time stamp that the options of a command name, or None where they name none.

    Raises:
        ConfigError: if one of them is given without those it needs.
        StoreError: if a file cannot be read.
    """
    if answer is None and certificate is None and asked is None:
        return None
    if answer is None or certificate is None or not isinstance(head, TreeHead):
        raise ConfigError(
            "Checking a time stamp needs the signed head and the certificate of the authority.",
            remedy="give --head (a file written by `audit sign`), --time-stamp and"
            " --tsa-certificate.",
        )
    return Stamped(head, _read(answer), _read(certificate), _read(asked) if asked else None)


def show(stamped: Stamped, screen: Console) -> None:
    """Check the time stamp and say what it shows.

    Raises:
        ConfigError: if the extra is not installed, or a file is not what it should be.
        LedgerError: if the stamp does not hold.
    """
    head = stamped.head
    stamp = time_stamp.check(head, stamped.answer, stamped.certificate, asked=stamped.asked)
    within = f", accurate to {stamp.accuracy.total_seconds():g} s" if stamp.accuracy else ""
    screen.print(
        f"time stamp: this head, over {head.size} events, existed at {stamp.time.isoformat()}"
        f" by the clock of {stamp.authority}{within}"
    )
    screen.print(f"the head itself says {head.time}, by the clock of the computer")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{file} cannot be read: {error.strerror}.", remedy="name a readable file."
        ) from None
