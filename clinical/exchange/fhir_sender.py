"""POST a FHIR transaction to the base of a server (HL7 FHIR R4, RESTful API 3.1.0.11).

Answers are not read beyond their status: they may quote the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.exchange import web_sender


@dataclass(frozen=True)
class Server(web_sender.Server):
    """Where transactions go."""

    WHAT: ClassVar[str] = "FHIR server"


def post(server: Server, data: bytes, *, seconds: float = web_sender.SECONDS) -> Outcome:
    """Send one transaction and wait for the answer.

    Raises:
        ConfigError: as `web_sender.post`.
    """
    headers = {"content-type": "application/fhir+json; charset=utf-8"}
    headers |= {"accept": "application/fhir+json", "prefer": "return=minimal"}
    answer = web_sender.post(server, "", data, headers, seconds=seconds)
    return answer if isinstance(answer, NotNow) else _outcome(answer.status)


def _outcome(status: int) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    words = f"the server answered with status {status}"
    # In conflict is what another client writes at this moment, too.
    passing = status == HTTPStatus.CONFLICT or web_sender.may_pass(status)
    return NotNow(words) if passing else Refused(words)
