"""Send an HL7 v2 message by MLLP and wait for its acknowledgement (HL7 v2.5.1, 2.9.2).

Only AA or CA for the control identifier of this very message counts. AE and AR, CE and CR are what
the receiver will say again; anything else may pass.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.dicom.tls import client_context, unreachable

SECONDS = 30.0
LARGEST = 1 << 16  # bytes of an acknowledgement

_BEGIN, _END = b"\x0b", b"\x1c\r"
_CONTROL, _CODE, _NAMED = 9, 1, 2  # MSH-10 (the mark of fields is MSH-1), MSA-1, MSA-2


@dataclass(frozen=True)
class Listener:
    """Where messages go.

    Attributes:
        address, port: of the receiver.
        ca: PEM file of who signs its certificate; with one, TLS is used.
        facility, to_application, to_facility: MSH-4 to MSH-6, where the receiver asks for them.
    """

    address: str
    port: int
    ca: str = ""
    facility: str = ""
    to_application: str = ""
    to_facility: str = ""


def send(listener: Listener, data: bytes, *, seconds: float = SECONDS) -> Outcome:
    """Send one message and wait for its acknowledgement.

    Raises:
        ConfigError: if the certificate cannot be used.
    """
    context = client_context(listener.ca, "the receiver") if listener.ca else None
    try:
        place = (listener.address, listener.port)
        with socket.create_connection(place, timeout=seconds) as plain:
            if context is None:
                answer = _asked(plain, data)
            else:
                with context.wrap_socket(plain, server_hostname=listener.address) as secure:
                    answer = _asked(secure, data)
    except OSError as error:
        return NotNow(unreachable("the receiver", error))
    return _outcome(answer, data)


def _asked(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(_BEGIN + data + _END)
    answer = b""
    while not answer.endswith(_END) and len(answer) < LARGEST:
        more = connection.recv(4096)
        if not more:
            break
        answer += more
    return answer.strip(_BEGIN + _END)


def _outcome(answer: bytes, data: bytes) -> Outcome:
    control = data.split(b"\r", 1)[0].split(b"|")[_CONTROL]
    for line in answer.replace(b"\n", b"\r").split(b"\r"):
        fields = line.split(b"|")
        if fields[0] != b"MSA" or len(fields) <= _NAMED or fields[_NAMED].strip() != control:
            continue
        code = fields[_CODE].strip().decode("ascii", "replace")[:2]
        if code in ("AA", "CA"):
            return Delivered()
        if code in ("AE", "AR", "CE", "CR"):
            return Refused(f"the receiver answered {code}")
    return NotNow("the receiver did not acknowledge this message")
