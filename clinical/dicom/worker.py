"""The process that parses and decodes files, so that whoever asks can neither crash nor hang.

Run as `python -m clinical.dicom.worker` by `clinical.dicom.reader`; it answers requests on its
standard input until that is closed. Anything that goes wrong in a way it did not foresee ends it;
the reader turns that into one typed error and starts another.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import stat
import sys
import warnings
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import config

from clinical.case import window
from clinical.dicom import (
    attributes,
    directory_records,
    identity_header,
    radiograph,
    raster,
    sniff,
    waveform,
    wire,
)
from clinical.dicom.limits import Limits
from clinical.dicom.picture import Picture, Request
from clinical.dicom.recording import Recording
from clinical.errors import ImageError, ImageUnreadable, WaveformError


def picture(request: Request) -> Picture:
    """Read one file within its limits on size; time and memory are the process's business.

    Raises:
        ImageError: if it cannot become one canonical picture.
    """
    data = _content(request.path, request.limits)
    kind = sniff.kind_of(data[: sniff.HEAD])
    read = raster.read if kind in ("png", "jpeg") else radiograph.read
    found = read(data, request)
    digest = {"dataset_digest": hashlib.sha256(data).hexdigest()}
    return replace(found, source={**found.source, **digest})


def recording(request: Request) -> Recording:
    """Read one electrocardiogram, as `picture` reads an image.

    Raises:
        ImageError, WaveformError: if it cannot become one recording.
    """
    data = _content(request.path, request.limits)
    found = waveform.read(data, request)
    digest = {"dataset_digest": hashlib.sha256(data).hexdigest()}
    return replace(found, source={**found.source, **digest})


def _content(path: str, limits: Limits) -> bytes:
    try:
        # Not blocking, so that opening a pipe nobody writes to returns at once.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ImageUnreadable(
            f"The file cannot be opened ({error.strerror}).",
            remedy="Check that it exists and may be read.",
        ) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ImageUnreadable("It is not a regular file.", remedy="Name one image file.")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > limits.file_bytes:
            raise ImageUnreadable(
                f"The file has {status.st_size:,} bytes; the limit is {limits.file_bytes:,}.",
                remedy="Give one projection image, or raise Limits.file_bytes.",
            )
        return file.read(limits.file_bytes)


def serve(requests: BinaryIO, answers: int) -> None:
    """Answer requests until the input ends."""
    base = _address_space()
    wire.write(answers, {"ready": os.getpid()})
    while prefix := requests.read(wire.PREFIX.size):
        length, _ = wire.PREFIX.unpack(prefix)
        header = json.loads(requests.read(length))
        limits = Limits(**header.pop("limits"))
        _bound(base, limits)
        try:
            request = Request(limits=limits, **header)
            answer, values = _answered(request)
        except (ImageError, WaveformError) as error:
            kind = type(error).__name__
            answer = {"error": kind, "message": error.message, "remedy": error.remedy}
            wire.write(answers, answer)
        except MemoryError:
            wire.write(answers, {"error": "memory"})
        else:
            body = np.ascontiguousarray(values, "<f4")
            wire.write(answers, answer, body.data.cast("B"))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def _answered(request: Request) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """What goes back of a file: its description and its values."""
    if request.kind == "waveform":
        heard = recording(request)
        channels = [astuple(channel) for channel in heard.channels]
        described = {"channels": channels, "rate": heard.rate, "source": dict(heard.source)}
        return {"shape": list(heard.values.shape), **described}, heard.values
    if request.kind == "header":
        told = attributes.of(_content(request.path, request.limits), request.limits)
        return {"shape": [0], "attributes": told}, np.zeros(0, np.float32)
    if request.kind == "identity":
        whose = identity_header.of(_content(request.path, request.limits), request.limits)
        return {"shape": [0], "identity": whose}, np.zeros(0, np.float32)
    if request.kind == "directory":
        files = directory_records.files_of(_content(request.path, request.limits), request.limits)
        return {"shape": [0], "files": files}, np.zeros(0, np.float32)
    found = picture(request)
    return _described(found), found.values


def _described(found: Picture) -> dict[str, Any]:
    return {
        "shape": list(found.values.shape),
        "spacing": found.spacing,
        "window": found.window,
        "source": dict(found.source),
        "windows": [window.as_json(stated) for stated in found.windows],
    }


def _address_space() -> int:
    """Bytes of address space in use, or 0 where /proc does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        return int(pages) * resource.getpagesize()
    except OSError:
        return 0


def _bound(base: int, limits: Limits) -> None:
    """Limit memory and processor time for the next request; soft limits, so each can differ.

    A timer of processor time ends the process; the limit, which knows whole seconds only and not
    fewer than the process has used in all, stands behind it.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds) + 2
    if base:
        memory = base + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)


def main() -> None:
    """Take over standard input and output for messages, and serve."""
    # The reader decides when to stop; Ctrl-C in the terminal reaches this process too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A core dump would hold patient data; and no decoder has a reason to write a file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    warnings.simplefilter("ignore")
    config.settings.reading_validation_mode = config.IGNORE
    # Whatever a library prints must not end up between the messages.
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
