"""Ports for servers that a test starts in another process."""

from __future__ import annotations

import socket

_kept: list[socket.socket] = []  # until this process ends


def reserved_port() -> int:
    """A loopback port that nobody else is given before the server that is started for it has it.

    A port that was only free a moment ago goes to whoever asks the system next for any port, and
    other tests do so all the time. This one is bound for as long as this process lives, without
    anybody listening on it; Linux lets another process listen there that names it, as servers do
    (SO_REUSEADDR).
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _kept.append(holder)
    return int(holder.getsockname()[1])
