"""Parse a DICOM file into a pydicom data set without trusting it.

Not `pydicom.dcmread`: that one inflates deflated data sets without a bound, and with `force=True`
takes plain text for DICOM. Here the encoding is settled first and then only `read_dataset` is used.
"""

from __future__ import annotations

import math
import re
import zlib
from io import BytesIO
from typing import cast

from pydicom.datadict import dictionary_description, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from clinical.dicom import sniff
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS
from clinical.errors import ImageUnreadable

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"

_UID = re.compile(r"[0-9.]{1,64}")
_BINARY = {"US", "SS", "UL", "SL", "US or SS", "AT", "FL", "FD", "OB", "OW", "OB or OW", "UN"}
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")


def parse(data: bytes, limits: Limits) -> tuple[Dataset, str]:
    """The data set in `data` and its transfer syntax UID.

    Accepts PS3.10 files, and bare data sets whose first element is of group 0002 or 0008; the
    transfer syntax of a bare data set that does not state one is taken from its first element.

    Raises:
        ImageUnreadable: if the file meta information or the data set cannot be parsed, or if a
            deflated data set inflates beyond `limits.file_bytes`.
    """
    stream = BytesIO(data)
    if data[128:132] == b"DICM":
        stream.seek(132)
    try:
        return _parse(stream, limits)
    except RecursionError:
        raise ImageUnreadable(
            "The DICOM header nests sequences too deeply.",
            remedy="Export the image again from its source.",
        ) from None
    except PARSER_ERRORS as error:
        raise ImageUnreadable(
            f"The DICOM header cannot be parsed ({type(error).__name__}).",
            remedy="Fetch the file again, or export the image again from its source.",
        ) from None


def _parse(stream: BytesIO, limits: Limits) -> tuple[Dataset, str]:
    stated = ""
    start = stream.tell()
    if stream.read(2) == b"\x02\x00":
        stream.seek(start)
        # PS3.10 section 7.1: the file meta information is always explicit VR little endian.
        meta = read_dataset(stream, False, True, stop_when=_after_meta)
        stated = str(meta.get("TransferSyntaxUID") or "").strip()
    else:
        stream.seek(start)
    if stated == DEFLATED_LITTLE:
        stream = BytesIO(_inflate(stream.read(), limits.file_bytes))
    head = stream.read(sniff.HEAD)
    stream.seek(-len(head), 1)
    match stated:
        case "":
            encoding = sniff.encoding_of(head)
            if encoding is None:
                raise ValueError("no transfer syntax")
        case "1.2.840.10008.1.2":
            encoding = (True, True)
        case "1.2.840.10008.1.2.2":
            encoding = (False, False)
        case _:
            encoding = (False, True)
    implicit, little = encoding
    dataset = cast(Dataset, read_dataset(stream, implicit, little))
    if not stated:
        stated = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE if little else EXPLICIT_BIG
    return dataset, stated


def _after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return bool(tag.group != 2)


def _inflate(data: bytes, limit: int) -> bytes:
    """Raw deflate (PS3.5 section A.5), at most `limit` bytes of it."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    out = machine.decompress(data, limit)
    if machine.unconsumed_tail:
        raise ImageUnreadable(
            f"The deflated data set holds more than {limit:,} bytes.",
            remedy="Export the image again without deflate compression.",
        )
    return out


def number(dataset: Dataset, keyword: str) -> float | None:
    """First value of a numeric attribute, or None where it is absent or empty."""
    values = numbers(dataset, keyword)
    return values[0] if values else None


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """All values of a numeric attribute; empty where it is absent, empty or not numeric."""
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            return ()
        many = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
        return tuple(_decimal(v) for v in many)
    except PARSER_ERRORS:
        return ()


def stated(dataset: Dataset, keyword: str) -> float | None:
    """The number of an attribute that decides what pixels mean; None where it is absent or empty.

    Raises:
        ImageUnreadable: if it holds anything else than one finite number. To take it for absent
            would be to choose another meaning in silence.
    """
    values = numbers(dataset, keyword)
    if not values and is_empty(dataset, keyword):
        return None
    if len(set(values)) == 1 and math.isfinite(values[0]):
        return values[0]
    raise unclear(keyword)


def is_empty(dataset: Dataset, keyword: str) -> bool:
    """Whether an attribute is absent, or has no value."""
    found = dataset.get_item(keyword)
    value = None if found is None else found.value
    if isinstance(value, bytes) and (found.VR or dictionary_VR(keyword)) not in _BINARY:
        value = value.strip(b" \0")
    return value is None or (hasattr(value, "__len__") and not len(value))


def unclear(keyword: str) -> ImageUnreadable:
    """The error for an attribute that is there, but does not say what it must."""
    return ImageUnreadable(
        f"{name_of(keyword)} in the header cannot be understood.",
        remedy="Correct it in the file, or export the image again from its source.",
    )


def name_of(keyword: str) -> str:
    """The name of an attribute as PS3.6 has it, such as Rescale Slope."""
    return str(dictionary_description(keyword))


def _decimal(value: object) -> float:
    """A number; a decimal string (PS3.5 6.2, DS) may have the comma of its writer's country."""
    if isinstance(value, str):
        value = value.strip()
        return float(value.replace(",", ".") if _COMMA.fullmatch(value) else value)
    return float(cast(float, value))


def code(dataset: Dataset, keyword: str) -> str:
    """A code string or UID in upper case, or "" where it is absent or is neither.

    Whatever else stands there could be a name, so it is left out rather than cut to size.
    """
    try:
        text = str(dataset.get(keyword) or "").strip().upper()
    except PARSER_ERRORS:
        return ""
    return text if (_UID if keyword.endswith("UID") else _CODE).fullmatch(text) else ""


def codes(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Each value of an attribute as `code` gives it."""
    try:
        value = dataset.get(keyword)
        many = [value] if isinstance(value, str) else list(value or ())
        texts = [str(one).strip().upper() for one in many]
    except PARSER_ERRORS:
        return ()
    return tuple(text if _CODE.fullmatch(text) else "" for text in texts)


def macro(dataset: Dataset, keyword: str) -> Dataset:
    """Where the attributes of one functional group are: PS3.3 C.7.6.16.1.

    The item of the group `keyword` in the per-frame or the shared functional groups of an enhanced
    image, or the data set itself.
    """
    try:
        for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
            sequence = dataset.get(groups)
            if isinstance(sequence, Sequence) and sequence:
                inner = sequence[0].get(keyword)
                if isinstance(inner, Sequence) and inner:
                    return cast(Dataset, inner[0])
    except PARSER_ERRORS:
        return dataset
    return dataset
