"""Read and write an electrocardiogram in the format of the WFDB library (PhysioNet).

A record is a header (.hea) that names one or more signal files (.dat) beside it. Signal formats
16, 212 and 80 are read, which is what PTB-XL, the PTB and the older databases have; everything else
is refused. See `header(5)` and `signal(5)` of the WFDB Applications Guide. Comment lines of a
header may tell of the patient and are not read. The package `wfdb` is not used: it brings pandas,
matplotlib, aiohttp and soundfile, for what is done here in NumPy.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.errors import WaveformError
from clinical.modalities.ecg.leads import lead_named
from clinical.modalities.ecg.waveform import Samples, Waveform, per_unit

Integers = NDArray[np.int64]

LARGEST_FILE = 64 * 1024**2
"""Bytes of one signal file."""
LARGEST_HEADER = 64 * 1024

_BITS = {"16": 16, "212": 12, "80": 8}
_PLAIN = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*")
_GAIN = re.compile(r"(?P<gain>-?[\d.eE+\-]+)(?:\((?P<base>-?\d+)\))?(?:/(?P<unit>\S+))?")
_FORMAT = re.compile(r"(?P<format>\d+)(?:x(?P<per>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<skip>\d+))?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_BROKEN = "Fetch the record again from its source; header and signals belong together."


@dataclass(frozen=True)
class _Signal:
    """One line of the header."""

    file: str
    format: str
    skip: int
    gain: float
    zero: int
    unit: str
    first: int | None
    checksum: int | None
    lead: str | None


@dataclass(frozen=True)
class _Header:
    """What a header says."""

    rate: float
    samples: int
    acquired: str
    signals: tuple[_Signal, ...]


def read(path: Path) -> Waveform:
    """Read one record.

    Args:
        path: of the header (.hea); the signal files lie beside it.

    Returns:
        The signals that are leads, in the order of the header, at its rate, in mV; invalid samples
        are gaps (NaN). `source["not_leads"]` counts the signals that were left out.

    Raises:
        WaveformError: if the record is broken, contradicts itself, or is not of a known format.
    """
    text = _content(path)
    header = _header(text)
    state = hashlib.sha256(text)
    samples: dict[str, Samples] = {}
    for file in dict.fromkeys(one.file for one in header.signals):
        group = [one for one in header.signals if one.file == file]
        data = _content(path.parent / file)
        state.update(data)
        stored = _decoded(data, group, header.samples)
        for one, values in zip(group, stored, strict=True):
            _verify(one, values)
            if one.lead is not None and one.lead in samples:
                raise WaveformError(f"Two signals are lead {one.lead}.", remedy=_BROKEN)
            if one.lead is not None:
                samples[one.lead] = _millivolts(one, values)
    if not samples:
        raise WaveformError(
            "No signal of the record is a lead of an electrocardiogram.",
            remedy="Give a record whose signals are described as I, II, V1, ...",
        )
    source = {"format": "WFDB", "dataset_digest": state.hexdigest(), "acquired": header.acquired}
    left = len(header.signals) - len(samples)
    source["not_leads"] = str(left) if left else ""
    kept = {key: value for key, value in source.items() if value}
    return Waveform(tuple(samples), np.array(list(samples.values())), header.rate, kept)


def named_in(data: bytes) -> tuple[str, ...] | None:
    """Names of the signal files that a header names; None where `data` is no header.

    Each is a plain name, without a folder in it.

    Raises:
        WaveformError: if it is a header, of a kind that is not read.
    """
    if len(data) > LARGEST_HEADER or b"\0" in data:
        return None
    try:
        header = _parsed(_lines(data))
    except (ValueError, IndexError):
        return None
    return tuple(dict.fromkeys(signal.file for signal in header.signals))


def signal_files(path: Path) -> tuple[Path, ...]:
    """The files that the header at `path` names; none where it is no header that can be read."""
    if path.suffix.lower() != ".hea":
        return ()
    try:
        header = _header(_content(path))
    except WaveformError:
        return ()
    return tuple(path.parent / file for file in dict.fromkeys(s.file for s in header.signals))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise WaveformError(
            f"A file of the record cannot be opened ({error.strerror}).", remedy=_BROKEN
        ) from None
    if len(data) > LARGEST_FILE:
        raise WaveformError(
            f"A file of the record has more than {LARGEST_FILE:,} bytes.",
            remedy="Give one resting electrocardiogram.",
        )
    return data


def _header(data: bytes) -> _Header:
    try:
        return _parsed(_lines(data))
    except (ValueError, IndexError):
        raise WaveformError("The header is not one of a WFDB record.", remedy=_BROKEN) from None


def _lines(data: bytes) -> list[list[str]]:
    text = data.decode("ascii", errors="replace")
    return [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _parsed(lines: Sequence[Sequence[str]]) -> _Header:
    record, count, rate, length, *when = lines[0]
    if "/" in record:
        raise WaveformError(
            "The record consists of several segments.", remedy="Give a record of one segment."
        )
    if int(count) != len(lines) - 1 or int(count) < 1 or int(length) < 1:
        raise WaveformError(
            "The header does not describe as many signals as it claims.", remedy=_BROKEN
        )
    hertz = float(rate.split("/")[0].split("(")[0])
    return _Header(hertz, int(length), _acquired(when), tuple(map(_signal, lines[1:])))


def _acquired(when: Sequence[str]) -> str:
    """Date and time of a header in ISO 8601, without a time zone; "" where they are not stated."""
    clock = next((m for m in map(_CLOCK.fullmatch, when) if m), None)
    date = next((m for m in map(_DATE.fullmatch, when) if m), None)
    if date is None:
        return ""
    day = f"{date[3]}-{int(date[2]):02d}-{int(date[1]):02d}"
    return f"{day}T{int(clock[1]):02d}:{clock[2]}:{clock[3]}" if clock else day


def _signal(line: Sequence[str]) -> _Signal:
    file, form, gain_text, *rest = line
    form_match, gain_match = _FORMAT.fullmatch(form), _GAIN.fullmatch(gain_text)
    if form_match is None or gain_match is None or not _PLAIN.fullmatch(file):
        # A name with a folder in it would lead out of the place that the record lies in.
        raise ValueError
    if form_match["format"] not in _BITS:
        raise WaveformError(
            f"The signals are stored in format {form_match['format']}.",
            remedy=f"Give a record in format {', '.join(_BITS)}; `xform` converts.",
        )
    if int(form_match["per"] or 1) != 1 or int(form_match["skew"] or 0) != 0:
        raise WaveformError(
            "The signals are sampled at different rates or times.",
            remedy="Give a record with one rate and no skew.",
        )
    gain = float(gain_match["gain"])
    if gain == 0:
        raise WaveformError("A signal has no gain.", remedy="Give a calibrated record.")
    numbers = [int(value) for value in rest[:5]]
    adc_zero = numbers[1] if len(numbers) > 1 else 0
    return _Signal(
        file=file,
        format=form_match["format"],
        skip=int(form_match["skip"] or 0),
        gain=gain,
        zero=int(gain_match["base"]) if gain_match["base"] else adc_zero,
        unit=gain_match["unit"] or "mV",
        first=numbers[2] if len(numbers) > 2 else None,
        checksum=numbers[3] if len(numbers) > 3 else None,
        lead=lead_named(" ".join(rest[5:])),
    )


def _decoded(data: bytes, group: Sequence[_Signal], length: int) -> Integers:
    """Stored values of one file, [signals, samples]; all its signals have one format."""
    form = group[0].format
    if any(one.format != form or one.skip != group[0].skip for one in group):
        raise WaveformError("One signal file has two formats.", remedy=_BROKEN)
    total = len(group) * length
    body = np.frombuffer(data, np.uint8)[group[0].skip :]
    needed = -(-total * _BITS[form] // 8)
    if len(body) < needed:
        raise WaveformError(
            f"A signal file is cut short: {len(body):,} of {needed:,} bytes.", remedy=_BROKEN
        )
    match form:
        case "16":
            values = body[:needed].view("<i2").astype(np.int64)
        case "80":
            values = body[:needed].astype(np.int64) - 128
        case _:
            values = _twelve_bits(body[:needed], total)
    return values.reshape(length, len(group)).T


def _twelve_bits(body: NDArray[np.uint8], total: int) -> Integers:
    """Two values in three bytes: the low bytes, and between them the two high nibbles."""
    padded = np.zeros(-(-len(body) // 3) * 3, np.int64)
    padded[: len(body)] = body
    low, middle, high = padded.reshape(-1, 3).T
    first, second = low | ((middle & 0x0F) << 8), high | ((middle & 0xF0) << 4)
    values = np.stack([first, second], axis=1).ravel()[:total]
    return np.where(values >= 2048, values - 4096, values)


def _verify(one: _Signal, values: Integers) -> None:
    """Compare with the first value and the checksum of the header, where it states them."""
    wrong = one.first is not None and one.first != values[0]
    if one.checksum is not None:
        wrong |= (int(values.sum()) - one.checksum) % 65536 != 0
    if wrong:
        raise WaveformError("The signals are not those that the header describes.", remedy=_BROKEN)


def _millivolts(one: _Signal, values: Integers) -> Samples:
    invalid = -(2 ** (_BITS[one.format] - 1))
    physical = (values - one.zero) / one.gain * per_unit(one.unit)
    return np.where(values == invalid, np.nan, physical).astype(np.float32)


def write(folder: Path, name: str, waveform: Waveform, *, gain: float = 1000.0) -> Path:
    """Write a record in format 16 and return the path of its header.

    Args:
        folder: that exists.
        name: of the record: letters, digits, "_" and "-".
        waveform: in mV; gaps are written as invalid samples.
        gain: stored units per mV.

    Raises:
        ValueError: if the name is not one of a record, or a sample does not fit into 16 bits.
    """
    if not re.fullmatch(r"[A-Za-z0-9_\-]+", name):
        raise ValueError("the name of a record is made of letters, digits, _ and -")
    gaps = ~np.isfinite(waveform.samples)
    scaled = np.rint(np.where(gaps, 0, waveform.samples) * gain)
    if np.abs(scaled).max() > 32767:
        raise ValueError("a sample does not fit into 16 bits")
    stored = np.where(gaps, -32768, scaled).astype("<i2")
    lines = [f"{name} {len(stored)} {waveform.rate:g} {stored.shape[1]}"]
    for lead, values in zip(waveform.leads, stored, strict=True):
        total = (int(values.astype(np.int64).sum()) + 32768) % 65536 - 32768
        lines.append(f"{name}.dat 16 {gain:g}(0)/mV 16 0 {values[0]} {total} 0 {lead}")
    (folder / f"{name}.dat").write_bytes(stored.T.tobytes())
    path = folder / f"{name}.hea"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path
