"""Read one electrocardiogram from whatever it is stored in: DICOM, WFDB or CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.recording import Channel, Recording, read_recording
from clinical.errors import WaveformError
from clinical.modalities.ecg import table, wfdb
from clinical.modalities.ecg.leads import lead_coded, lead_named
from clinical.modalities.ecg.waveform import Waveform, canonical


def read(
    path: Path,
    *,
    rate: float | None = None,
    unit: str | None = None,
    expected_patient_id: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Waveform:
    """Read one electrocardiogram in canonical form (see `waveform.canonical`).

    Args:
        path: a WFDB header (.hea), a CSV table (.csv, .tsv), or else a DICOM file.
        rate: samples per second of a CSV table; other formats state it themselves.
        unit: of the values of a CSV table: mV, uV or V.
        expected_patient_id: refuse a DICOM file that states another Patient ID.
        limits: what a DICOM file may cost.

    Raises:
        WaveformError: why it cannot be read, with the row and column of a table that is to blame.
    """
    match path.suffix.lower():
        case ".hea":
            found = wfdb.read(path)
        case ".csv" | ".tsv":
            found = table.read(path, rate=rate, unit=unit)
        case _:
            found = from_recording(
                read_recording(path, expected_patient_id=expected_patient_id, limits=limits)
            )
    return canonical(found)


def from_recording(recording: Recording) -> Waveform:
    """The channels of a DICOM recording that are leads.

    Raises:
        WaveformError: if none is, if two are the same, or if code and label of one disagree.
    """
    places: dict[str, int] = {}
    for place, channel in enumerate(recording.channels):
        lead = _lead(channel)
        if lead is None:
            continue
        if lead in places:
            raise WaveformError(
                f"Two channels are lead {lead}.",
                remedy="Export the electrocardiogram again from its source.",
            )
        places[lead] = place
    if not places:
        raise WaveformError(
            "No channel is a lead of an electrocardiogram.",
            remedy="Give channels whose source is coded by PS3.16 CID 3001.",
        )
    left = len(recording.channels) - len(places)
    source = {**recording.source, **({"not_leads": str(left)} if left else {})}
    values = np.asarray(recording.values[list(places.values())])
    return Waveform(tuple(places), values, recording.rate, source)


def _lead(channel: Channel) -> str | None:
    coded, labelled = lead_coded(channel.code, channel.scheme), lead_named(channel.label)
    if coded and labelled and coded != labelled:
        raise WaveformError(
            f"A channel is coded as lead {coded}, but labelled as {labelled}.",
            remedy="Export the electrocardiogram again from its source.",
        )
    return coded or labelled
