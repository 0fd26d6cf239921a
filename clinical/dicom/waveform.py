"""Read an electrocardiogram from a DICOM waveform object: samples in mV, and what each channel is.

Waveform module (PS3.3 C.10.9) of the 12-Lead ECG, General ECG and General 32-bit ECG IODs (PS3.3
A.34.3, A.34.4, A.34.14). Waveform annotations, where devices put their own measurements and
statements, are never read: they would tell the answer. Ambulatory ECG (A.34.5) is refused: hours
of a Holter recording are no resting electrocardiogram.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clinical.dicom import dataset, provenance
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS, Request
from clinical.dicom.recording import Channel, Recording
from clinical.dicom.sniff import WAVEFORMS
from clinical.errors import WaveformError

KINDS: Mapping[str, str] = {
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.2": "general ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.4": "general 32-bit ECG",
}
"""The SOP classes that are read."""

AMBULATORY = "1.2.840.10008.5.1.4.1.1.9.1.3"

_CELLS = {
    ("SB", 8): "i1",
    ("UB", 8): "u1",
    ("SS", 16): "i2",
    ("US", 16): "u2",
    ("SL", 32): "i4",
    ("UL", 32): "u4",
}
_PER_UNIT = {"UV": 1e-3, "MV": 1.0, "V": 1e3}
_EXPORT = "Export the electrocardiogram again from its source."
_GIVE = "Give a 12-lead or general ECG waveform object."


def read(data: bytes, request: Request) -> Recording:
    """The recording in the DICOM file `data`; called in the worker.

    Raises:
        WaveformError: see `recording.read_recording`.
        ImageUnreadable: if the bytes are no DICOM data set at all.
    """
    found, syntax = dataset.parse(data, request.limits)
    if provenance.of_another_patient(found, request.expected_patient_id):
        raise WaveformError(
            "The electrocardiogram belongs to a different patient from the case.",
            remedy="Check which file the case should refer to.",
        )
    kind = _kind(found)
    groups = [_group(item, request.limits, syntax) for item in _items(found, "WaveformSequence")]
    chosen = _together([group for group in groups if group.original])
    channels = tuple(channel for group in chosen for channel in group.channels)
    values = np.concatenate([group.values for group in chosen])
    source = provenance.of(found) | {
        "format": "DICOM",
        "kind": kind,
        "TransferSyntaxUID": syntax,
    }
    left_out = len(groups) - len(chosen)
    source |= {"groups_left_out": str(left_out)} if left_out else {}
    return Recording(channels, values, chosen[0].rate, source)


def _kind(found: Dataset) -> str:
    stated = dataset.code(found, "SOPClassUID")
    if stated == AMBULATORY:
        raise WaveformError("It is an ambulatory (Holter) recording.", remedy=_GIVE)
    if stated in KINDS:
        return KINDS[stated]
    if stated.startswith(WAVEFORMS):
        raise WaveformError("It is a waveform, but not an ECG.", remedy=_GIVE)
    raise WaveformError("The DICOM object is not an electrocardiogram.", remedy=_GIVE)


@dataclass(frozen=True, eq=False)
class _Group:
    """One multiplex group (PS3.3 C.10.9.1.1)."""

    channels: tuple[Channel, ...]
    values: NDArray[np.float32]
    rate: float
    offset: float
    original: bool


def _items(found: Dataset, keyword: str) -> Sequence[Dataset]:
    try:
        return list(found.get(keyword) or ())
    except PARSER_ERRORS:
        return ()


def _group(item: Dataset, limits: Limits, syntax: str) -> _Group:
    count, length = (
        _integer(item, "NumberOfWaveformChannels"),
        _integer(item, "NumberOfWaveformSamples"),
    )
    rate = dataset.number(item, "SamplingFrequency")
    definitions = _items(item, "ChannelDefinitionSequence")
    if count is None or length is None or min(count, length) < 1 or rate is None or not rate > 0:
        raise WaveformError("A group does not state its channels, samples or rate.", remedy=_EXPORT)
    if count * length > limits.pixels:
        raise WaveformError(
            f"The header claims {count} x {length} samples; the limit is {limits.pixels:,}.",
            remedy="Give a resting electrocardiogram, or raise Limits.pixels.",
        )
    if len(definitions) != count:
        raise WaveformError(
            f"A group has {count} channels, but describes {len(definitions)}.", remedy=_EXPORT
        )
    stored, padded = _stored(item, count, length, big_endian=syntax == dataset.EXPLICIT_BIG)
    values = np.empty((count, length), np.float32)
    for place, definition in enumerate(definitions):
        scale, baseline = _calibration(definition, rate)
        values[place] = stored[place] * scale + baseline
    values[padded] = np.nan
    offset = dataset.number(item, "MultiplexGroupTimeOffset") or 0.0
    original = dataset.code(item, "WaveformOriginality") != "DERIVED"
    return _Group(tuple(map(_channel, definitions)), values, rate, offset, original)


def _integer(found: Dataset, keyword: str) -> int | None:
    value = dataset.number(found, keyword)
    return None if value is None or not np.isfinite(value) else int(value)


def _stored(
    item: Dataset, count: int, length: int, *, big_endian: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Stored values [channels, samples], and which of them are padding (PS3.3 C.10.9.1.3-5)."""
    bits = _integer(item, "WaveformBitsAllocated")
    interpretation = dataset.code(item, "WaveformSampleInterpretation")
    form = _CELLS.get((interpretation, bits or 0))
    if form is None:
        raise WaveformError(
            f"The samples are stored in {bits or 'no stated number of'} bits in a way that is not "
            "read (companded, or contradicting itself).",
            remedy="Export the electrocardiogram with linear samples of 8, 16 or 32 bits.",
        )
    # The samples are a byte string (OB, OW) that nobody has swapped.
    cell = np.dtype((">" if big_endian else "<") + form)
    needed = count * length * cell.itemsize
    body = _bytes(item, "WaveformData")
    if not needed <= len(body) <= needed + 1:
        raise WaveformError(
            f"The samples have {len(body):,} bytes where the header claims {needed:,}.",
            remedy="Fetch the file again from its source; it may have been cut short.",
        )
    values = np.frombuffer(body[:needed], cell).reshape(length, count).T
    padding = _bytes(item, "WaveformPaddingValue")[: cell.itemsize]
    missing = np.zeros(values.shape, bool)
    if len(padding) == cell.itemsize:
        missing = values == np.frombuffer(padding, cell)[0]
    return values.astype(np.float64), missing


