"""One case on its way out: its reading, its films, and the event that says what left.

As with a PDF, that something was made of a case is an event: EXPORTED names the SHA-256 of each
file, so that a copy can be told from a forgery. Nothing leaves without its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import heads, ledger
from clinical.audit.ledger import Head
from clinical.case.assessment import Assessment, AuditEvent
from clinical.case.case import Case
from clinical.case.reading import Reading, Subject
from clinical.case.shapes import Array
from clinical.dicom.film import Film, film_of, films_in
from clinical.errors import ConfigError
from clinical.export.reading import check_leaving, explained, reading_of
from clinical.review import protocol as protocol_rules
from clinical.workspace import store
from clinical.workspace.database import folder_of, writing

What = Literal["case_dicom", "case_fhir", "case_hl7"]
"""`what` of the EXPORTED event."""


@dataclass(frozen=True, eq=False)
class ShownFilm:
    """One film of a case: the input and the number in it, its pixels, and its file's header."""

    modality: str
    item: int
    image: Array
    film: Film


@dataclass(frozen=True, eq=False)
class Leaving:
    """One case as it leaves, all of it of one moment of the record.

    Attributes:
        reading: what was made of it.
        assessment: of the model, or None where it is read without one.
        films: those whose files were found, of one study, the first in front.
        end: where the ledger stood.
        workspace: folder of the workspace.
    """

    reading: Reading
    assessment: Assessment | None
    films: tuple[ShownFilm, ...]
    end: Head
    workspace: Path

    @property
    def subject(self) -> Subject:
        """Whom it is about: as the film's archive names them, or else by pseudonym."""
        if self.films:
            return self.films[0].film.subject
        return Subject(self.reading.patient_id)


def leaving(engine: Engine, case_id: str, films: Sequence[Path]) -> Leaving:
    """Gather a case and its films.

    Args:
        engine: the workspace.
        case_id: the case.
        films: files of its films, or folders to look for them in; may be empty.

    Raises:
        ReviewError: as `reading_of` and `check_leaving`.
        ImageError: if a film is broken.
    """
    heads.seal(engine)  # so that a signature covers what is shown
    with engine.connect() as connection:  # one read transaction: all of one moment
        reading = reading_of(connection, case_id)
        check_leaving(reading, protocol_rules.in_force(connection))
        digest = reading.assessment
        assessment = store.get_assessment(connection, digest) if digest else None
        inputs = assessment.input_digest if assessment else None
        case = store.get_case(connection, case_id, input_digest=inputs)
        if assessment is not None:
            reading = explained(reading, assessment, case)
        end = ledger.head(connection)
        workspace = folder_of(connection)
    return Leaving(reading, assessment, tuple(_films(case, tuple(films))), end, workspace)


def require_films(found: Leaving) -> None:
    """Refuse what has to name its film where none was found.

    Raises:
        ConfigError: if there is none.
    """
    if not found.films:
        raise ConfigError(
            "None of the films of this case is in the places that were given.",
            remedy="give the DICOM files that the case was made of, or a folder that holds them;"
            " a case without any can be exported as a PDF.",
        )


def record(
    engine: Engine,
    found: Leaving,
    what: What,
    files: Iterable[bytes],
    *,
    actor: str,
    time: datetime | None = None,
) -> AuditEvent:
    """Append EXPORTED, which names what was made by its digests.

    Raises:
        LedgerError: if the ledger cannot be appended to.
    """
    payload = {
        "what": what,
        "cases": 1,
        "reading": found.reading.digest,
        "files": [canonical.sha256(data) for data in files],
        "head": {"sequence": found.end.sequence, "hash": found.end.hash},
    }
    case_id = found.reading.case_id
    with writing(engine) as connection:
        return ledger.append(
            connection, "EXPORTED", actor=actor, case_id=case_id, payload=payload, time=time
        )


def _known(case: Case) -> Iterator[tuple[str, int, Array]]:
    """Input, number in it, and pixels of each film of a case that came from a DICOM file."""
    for modality, value in case.inputs.items():
        for item, image in enumerate(value.arrays):
            if image.axes == ("row", "column") and image.source.get("SOPInstanceUID"):
                yield modality, item, image


def _films(case: Case, places: tuple[Path, ...]) -> list[ShownFilm]:
    """The films of the case whose files are there, of the study of the first of them."""
    known = list(_known(case))
    files = films_in(places, frozenset(image.source["SOPInstanceUID"] for _, _, image in known))
    found = [
        ShownFilm(modality, item, image, film_of(files[image.source["SOPInstanceUID"]]))
        for modality, item, image in known
        if image.source["SOPInstanceUID"] in files
    ]
    return [shown for shown in found if shown.film.study == found[0].film.study]
