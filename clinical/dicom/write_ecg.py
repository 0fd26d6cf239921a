"""Write one electrocardiogram as a DICOM file: 12-lead ECG Waveform Storage.

The modules are those of the 12-Lead ECG IOD (PS3.3 A.34.3). As in `clinical.dicom.write`, the same
arguments give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    TwelveLeadECGWaveformStorage,
)

from clinical.dicom.write import NOTICE, StudyHeader, patient_and_study

MICROVOLTS = 2.5
"""One stored unit, as many devices have it."""

_LARGEST = 32767


def write_ecg(
    path: Path,
    samples: NDArray[np.float32],
    leads: Sequence[tuple[str, str]],
    rate: float,
    header: StudyHeader,
    *,
    band_hz: tuple[float, float] = (0.05, 150.0),
    deflated: bool = False,
) -> None:
    """Write `samples` to `path`, replacing what is there.

    Args:
        path: of the file to write.
        samples: [leads, samples], mV; stored as 16-bit steps of `MICROVOLTS`.
        leads: MDC code (PS3.16 CID 3001) and name of each lead, such as ("2:1", "I").
        rate: samples per second.
        header: everything but the waveform.
        band_hz: lower and upper cut-off of the device's filters.
        deflated: compress the whole data set (PS3.5 A.5), to about half; not every viewer reads it.

    Raises:
        ValueError: if leads and samples do not fit together, if a sample is not a number that 16
            bits can hold, or if `acquired` has no time zone.
    """
    stored = np.rint(np.nan_to_num(samples, nan=np.inf) * (1000 / MICROVOLTS))
    if samples.ndim != 2 or len(samples) != len(leads) or np.abs(stored).max() > _LARGEST:
        raise ValueError("samples must be [leads, samples] in mV, each a number of 16 bits")
    if header.acquired.utcoffset() is None:
        raise ValueError("the acquisition time must have a time zone")
    found = Dataset()
    patient_and_study(found, header, "Resting electrocardiogram")
    _series(found, header)
    found.WaveformSequence = [_group(stored.astype("<i2"), leads, rate, band_hz)]
    found.file_meta = FileMetaDataset()
    syntax = DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    found.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    path.write_bytes(buffer.getvalue())


def _series(found: Dataset, header: StudyHeader) -> None:
    """General Series, Equipment, Waveform Identification (PS3.3 C.10.8), SOP Common."""
    found.Modality = "ECG"
    found.SeriesInstanceUID = header.series_uid
    found.SeriesNumber = 1
    found.Manufacturer = header.manufacturer
    found.ManufacturerModelName = "Simulated electrocardiograph"
    found.InstitutionName = header.institution
    found.DeviceSerialNumber = "0"
    found.SoftwareVersions = "1"
    found.SOPClassUID = TwelveLeadECGWaveformStorage
    found.SOPInstanceUID = header.instance_uid
    found.InstanceNumber = 1
    found.AcquisitionContextSequence = []
    found.CommentsOnThePerformedProcedureStep = f"{NOTICE} {header.comment}".strip()


def _group(
    stored: NDArray[np.int16],
    leads: Sequence[tuple[str, str]],
    rate: float,
    band_hz: tuple[float, float],
) -> Dataset:
    """One multiplex group of the Waveform module (PS3.3 C.10.9)."""
    group = Dataset()
    group.MultiplexGroupTimeOffset = "0"
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = stored.shape
    group.SamplingFrequency = f"{rate:g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = [_channel(code, name, band_hz) for code, name in leads]
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.add_new("WaveformData", "OW", np.ascontiguousarray(stored.T).tobytes())
    return group


def _channel(code: str, name: str, band_hz: tuple[float, float]) -> Dataset:
    low, high = band_hz
    channel = Dataset()
    channel.ChannelLabel = name
    channel.ChannelSourceSequence = [_coded(code, "MDC", f"Lead {name}")]
    channel.ChannelSensitivity = f"{MICROVOLTS:g}"
    channel.ChannelSensitivityUnitsSequence = [_coded("uV", "UCUM", "microvolt")]
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline = "0"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    channel.FilterLowFrequency = f"{low:g}"
    channel.FilterHighFrequency = f"{high:g}"
    return channel


def _coded(code: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, meaning
    return item
