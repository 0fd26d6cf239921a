"""A witness on another machine: an HTTP endpoint, or a branch of a git repository.

As of `clinical.audit.witness`, with an address in place of a file. An endpoint is sent new heads
by POST, a line each, and gives all that it has by GET. A repository gets a commit for each batch,
which adds lines to `heads.jsonl` in the branch `heads` and is pushed without force: one that
refuses other pushes can only grow. Nothing is sent but heads, and they say nothing of any patient.

Heads are sent from a thread of their own once their transaction is done, so that nobody waits for
a network. What was not taken is sent with the next head; `SENT` says how far it came.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import Connection

from clinical.errors import ConfigError, StoreError
from clinical.workspace import scratch
from clinical.workspace.database import after_commit

SETTING = "ledger.witness.remote"
"""File beside the key that holds the address."""
SENT = "ledger.witness.sent"
"""File beside it: number of events under the last head that was taken."""
CLONE = "ledger.witness.git"

FILE = "heads.jsonl"
BRANCH = "refs/heads/heads"
SECONDS = 30.0
LARGEST = 1 << 28  # bytes of an answer

_log = logging.getLogger("triptych.witness")
_sending = Lock()
_AUTHOR = {
    f"GIT_{who}_{what}": "triptych" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


def is_address(place: str | Path) -> bool:
    """Whether this names a witness on another machine and not a file."""
    return "://" in str(place)


def appointed(folder: Path) -> str | None:
    """The address of the remote witness of the workspace whose key lies in `folder`, or None."""
    try:
        return (folder / SETTING).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def appoint(folder: Path, address: str, lines: Sequence[bytes]) -> None:
    """Make what is at `address` a witness, and send it the heads that there are.

    Args:
        folder: where the key lies.
        address: http://, https://, git+https://, git+ssh:// or git+file://; without a password.
        lines: all heads so far, oldest first.

    Raises:
        ConfigError: if the address is of another kind, or holds a password.
        StoreError: if it cannot be reached, or holds heads of another ledger.
    """
    check(address)
    held = set(fetch(address).split(b"\n")) - {b""}
    if held - {line.strip() for line in lines}:
        raise StoreError(
            f"{address} holds heads of another ledger, or later ones.",
            remedy="give each workspace a witness of its own.",
        )
    try:
        _deliver(folder, address, [line for line in lines if line.strip() not in held])
    except (OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
        raise _unreachable(address, error) from None
    (folder / SETTING).write_text(f"{address}\n", encoding="utf-8")
    _note(folder, lines)


def dismiss(folder: Path) -> None:
    """Send no more heads."""
    for name in (SETTING, SENT):
        (folder / name).unlink(missing_ok=True)


def check(address: str) -> SplitResult:
    """Refuse an address that cannot be a witness, or that holds a password.

    Raises:
        ConfigError: with what it may be.
    """
    parts = urlsplit(address)
    if parts.password is not None:
        raise ConfigError(
            "The address of a witness holds a password, which others on this machine could read.",
            remedy="let git or a proxy hold it.",
        )
    if parts.scheme not in ("http", "https", "git+https", "git+ssh", "git+file"):
        raise ConfigError(
            "This is no address of a witness.",
            remedy="use http://, https://, git+https://, git+ssh:// or git+file://.",
        )
    return parts


def fetch(address: str) -> bytes:
    """All heads that a witness holds, a line each.

    Raises:
        ConfigError: if it is no address of one.
        StoreError: if it cannot be reached.
    """
    parts = check(address)
    try:
        if parts.scheme.startswith("git+"):
            return _pulled(address)
        return _asked(parts, "GET")
    except (OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
        raise _unreachable(address, error) from None


def sent(folder: Path) -> int:
    """Number of events under the last head that was taken."""
    try:
        return int((folder / SENT).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def tell(connection: Connection, folder: Path, address: str, lines: Sequence[bytes]) -> None:
    """Send heads once the transaction is committed; of several calls in one, the last counts."""
    after_commit(connection, SETTING, Thread(target=_tell, args=(folder, address, lines)).start)


def _tell(folder: Path, address: str, lines: Sequence[bytes]) -> None:
    with _sending:
        reached = sent(folder)
        due = [line for line in lines if _size(line) > reached]
        if not due:
            return
        try:
            _deliver(folder, address, due)
            _note(folder, due)
        except (OSError, http.client.HTTPException, subprocess.SubprocessError) as error:
            _log.warning("The witness %s was not reached: %s.", address, type(error).__name__)


def _deliver(folder: Path, address: str, lines: Sequence[bytes]) -> None:
    if not lines:
        return
    content = b"".join(line.strip() + b"\n" for line in lines)
    if address.startswith("git+"):
        _push(folder / CLONE, address.removeprefix("git+"), content)
    else:
        _asked(urlsplit(address), "POST", content)


def _asked(parts: SplitResult, method: str, body: bytes | None = None) -> bytes:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {"content-type": "application/jsonl"})
        answer = connection.getresponse()
        content = answer.read(LARGEST)
        if not http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
            raise OSError(f"it answers with status {answer.status}")
        return content
    finally:
        connection.close()


def _pulled(address: str) -> bytes:
    with scratch.folder() as place:
        return _known(place / CLONE, address.removeprefix("git+"))[1]


def _push(clone: Path, remote: str, lines: bytes) -> None:
    """Add lines to what the branch holds, by a commit of its own."""
    before, held = _known(clone, remote)
    blob = _git(clone, "hash-object", "-w", "--stdin", given=held + lines).strip().decode()
    tree = _git(clone, "mktree", given=f"100644 blob {blob}\t{FILE}\n".encode()).strip().decode()
    parents = ("-p", before) if before else ()
    made = _git(clone, "commit-tree", tree, *parents, "-m", "Signed heads").strip().decode()
    _git(clone, "push", "--quiet", remote, f"{made}:{BRANCH}")


def _known(clone: Path, remote: str) -> tuple[str, bytes]:
    """The last commit of the branch, "" if there is none, and the lines in it."""
    if not clone.exists():
        subprocess.run(["git", "init", "--quiet", "--bare", clone], check=True, timeout=SECONDS)
    if not _git(clone, "ls-remote", remote, BRANCH):
        return "", b""
    _git(clone, "fetch", "--quiet", remote, f"+{BRANCH}:{BRANCH}")
    commit = _git(clone, "rev-parse", BRANCH).strip().decode()
    return commit, _git(clone, "cat-file", "blob", f"{commit}:{FILE}")


def _git(clone: Path, *words: str, given: bytes = b"") -> bytes:
    environment = os.environ | _AUTHOR | {"GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", "--git-dir", clone, *words],
        input=given,
        capture_output=True,
        check=True,
        timeout=SECONDS,
        env=environment,
    )
    return done.stdout


def _note(folder: Path, lines: Sequence[bytes]) -> None:
    if lines:
        (folder / SENT).write_text(f"{max(map(_size, lines))}\n", encoding="ascii")


def _size(line: bytes) -> int:
    return int(json.loads(line)["size"])  # a line of our own


def _unreachable(address: str, error: Exception) -> StoreError:
    reason = str(error) if isinstance(error, OSError) else type(error).__name__
    return StoreError(
        f"The witness {address} cannot be reached ({reason}).",
        remedy="check the address and the network.",
    )
