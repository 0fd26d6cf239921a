"""The one way to read an electrocardiogram from a DICOM file: a guarded process does the work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.dicom import reader
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import Request


@dataclass(frozen=True)
class Channel:
    """What one channel says of itself.

    Attributes:
        code, scheme: of its source (PS3.16 CID 3001), or "".
        label: its label in upper case, or "".
    """

    code: str
    scheme: str
    label: str


@dataclass(frozen=True, eq=False)
class Recording:
    """Channels that were recorded together.

    Attributes:
        channels: what they are.
        values: float32 [channels, samples], mV; NaN where the file has padding.
        rate: samples per second.
        source: SOPInstanceUID, StudyInstanceUID, SOPClassUID, Modality, acquired (ISO 8601),
            TransferSyntaxUID, format, kind, dataset_digest, and, where channels were left out
            because they were not recorded together with these, groups_left_out. Never a name.
    """

    channels: tuple[Channel, ...]
    values: NDArray[np.float32]
    rate: float
    source: Mapping[str, str]


def read_recording(
    path: Path,
    *,
    expected_patient_id: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Recording:
    """Read the electrocardiogram of one DICOM file, in the guarded process that reads images.

    Of several multiplex groups those are read that were recorded at the same time and rate and
    hold the most channels; derived ones (median beats) are left out.

    Args:
        path: the file; its name is not looked at.
        expected_patient_id: refuse a file that states another Patient ID.
        limits: what it may cost.

    Raises:
        WaveformError: missing, broken, hostile, over a limit, of another patient, of another kind,
            or contradicting itself. The text holds neither path nor anything of the file but sizes.
    """
    request = Request(os.fspath(path.absolute()), None, expected_patient_id, limits, "waveform")
    answer, values = reader.ask(request)
    channels = tuple(Channel(*channel) for channel in answer["channels"])
    return Recording(channels, values, answer["rate"], answer["source"])
