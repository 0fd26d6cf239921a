"""Documents of MDM messages: a text with its document number, status and kind.

HL7 v2.5.1, chapter 9; tables 0271 (completion), 0273 (availability).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clinical.exchange.coded import identity
from clinical.exchange.facts import NoteFact, Refusal, Status
from clinical.exchange.hl7_fields import coded
from clinical.exchange.hl7_message import Segment
from clinical.exchange.hl7_observations import TEXTS, Setting
from clinical.exchange.hl7_results import text_of
from clinical.exchange.sections import section

_CORRECTED = ("T08", "T10")  # edited, replaced
_CANCELLED = "T11"
_SIGNED = ("AU", "LA")


def documents(
    event: str, segments: Sequence[Segment], setting: Setting
) -> Iterator[NoteFact | Refusal]:
    """The document of TXA with its lines in OBX; of a replacement, the replaced one as cancelled.

    Args:
        event: of MSH-9, such as T02.
        segments: those after PID.
        setting: of the message.
    """
    txa = next((segment for segment in segments if segment.name == "TXA"), None)
    if txa is None:
        yield Refusal("TXA", "the document has no TXA.", "send MDM with TXA")
        return
    number, parent = txa.first(12).text, txa.first(13).text
    if not number:
        yield Refusal(txa.place(12), "the document has no number.", "send it in TXA-12")
        return
    if setting.sent is None:
        yield Refusal("MSH-7", "nothing says when the text was told.", "send MSH-7")
        return
    lines = [segment for segment in segments if segment.name == "OBX"]
    for line in lines:
        if line.first(2).part(1) not in TEXTS:
            reason = "only plain texts of a document are read."
            yield Refusal(line.place(2), reason, "send TX or FT")
    readable = [line for line in lines if line.first(2).part(1) in TEXTS]
    status = _status(event, txa)
    text = "" if status == "cancelled" else text_of(readable)
    if not text and status != "cancelled":
        yield Refusal(txa.place(), "the document has no text.", "send it in OBX-5 as TX or FT")
        return
    kind = coded(txa.first(2))
    title = section(kind.code, kind.text)
    own = identity("hl7", "document", setting.sender, number)
    yield NoteFact(own, title, text, setting.sent, status, txa.place())
    if event == "T10" and parent:
        replaced = identity("hl7", "document", setting.sender, parent)
        yield NoteFact(replaced, title, "", setting.sent, "cancelled", txa.place(13))


def _status(event: str, txa: Segment) -> Status:
    if event == _CANCELLED or txa.first(19).part(1).upper() in ("CA", "OB"):
        return "cancelled"
    if txa.first(17).part(1).upper() not in _SIGNED:
        return "preliminary"
    return "corrected" if event in _CORRECTED else "final"
