"""One case as DICOM objects for the archive that its films came from, as the record stands now.

A structured report of the reading, and for each suggestion that is told a Parametric Map and a
picture of every film of the study.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Engine

from clinical.assess.sentences import told
from clinical.case.assessment import Assessment, AuditEvent, HeatMap, Suggestion
from clinical.case.reading import Reading
from clinical.case.shapes import Array
from clinical.dicom.derived import DicomObject, Maker, as_file
from clinical.dicom.key_images import key_images
from clinical.dicom.parametric_map import parametric_map
from clinical.dicom.secondary_capture import secondary_capture
from clinical.dicom.structured_report import report
from clinical.export.leaving import Leaving, ShownFilm, leaving, record, require_films
from clinical.formatting import percent
from clinical.modalities.radiograph import unstated
from clinical.modalities.radiograph.capture import captured, relevance
from clinical.wording import RESEARCH_USE, words


@dataclass(frozen=True)
class CaseObjects:
    """The objects of one case and the EXPORTED event that names them."""

    objects: tuple[DicomObject, ...]
    reading: Reading
    event: AuditEvent


def make_case_objects(
    engine: Engine,
    case_id: str,
    *,
    films: Sequence[Path],
    actor: str,
    time: datetime | None = None,
) -> CaseObjects:
    """Make the objects of a case from one moment of the record, and record that they were made.

    Args:
        engine: the workspace.
        case_id: the case.
        films: files of its films, or folders to look for them in.
        actor: who asks for it.
        time: of the event; now if left out. The objects do not depend on it.

    Raises:
        ReviewError: if there is nothing to read, or others still have to read the case blind.
        ConfigError: if none of its films is there.
        ImageError: if a film is broken or not of the size that the case was assessed with.
        LedgerError: if the ledger cannot be appended to.
    """
    found = leaving(engine, case_id, films)
    require_films(found)
    objects = tuple(case_objects(found))
    data = (made.data for made in objects)
    event = record(engine, found, "case_dicom", data, actor=actor, time=time)
    return CaseObjects(objects, found.reading, event)


def case_objects(found: Leaving) -> Iterator[DicomObject]:
    """The objects; the same case gives the same, byte for byte.

    Raises:
        ImageError: if a film is not of the size that the case was assessed with.
    """
    maker = maker_of(found.reading)
    remarks = tuple(dict.fromkeys(line for shown in found.films for line in scale_of(shown.image)))
    films = tuple(shown.film for shown in found.films)
    yield as_file("report", report(found.reading, films, maker, remarks))
    if (chosen := key_images(found.reading, films, maker)) is not None:
        yield as_file("key-images", chosen)
    if found.assessment is None:
        return
    for number, pictured in enumerate(_pictured(found.assessment, found.films), start=1):
        yield from _maps(number, found.reading, *pictured)


def maker_of(reading: Reading) -> Maker:
    """The program, and the model that spoke."""
    try:
        ours = version("triptych")
    except PackageNotFoundError:
        ours = "not installed"
    model = reading.model
    return Maker(ours, model.name, model.digest) if model else Maker(ours)


def scale_of(image: Array) -> Iterator[str]:
    """What a length on the film is, in words."""
    if image.spacing is None:
        yield "The film states no scale: nothing on it can be measured in millimetres."
    elif unstated.is_at_detector(image):
        yield "Lengths on the film are millimetres at the detector, more than in the patient."
    elif calibrated := image.source.get("spacing_calibration"):
        yield f"Lengths on the film are calibrated millimetres ({calibrated.lower()})."
    yield from (f"The film: {sentence}." for sentence in unstated.of(image))


def _pictured(
    assessment: Assessment, films: Sequence[ShownFilm]
) -> Iterator[tuple[Suggestion, ShownFilm, HeatMap]]:
    explained = {found.diagnosis: found for found in assessment.explanations}
    given = [s for s in assessment.suggestions if s.withheld_because is None]
    for suggestion in told(given, explained):
        for shown in films:
            for heat_map in explained[suggestion.diagnosis].heat_maps:
                if (heat_map.modality, heat_map.item) == (shown.modality, shown.item):
                    yield suggestion, shown, heat_map


def _maps(
    number: int, reading: Reading, suggestion: Suggestion, shown: ShownFilm, heat_map: HeatMap
) -> Iterator[DicomObject]:
    maker, diagnosis = maker_of(reading), words(suggestion.diagnosis)
    name, began = (
        f"{reading.assessment}/{suggestion.diagnosis}",
        datetime.fromisoformat(reading.began),
    )
    values = relevance(heat_map, *shown.image.values.shape)
    drawn = parametric_map(values, shown.film, maker, diagnosis=diagnosis, name=name, time=began)
    yield as_file(f"heat-map-{number}", drawn)
    lines = (
        RESEARCH_USE,
        f"What the suggestion of {diagnosis} ({percent(suggestion.probability)}) rests on",
        f"Made by {maker.model}, {maker.model_digest[:12]}; not a finding of a reader",
    )
    pixels = captured(shown.image, heat_map, lines)
    picture = secondary_capture(
        pixels, shown.film, maker, diagnosis=diagnosis, name=name, time=began
    )
    yield as_file(f"picture-{number}", picture)
