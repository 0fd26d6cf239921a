"""Small DICOM files made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, ComputedRadiographyImageStorage, ExplicitVRLittleEndian

Pixels = NDArray[Any]
WriteDicom = Callable[..., Path]


def radiograph(pixels: Pixels, transfer_syntax: str, **attributes: Any) -> Dataset:
    """A Computed Radiography data set around `pixels`; `attributes` replace or add to the rest.

    An attribute may be a whole `DataElement`, to choose how it is written.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = UID(transfer_syntax)
    data = Dataset()
    data.file_meta = meta
    bits = 8 * pixels.dtype.itemsize
    for keyword, value in {
        "SOPClassUID": ComputedRadiographyImageStorage,
        "SOPInstanceUID": "1.2.3.4",
        "PatientID": "P1",
        "PatientName": "Doe^Jane",
        "Modality": "CR",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
        **attributes,
    }.items():
        if isinstance(value, DataElement):
            data.add(value)
        else:
            setattr(data, keyword, value)
    if "HighBit" not in data:
        data.HighBit = data.BitsStored - 1
    data["PixelData"].VR = "OB" if bits == 8 else "OW"
    return data


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """write_dicom(pixels, **attributes) writes a Part 10 file and returns its path."""

    def write(
        pixels: Pixels | None = None,
        *,
        transfer_syntax: str = ExplicitVRLittleEndian,
        without: tuple[str, ...] = (),
        **attributes: Any,
    ) -> Path:
        pixels = np.arange(12, dtype="<u2").reshape(3, 4) if pixels is None else pixels
        data = radiograph(pixels, transfer_syntax, **attributes)
        for keyword in without:
            delattr(data, keyword)
        path = tmp_path / "image.dcm"
        dcmwrite(path, data, enforce_file_format=True)
        return path

    return write
