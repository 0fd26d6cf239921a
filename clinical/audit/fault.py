"""A fault found during verification; `verify` turns it into a verdict."""

from __future__ import annotations


class Broken(Exception):
    """What is wrong, at which event; it never leaves this room."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(reason)
        self.sequence = sequence
        self.reason = reason