def _bytes(item: Dataset, keyword: str) -> bytes:
    try:
        value: Any = item.get(keyword)
    except PARSER_ERRORS:
        value = None
    return value if isinstance(value, bytes) else b""


def _calibration(definition: Dataset, rate: float) -> tuple[float, float]:
    """Millivolts in one stored unit, and the mV that a stored zero stands for (C.10.9.1.4.2)."""
    sensitivity = dataset.number(definition, "ChannelSensitivity")
    units = _items(definition, "ChannelSensitivityUnitsSequence")
    unit = dataset.code(units[0], "CodeValue") if units else ""
    scheme = dataset.code(units[0], "CodingSchemeDesignator") if units else ""
    if sensitivity is None or not np.isfinite(sensitivity) or sensitivity == 0:
        raise WaveformError("A channel does not state its sensitivity.", remedy=_EXPORT)
    if unit not in _PER_UNIT or scheme != "UCUM":
        raise WaveformError(
            "A channel is in no unit of voltage.", remedy="Give channels in uV, mV or V (UCUM)."
        )
    correction = dataset.number(definition, "ChannelSensitivityCorrectionFactor")
    baseline = dataset.number(definition, "ChannelBaseline") or 0.0
    skew = abs(dataset.number(definition, "ChannelSampleSkew") or 0.0)
    skew = max(skew, abs(dataset.number(definition, "ChannelTimeSkew") or 0.0) * rate)
    if skew > 1:
        # Within a sample, as of converters that take the channels in turn, it cannot be seen.
        raise WaveformError("The channels of a group are recorded at different times.")
    scale = sensitivity * (1.0 if correction is None else correction) * _PER_UNIT[unit]
    return scale, baseline * _PER_UNIT[unit]


def _channel(definition: Dataset) -> Channel:
    sources = _items(definition, "ChannelSourceSequence")
    code = scheme = ""
    if sources:
        try:
            text = str(sources[0].get("CodeValue") or "").strip()
        except PARSER_ERRORS:
            text = ""
        scheme = dataset.code(sources[0], "CodingSchemeDesignator")
        code = text if len(text) <= 16 and scheme in ("MDC", "SCPECG") else ""
    return Channel(code, scheme, dataset.code(definition, "ChannelLabel"))


def _together(groups: Sequence[_Group]) -> list[_Group]:
    """The groups that were recorded at the same time and rate and have the most channels."""
    if not groups:
        raise WaveformError("The object holds no original waveform.", remedy=_GIVE)
    sets: dict[tuple[float, int, float], list[_Group]] = {}
    for group in groups:
        sets.setdefault((group.rate, group.values.shape[1], group.offset), []).append(group)
    return max(
        sets.values(), key=lambda s: (sum(len(group.channels) for group in s), s[0].values.shape[1])
    )
