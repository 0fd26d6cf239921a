"""Send DICOM objects: C-STORE (PS3.4 annex B) as a user, one association for each object.

An archive's status says whether to try again (PS3.7 annex C, PS3.4 B.2.3): warnings mean that it
was stored; out of resources and processing failures may pass; everything else will not.
"""

from __future__ import annotations

import io
import logging
import ssl
from dataclasses import dataclass

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.dicom.tls import ClientContext, client_context, unreachable

SECONDS = 30.0
"""That an archive may take to accept an association, or to answer."""

_WARNINGS = (0xB000, 0xB006, 0xB007)
_PASSING = (0x0110, 0x0211)
_OUT_OF_RESOURCES = range(0xA700, 0xA800)


@dataclass(frozen=True)
class Archive:
    """Where objects go.

    Attributes:
        address, port: of the archive.
        title: its AE title.
        own_title: ours, which it may have to know.
        ca: PEM file of who signs its certificate; with one, TLS is used.
        certificate, key: PEM files to show to it, where it asks.
    """

    address: str
    port: int
    title: str
    own_title: str = "TRIPTYCH"
    ca: str = ""
    certificate: str = ""
    key: str = ""


def store(archive: Archive, data: bytes, *, seconds: float = SECONDS) -> Outcome:
    """Send one object and wait for the archive's answer.

    Args:
        archive: where to.
        data: PS3.10 file.
        seconds: that each step may take.

    Raises:
        ConfigError: if a certificate cannot be used.
    """
    _quiet()
    try:
        found = pydicom.dcmread(io.BytesIO(data))
        sop_class = str(found.SOPClassUID)
    except (InvalidDicomError, AttributeError):
        return Refused("it is no DICOM object")
    entity = ApplicationEntity(ae_title=archive.own_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = seconds
    entity.connection_timeout = seconds
    entity.add_requested_context(sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    context = _tls(archive)
    opened = entity.associate(
        archive.address,
        archive.port,
        ae_title=archive.title,
        tls_args=(context, archive.address) if context else None,
    )
    if not opened.is_established:
        return _not_established(opened, context.fault if context else None)
    try:
        if not opened.accepted_contexts:
            return Refused("the archive takes no objects of this SOP class")
        return _outcome(opened.send_c_store(found))
    except (ValueError, RuntimeError) as error:
        return NotNow(f"the association ended ({type(error).__name__})")
    finally:
        if opened.is_established:
            opened.release()


def _not_established(opened: Association, fault: ssl.SSLError | None) -> Outcome:
    if opened.is_rejected:
        return NotNow("the archive rejected the association")
    if opened.acceptor.primitive is not None and not opened.accepted_contexts:
        return Refused("the archive takes no objects of this SOP class")
    return NotNow(unreachable("the archive", fault))


def _outcome(answer: Dataset) -> Outcome:
    if "Status" not in answer:
        return NotNow("the archive did not answer")
    status = int(answer.Status)
    if status == 0 or status in _WARNINGS:
        return Delivered()
    words = f"the archive answered with status {status:04X}"
    return NotNow(words) if may_pass(status) else Refused(words)


def may_pass(status: int) -> bool:
    """Whether an object that an archive failed to store with this status may be sent again."""
    return status in _PASSING or status in _OUT_OF_RESOURCES


def _tls(archive: Archive) -> ClientContext | None:
    if not archive.ca:
        return None
    certificate, key = archive.certificate, archive.key
    return client_context(archive.ca, "the archive", certificate=certificate, key=key)


def _quiet() -> None:
    """What the library logs may be of a patient."""
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
