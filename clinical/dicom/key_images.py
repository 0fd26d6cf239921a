"""The films that readers chose as key images: Key Object Selection (PS3.3 A.35.4, TID 2010)."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from clinical.case.reading import Reading
from clinical.dicom import content
from clinical.dicom.derived import Maker, common, evidence, notice, reference
from clinical.dicom.film import Film
from clinical.dicom.measured import observer


def key_images(reading: Reading, films: tuple[Film, ...], maker: Maker) -> Dataset | None:
    """The selection, or None where no reader chose one of the films.

    Args:
        reading: with its marks.
        films: of one study.
        maker: program and model.
    """
    chosen = {mark.instance for mark in reading.marks if mark.kind == "key"}
    listed = tuple(film for film in films if film.instance in chosen)
    if not listed:
        return None
    names = [mark.reader for mark in reading.marks if mark.kind == "key"]
    made = Dataset()
    changed = datetime.fromisoformat(reading.changed)
    common(made, listed[0], maker, time=changed, series="key images", name=reading.digest)
    made.Modality = "KO"
    made.SOPClassUID = KeyObjectSelectionDocumentStorage
    made.ReferencedPerformedProcedureStepSequence = []
    made.CurrentRequestedProcedureEvidenceSequence = [evidence(listed)]
    said = content.text("CONTAINS", ("113012", "DCM", "Key Object Description"), notice())
    items = [item for name in dict.fromkeys(names) for item in observer(name)]
    items += [said, *(content.image(reference(film)) for film in listed)]
    made.update(
        content.container(("113000", "DCM", "Of Interest"), items, template="2010", root=True)
    )
    return made
