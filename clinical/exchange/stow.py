"""STOW-RS (PS3.18 section 10.5): DICOM objects by POST, each kept before it is told to be.

    POST /studies     multipart/related; type="application/dicom"; with a token (Bearer)
    200               all objects were kept
    202               some were; the others are named with a reason
    409               none was
    400, 413, 415     it is no such body, has too many parts, or is of another content type
    401, 403, 408     no token that is known, an address that may not send, or a body that stops
    503               too many send at once; send it again

Each part goes to a file as it comes, so that a body of any size takes no memory.
Reasons are those of C-STORE (`clinical.dicom.receiver`): A700 means that it may be sent again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from clinical.dicom import acceptance, outline
from clinical.dicom.limits import DEFAULT_LIMITS
from clinical.dicom.outline import Identity
from clinical.errors import ImageError, TriptychError
from clinical.exchange import peers, web_port
from clinical.exchange.web_port import Listener

NOT_NOW, BROKEN = 0xA700, 0xC000
MOST_PARTS = 2000
LONGEST_BOUNDARY = 70  # RFC 2046 section 5.1.1

_SLICE = 1 << 12
"""Bytes of a body that are looked at together: they hold few parts, which are open files."""
_FAILED, _OTHERS, _KEPT = "00081198", "0008119A", "00081199"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings(web_port.Settings):
    """A port for STOW-RS: `largest_mb` is of an object, `body_seconds` until its next piece."""

    port: int = 8105
    largest_mb: float = DEFAULT_LIMITS.file_bytes / (1 << 20)


Keep = Callable[[Path, str], object]
NewFile = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class _Result:
    """What became of one part; `failure` is 0 where it was kept."""

    found: Identity | None
    failure: int = 0


class _Parts:
    """The parts of one body: the one that is coming, and those that wait to be kept."""

    def __init__(self, boundary: bytes, new_file: NewFile, largest: int) -> None:
        self._new_file = new_file
        self._largest = largest
        self._file: IO[bytes] | None = None
        self.whole: list[IO[bytes]] = []
        self.count = 0
        self.ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._over,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            FormParserError: if it is not what a multipart body is.
            StoreError: if the disk has no room for a file.
        """
        self._parser.write(data)

    def drop(self) -> None:
        """Remove what was not kept."""
        for file in (*self.whole, *([self._file] if self._file else [])):
            _remove(file)
        self.whole, self._file = [], None

    def _begin(self) -> None:
        self._file = self._new_file()
        self.count += 1

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:  # of one that is too large, one byte too many is kept
            left = max(0, self._largest + 1 - self._file.tell())
            self._file.write(data[start : min(end, start + left)])

    def _end(self) -> None:
        if self._file is not None:
            self._file.flush()
            self.whole.append(self._file)
            self._file = None

    def _over(self) -> None:
        self.ended = True


class _Desk:
    """Where bodies are taken in, a few at a time."""

    def __init__(
        self, settings: Settings, keep: Keep, new_file: NewFile, refused: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._keep = keep
        self._new_file = new_file
        self._refused = refused
        self._senders = web_port.senders_of(settings, "stow")
        self._limits = replace(DEFAULT_LIMITS, file_bytes=settings.largest)
        self._busy = 0

    async def post(self, request: Request) -> Response:
        """Take in one body."""
        sender = self._senders.named(request)
        if isinstance(sender, int):
            return self._no(sender, "no token that is known, or an address that may not send")
        boundary = _boundary(request.headers.get("content-type", ""))
        if boundary is None:
            return self._no(415, "a body that is not multipart/related of application/dicom")
        if self._busy >= self._settings.at_once:
            return self._no(503, "too many send at once")
        self._busy += 1
        parts = _Parts(boundary, self._new_file, self._limits.file_bytes)
        try:
            return await self._taken(request, parts, sender)
        except TimeoutError:
            return self._no(408, "a body that did not come in time")
        except (ClientDisconnect, FormParserError):
            return self._no(400, "a body that broke off, or is malformed")
        except TriptychError:
            return self._no(503, "no room on the disk, or no answer from it")
        except Exception as error:  # noqa: BLE001 - it would be logged with its words
            _log.error("a fault of the program at a STOW-RS body: %s", type(error).__name__)
            return self._no(500, "a fault of the receiver")
        finally:
            self._busy -= 1
            parts.drop()

    async def _taken(self, request: Request, parts: _Parts, sender: str) -> Response:
        results: list[_Result] = []
        stream = request.stream().__aiter__()
        while True:
            try:
                piece = await asyncio.wait_for(anext(stream), self._settings.body_seconds)
            except StopAsyncIteration:
                break
            for start in range(0, len(piece), _SLICE):
                parts.feed(piece[start : start + _SLICE])
                if parts.count > MOST_PARTS:
                    return self._no(413, "a body of too many parts")
                while parts.whole:
                    file = parts.whole.pop(0)
                    results.append(await run_in_threadpool(self._kept, file, sender))
        if not parts.ended:
            raise FormParserError("no end")
        return _answer(results)

    def _kept(self, file: IO[bytes], sender: str) -> _Result:
        path, found = Path(file.name), None
        try:
            found = outline.identity_of(path, self._limits)
            acceptance.check(found)
            self._keep(path, sender)
            return _Result(found)
        except ImageError as error:
            why, failure = error.message, BROKEN
        except TriptychError:
            why, failure = "no room on the disk, or no answer from it.", NOT_NOW
        finally:
            _remove(file)
        self._refused(f"STOW-RS: an object: {why}")
        return _Result(found, failure)

    def _no(self, status: int, reason: str) -> Response:
        self._refused(f"STOW-RS: {reason}")
        headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "60"}}.get(status)
        return Response(f"{reason}\n", status, headers, media_type="text/plain")


def _boundary(content_type: str) -> bytes | None:
    """The boundary of a body of DICOM objects, or None for a body of anything else."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/related" or options.get(b"type") != b"application/dicom":
        return None
    return boundary if 0 < len(boundary) <= LONGEST_BOUNDARY else None


def _answer(results: list[_Result]) -> Response:
    """Store Instances Response module (PS3.18 annex I), in the DICOM JSON model (annex F)."""
    lists: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        item: dict[str, Any] = {}
        place = _OTHERS
        if one.found is not None:
            place = _FAILED if one.failure else _KEPT
            uids = {"00081150": one.found.sop_class, "00081155": one.found.sop_instance}
            item = {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}
        if one.failure:
            item["00081197"] = {"vr": "US", "Value": [one.failure]}
        lists.setdefault(place, []).append(item)
    kept = sum(not one.failure for one in results)
    status = 409 if not kept else 200 if kept == len(results) else 202
    body = {tag: {"vr": "SQ", "Value": items} for tag, items in sorted(lists.items())}
    return Response(json.dumps(body), status, media_type="application/dicom+json")


def _remove(file: IO[bytes]) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)


def start(
    settings: Settings,
    keep: Keep,
    new_file: NewFile,
    refused: Callable[[str], None] = peers.unheard,
) -> Listener:
    """Listen until `stop` is called, which waits for objects that are being kept.

    Args:
        settings: of the port.
        keep: called with a PS3.10 file, which is gone afterwards, and the name of its sender;
            returns when the object is safe on disk.
        new_file: makes a file, for its owner only, which is closed and removed in the end.
        refused: called with what was refused, in words that hold nothing of a patient or a sender.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
    desk = _Desk(settings, keep, new_file, refused)
    app = Starlette(routes=[Route("/studies", desk.post, methods=["POST"])])
    return web_port.listen(app, settings, "stow")
