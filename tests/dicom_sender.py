"""A DICOM sender in this process, which also sends what no ordinary sender would."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from pynetdicom import build_context
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode
from pynetdicom.transport import AssociationSocket
from waiting import SECONDS

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
SYNTAXES = (*NATIVE, RLELossless, DeflatedExplicitVRLittleEndian)


def close_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let senders close a connection that the other side has reset; pynetdicom forgets that one."""
    before = AssociationSocket._shutdown_socket

    def shut_down(self: AssociationSocket) -> None:
        before(self)
        if self.socket is not None:
            self.socket.close()

    monkeypatch.setattr(AssociationSocket, "_shutdown_socket", shut_down)


def film(syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> Dataset:
    """A small Computed Radiography image; `attributes` replace or add to the rest."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID = ComputedRadiographyImageStorage
    made.SOPInstanceUID = "1.2.3.4"
    made.PatientName = "Doe^Jane"
    made.Rows = made.Columns = 16
    made.BitsAllocated = 8
    made.PixelData = bytes(256)
    made["PixelData"].VR = "OB"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def encoded(made: Dataset) -> bytes:
    """A data set in Explicit VR Little Endian, without file meta information."""
    data = encode(made, False, True)
    assert data
    return data


def calling(port: int, *, title: str = "PACS", called: str = "TRIPTYCH", **how: Any) -> Association:
    """An association for C-ECHO, Computed Radiography and, which is not taken, CT."""
    entity = ApplicationEntity(title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
    contexts = [build_context(ComputedRadiographyImageStorage, one) for one in SYNTAXES]
    contexts += [build_context("1.2.840.10008.1.1"), build_context(CTImageStorage)]
    sender = entity.associate("127.0.0.1", port, contexts, ae_title=called, **how)
    leave_answers(sender)
    return sender


def leave_answers(sender: Association) -> None:
    """Keep the thread of an association from taking answers away from whoever waits for them."""
    get = sender.dimse.get_msg
    sender.dimse.get_msg = lambda block=False: get(block=True) if block else (None, None)


def request_of(data: bytes, sop_instance: str = "1.2.3.4") -> C_STORE:
    """A request to store bytes as a data set, whatever they are."""
    request = C_STORE()
    request.MessageID = 1
    request.AffectedSOPClassUID = ComputedRadiographyImageStorage
    request.AffectedSOPInstanceUID = sop_instance
    request.Priority = 2
    request.DataSet = BytesIO(data)
    return request


def explicit(sender: Association) -> int:
    """The presentation context of Explicit VR Little Endian."""
    context = next(
        one for one in sender.accepted_contexts if one.transfer_syntax[0] == ExplicitVRLittleEndian
    )
    assert context.context_id
    return context.context_id


def sent(sender: Association, data: bytes, sop_instance: str = "1.2.3.4") -> int | None:
    """Send bytes as a data set; the status of the answer, None if none came."""
    sender.dimse.send_msg(request_of(data, sop_instance), explicit(sender))
    _, answer = sender.dimse.get_msg(block=True)
    return answer.Status if isinstance(answer, C_STORE) else None
