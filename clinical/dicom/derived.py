"""What every object that is made of a film has in common: patient, study, series, equipment.

Identifiers follow from what is said (`derived_uid`), and nothing is taken from the clock: the same
reading of the same film gives the same objects, byte for byte, however often they are made, so that
an archive which gets one twice has it once.
"""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from clinical.dicom.film import Film
from clinical.dicom.write import NOTICE, derived_uid

MANUFACTURER = "Triptych"
SCHEME = "99TRIPTYCH"
"""Coding scheme designator of what no public scheme has a code for (PS3.16 8.2: 99 is private)."""

_SERIES = {"SR": 9301, "heat map": 9302, "picture": 9303, "key images": 9304}


@dataclass(frozen=True)
class Maker:
    """What made an object.

    Attributes:
        version: of this program.
        model: name of the model that spoke, or "".
        model_digest: SHA-256 of its weights and settings, or "".
    """

    version: str
    model: str = ""
    model_digest: str = ""

    @property
    def device_uid(self) -> str:
        """Identifies this model in this version of the program."""
        return derived_uid("device", self.version, self.model_digest)


@dataclass(frozen=True)
class DicomObject:
    """One object as a PS3.10 file.

    Attributes:
        name: of the file, without an extension: "report", "heat-map-1", "picture-1".
        sop_class, instance: UIDs.
        data: the file.
    """

    name: str
    sop_class: str
    instance: str
    data: bytes


def common(
    found: Dataset, film: Film, maker: Maker, *, time: datetime, series: str, name: str
) -> None:
    """Patient, Study, General Series and Equipment, SOP Common (PS3.3 C.7.1-C.7.5, C.12.1).

    Args:
        found: to be filled.
        film: what the object is made of.
        maker: what made it.
        time: of its content; it stands for every time that the object needs.
        series: "SR", "heat map", "picture" or "key images"; each is a series of the film's study.
        name: what tells the object from others of its series and film.
    """
    for element in film.header:
        if element.keyword not in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"):
            found[element.tag] = copy.copy(element)
    date, clock = f"{time:%Y%m%d}", f"{time:%H%M%S}"
    found.TimezoneOffsetFromUTC = f"{time:%z}"
    found.InstanceCreationDate = found.SeriesDate = found.ContentDate = date
    found.InstanceCreationTime = found.SeriesTime = found.ContentTime = clock
    found.SeriesInstanceUID = derived_uid("series", series, film.study)
    found.SeriesNumber = _SERIES[series]
    found.SeriesDescription = f"Triptych {series}, research use only"
    found.SOPInstanceUID = derived_uid("instance", series, film.instance, maker.device_uid, name)
    found.InstanceNumber = 1
    found.Manufacturer = MANUFACTURER
    found.ManufacturerModelName = maker.model[:64] or "reading without a model"
    found.DeviceSerialNumber = maker.model_digest or "0"
    found.SoftwareVersions = maker.version
    found.CodingSchemeIdentificationSequence = [_scheme()]


def reference(film: Film) -> Dataset:
    """Names the film (PS3.3 10.8, SOP Instance Reference Macro)."""
    item = Dataset()
    item.ReferencedSOPClassUID = film.header.SOPClassUID
    item.ReferencedSOPInstanceUID = film.header.SOPInstanceUID
    return item


def evidence(films: tuple[Film, ...]) -> Dataset:
    """The films as the evidence of a document (PS3.3 C.17.2.3); all are of one study."""
    listed: dict[str, list[Dataset]] = {}
    for film in films:
        listed.setdefault(str(film.header.SeriesInstanceUID), []).append(reference(film))
    study = Dataset()
    study.ReferencedSeriesSequence = []
    for uid, references in listed.items():
        series = Dataset()
        series.ReferencedSOPSequence = references
        series.SeriesInstanceUID = uid
        study.ReferencedSeriesSequence.append(series)
    study.StudyInstanceUID = films[0].study
    return study


def source(film: Film) -> Dataset:
    """Names the film as what an image was made of (PS3.3 C.7.6.1.1.4, CID 7202)."""
    item = reference(film)
    item.PurposeOfReferenceCodeSequence = [
        coded("121322", "DCM", "Source image for image processing operation")
    ]
    return item


def derivation(film: Film, words: str) -> Dataset:
    """How an image was made of the film (PS3.3 C.7.6.16.2.6)."""
    item = Dataset()
    item.DerivationDescription = words
    item.DerivationCodeSequence = [coded("relevance", SCHEME, "Relevance to a suggestion")]
    item.SourceImageSequence = [source(film)]
    return item


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """A code (PS3.3 8.8); one of more than 16 characters is a long code."""
    item = Dataset()
    if len(value) > 16:
        item.LongCodeValue = value
    else:
        item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning[:64]
    return item


def as_file(name: str, found: Dataset) -> DicomObject:
    """The object as a PS3.10 file in Explicit VR Little Endian."""
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = UID(found.SOPClassUID)
    found.file_meta.MediaStorageSOPInstanceUID = UID(found.SOPInstanceUID)
    buffer = io.BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    return DicomObject(name, str(found.SOPClassUID), str(found.SOPInstanceUID), buffer.getvalue())


def notice(*more: str) -> str:
    """The words that every object has, and what else is to be said of this one."""
    return " ".join([NOTICE, *more])


def _scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = "Triptych: names of a model's own list, and what readers decide"
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
