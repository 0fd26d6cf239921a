"""Send DICOM objects by STOW-RS (PS3.18 section 10.5), one request for each object.

What counts is what the server says of this very object (Store Instances Response module, PS3.18
annex I): some servers answer 200 and list it as failed. A failure has the statuses of C-STORE. Of
the answer nothing is kept but numbers: it may quote the patient.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.dicom import outline, sender
from clinical.errors import ConfigError, ImageError
from clinical.exchange import web_sender
from clinical.exchange.web_sender import Answer

LONGEST = 1 << 20
"""Bytes of an answer that are read; what it says of one object has some hundreds."""

_INSTANCE, _REASON = "00081155", "00081197"
_FAILED, _OTHERS, _STORED = "00081198", "0008119A", "00081199"


@dataclass(frozen=True)
class Studies(web_sender.Server):
    """Where objects go: `url` is the base of the server's DICOMweb services, without /studies."""

    WHAT: ClassVar[str] = "DICOMweb server"


def check(studies: Studies) -> None:
    """Refuse an address that cannot be one.

    Raises:
        ConfigError: as `web_sender.check`.
    """
    web_sender.check(studies)
    if studies.url.rstrip("/").endswith("/studies"):
        raise ConfigError(
            "The base of a DICOMweb server ends before /studies.", remedy="leave out /studies."
        )


def store(studies: Studies, data: bytes, *, seconds: float = web_sender.SECONDS) -> Outcome:
    """Send one object and wait for the server's answer.

    Args:
        studies: where to.
        data: PS3.10 file.
        seconds: that each step may take.

    Raises:
        ConfigError: as `check`, or if a file cannot be read.
    """
    check(studies)
    try:
        instance = outline.identity_in(io.BytesIO(data)).sop_instance
    except ImageError:
        return Refused("it is no DICOM object")
    boundary = hashlib.sha256(data).hexdigest()  # nothing holds its own digest
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")
    body = head + data + f"\r\n--{boundary}--\r\n".encode("ascii")
    headers = {
        "content-type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "accept": "application/dicom+json",
    }
    answer = web_sender.post(studies, "/studies", body, headers, longest=LONGEST, seconds=seconds)
    return answer if isinstance(answer, NotNow) else _outcome(answer, instance)


def _outcome(answer: Answer, instance: str) -> Outcome:
    status = answer.status
    words = f"the server answered with status {status}"
    if web_sender.may_pass(status):
        return NotNow(words)
    if status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT):
        return Refused(words)
    told = _told(answer.body)
    if (reason := _failure(told, instance)) is not None:
        words = f"{words}, and of the object {reason:04X}"
        return NotNow(words) if sender.may_pass(reason) else Refused(words)
    if status == HTTPStatus.CONFLICT:
        return Refused(words)
    stored = any(_first(item, _INSTANCE) == instance for item in _items(told, _STORED))
    # A server that says nothing beside 200 has stored all.
    if stored or (status == HTTPStatus.OK and not answer.body.strip()):
        return Delivered()
    return Refused(f"{words} and does not say that it stored the object")


def _failure(told: Mapping[str, Any], instance: str) -> int | None:
    """Why the object was not stored (0 if that is not said), or None if nothing says so."""
    failed = [item for item in _items(told, _FAILED) if _first(item, _INSTANCE) == instance]
    for item in (*failed, *_items(told, _OTHERS)):  # there is but one that could have no name
        reason = _first(item, _REASON)
        return reason if isinstance(reason, int) and 0 <= reason <= 0xFFFF else 0
    return None


def _told(body: bytes) -> Mapping[str, Any]:
    """A data set in the DICOM JSON model (PS3.18 annex F), or nothing."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(told, list) and len(told) == 1:  # of servers that send a list of data sets
        told = told[0]
    return told if isinstance(told, dict) else {}


def _items(told: Mapping[str, Any], sequence: str) -> Iterator[Mapping[str, Any]]:
    element = told.get(sequence)
    values = element.get("Value") if isinstance(element, dict) else None
    if isinstance(values, list):
        yield from (item for item in values if isinstance(item, dict))


def _first(item: Mapping[str, Any], tag: str) -> object:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
