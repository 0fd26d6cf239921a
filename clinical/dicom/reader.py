"""Ask the decoding worker for an image, and recover if it crashes or hangs.

One worker serves one process. It is started at the first image, kept for the next ones, and
replaced when it crashed, hung or ran out of memory. A forked child starts its own. Threads take
turns.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import clinical
from clinical.dicom import wire
from clinical.dicom.limits import Limits
from clinical.dicom.picture import Request
from clinical.errors import ImageError, ImageRefused, ImageUnreadable, WaveformError

_START_SECONDS = 120.0
_END_SECONDS = 10.0
_PIPE_BYTES = 1 << 20

_AGAIN = "Export the image again from its source."


class _Gone(Exception):
    """The worker ended or closed its pipe."""


class _Late(Exception):
    """The worker did not answer in time."""


class Worker:
    """A running worker process and the pipes to it."""

    def __init__(self) -> None:
        root = str(_package_root())
        inherited = os.environ.get("PYTHONPATH")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
            # Idle threads of a BLAS pool would count against the limit on address space.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            # -P: do not import from the current directory.
            [sys.executable, "-P", "-m", "clinical.dicom.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the pipes that were asked for are missing")
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Is the process still running?"""
        return self._process.poll() is None

    def send(self, header: Mapping[str, Any]) -> None:
        """Send one request.

        Raises:
            _Gone: if the worker has ended.
        """
        try:
            wire.write(self._in, header)
        except OSError:
            raise _Gone from None

    def receive(self, deadline: float, most: int) -> tuple[dict[str, Any], NDArray[np.uint8]]:
        """The next message; its body may have at most `most` bytes.

        Raises:
            _Late: if it is not complete by `deadline` (of `time.monotonic`).
            _Gone: if the worker has ended or says something impossible.
        """
        prefix = self._exactly(wire.PREFIX.size, deadline)
        length, size = wire.PREFIX.unpack(prefix.tobytes())
        if length > wire.LONGEST_HEADER or size > most:
            raise _Gone
        try:
            header = json.loads(self._exactly(length, deadline).tobytes())
        except ValueError:
            raise _Gone from None
        return header, self._exactly(size, deadline)

    def _exactly(self, size: int, deadline: float) -> NDArray[np.uint8]:
        out = np.empty(size, np.uint8)
        view = out.data
        waiting = select.poll()
        waiting.register(self._out, select.POLLIN)
        done = 0
        while done < size:
            left = deadline - time.monotonic()
            if left <= 0 or not waiting.poll(left * 1000):
                raise _Late
            count = os.readv(self._out, [view[done:]])
            if count == 0:
                raise _Gone
            done += count
        return out

    def stop(self) -> int:
        """Kill the process; its return code (negative: the signal that ended it)."""
        self._process.kill()
        code = self._process.wait()
        self._close()
        return code

    def ended(self) -> int:
        """Give a process that has closed its pipe a moment to end; its return code."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        return self.stop()

    def forget(self) -> None:
        """In a forked child: let go of the parent's worker without touching it."""
        self._process.returncode = 0
        self._close()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


_lock = threading.Lock()
_worker: Worker | None = None


def ask(request: Request) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Have the worker read one file.

    Returns:
        What the worker says of the image ("spacing", "window", "windows", "source") or of the
        recording ("channels", "rate", "source") or of a header ("attributes"), and its values.

    Raises:
        ImageRefused, ImageUnreadable: whatever happened to an image, exactly one of them.
        WaveformError: whatever happened to a recording.
    """
    try:
        return _ask(request)
    except ImageError as error:
        if request.kind != "waveform":
            raise
        # What the parser and the worker say of a broken file holds for a recording too.
        heard = (text.replace("image", "recording") for text in (error.message, error.remedy))
        raise WaveformError(next(heard), remedy=next(heard)) from None


def _ask(request: Request) -> tuple[dict[str, Any], NDArray[np.float32]]:
    with _lock:
        try:
            answer, body = _exchange(request)
        except _Late:
            _discard()
            raise ImageUnreadable(
                f"The decoder gave no answer within {request.limits.wall_seconds:g} s.",
                remedy="Try again when the computer has less to do, or raise Limits.wall_seconds.",
            ) from None
        except _Gone:
            raise _death(_worker.ended() if _worker else 0, request.limits) from None
        except BaseException:
            # Interrupted between question and answer: the next answer would be the wrong one.
            _discard()
            raise
    if "error" in answer:
        raise _error(answer)
    try:
        values = body.view("<f4").reshape(answer["shape"])
    except (ValueError, KeyError, TypeError):
        raise _death(0, request.limits) from None
    return answer, values


def worker_pid() -> int | None:
    """Process id of this process's worker, or None while there is none."""
    return _worker.pid if _worker is not None else None


def close() -> None:
    """End this process's worker, if there is one; the next image starts another."""
    with _lock:
        _discard()


def _exchange(request: Request) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    header = asdict(request)
    try:
        worker = _running()
        worker.send(header)
    except _Gone:
        # It ended while idle, before it saw this image: that is not the image's fault.
        _discard()
        worker = _running()
        worker.send(header)
    return worker.receive(time.monotonic() + request.limits.wall_seconds, 4 * request.limits.pixels)


def _running() -> Worker:
    global _worker
    if _worker is not None and not _worker.alive:
        _discard()
    if _worker is None:
        try:
            started = Worker()
        except OSError as error:
            raise _not_started(str(error.strerror)) from None
        try:
            started.receive(time.monotonic() + _START_SECONDS, 0)
        except (_Gone, _Late):
            raise _not_started(f"exit code {started.stop()}") from None
        except BaseException:
            started.stop()
            raise
        _worker = started
    return _worker


def _discard() -> None:
    global _worker
    if _worker is not None:
        _worker.stop()
        _worker = None


def _death(code: int, limits: Limits) -> ImageUnreadable:
    if -code in (signal.SIGPROF, signal.SIGXCPU):
        return ImageUnreadable(
            f"Reading the image took more than {limits.seconds:g} s of processor time.",
            remedy="Give an image of ordinary size, or raise Limits.seconds.",
        )
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return ImageUnreadable(f"The decoder broke down on this image ({how}).", remedy=_AGAIN)


def _not_started(why: str) -> ImageUnreadable:
    return ImageUnreadable(
        f"The process that decodes images could not be started ({why}).",
        remedy="See what `python -m clinical.dicom.worker` says; check free memory and processes.",
    )


def _error(answer: Mapping[str, Any]) -> ImageError:
    match answer["error"]:
        case "WaveformError":
            raise WaveformError(answer["message"], remedy=answer["remedy"])
        case "ImageRefused":
            return ImageRefused(answer["message"], remedy=answer["remedy"])
        case "memory":
            return ImageUnreadable(
                "Reading the image takes more memory than the limit.",
                remedy="Give an image of ordinary size, or raise Limits.memory_bytes.",
            )
        case _:
            return ImageUnreadable(answer["message"], remedy=answer["remedy"])


def _package_root() -> Path:
    return Path(next(iter(clinical.__path__))).resolve().parent


def _after_fork() -> None:
    global _lock, _worker
    # Another thread of the parent may have held the lock at the moment of the fork.
    _lock = threading.Lock()
    if _worker is not None:
        _worker.forget()
        _worker = None


os.register_at_fork(after_in_child=_after_fork)
atexit.register(close)
