"""One read case in the formats of other systems, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, get_args

from sqlalchemy import Engine

from clinical.errors import ConfigError
from clinical.exchange import hl7_reading
from clinical.export import model_card
from clinical.export.case_dicom import case_objects
from clinical.export.fhir_reading import transaction
from clinical.export.leaving import Leaving, What, leaving, record, require_films
from clinical.workspace import own_file

Format = Literal["dicom", "fhir", "hl7"]

_WHAT: Final[dict[Format, What]] = {
    "dicom": "case_dicom",
    "fhir": "case_fhir",
    "hl7": "case_hl7",
}


def format_of(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: if there is none.
    """
    for known in get_args(Format):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(
        "There is no such format.", remedy=f"use one of {', '.join(get_args(Format))}."
    )


def export_case(
    engine: Engine,
    case_id: str,
    wanted: Format,
    out: Path,
    *,
    films: Sequence[Path],
    cards: Sequence[Path],
    actor: str,
) -> list[Path]:
    """Write a case to the folder `out` and record it; the files, in order.

    Raises:
        TriptychError: as `leaving` and the format; nothing is recorded then.
        StoreError: if a file cannot be written.
    """
    found = leaving(engine, case_id, films)
    made = _FORMATS[wanted](found, cards)
    record(engine, found, _WHAT[wanted], made.values(), actor=actor)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    for name, data in made.items():
        own_file.write(out / name, data)
    return [out / name for name in made]


def bundle_of(found: Leaving, cards: Sequence[Path]) -> bytes:
    """The FHIR transaction of a case as JSON, with the cards given and that of the model."""
    told = [model_card.from_file(path) for path in cards]
    told += model_card.of_installed(found.reading.model, found.workspace)
    made = transaction(found.reading, found.subject, told)
    return (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode()


def _dicom(found: Leaving, _: Sequence[Path]) -> dict[str, bytes]:
    require_films(found)
    return {f"{made.name}.dcm": made.data for made in case_objects(found)}


def _fhir(found: Leaving, cards: Sequence[Path]) -> dict[str, bytes]:
    return {"bundle.json": bundle_of(found, cards)}


def _hl7(found: Leaving, _: Sequence[Path]) -> dict[str, bytes]:
    return {"reading.hl7": hl7_reading.message(found.reading, found.subject)}


_FORMATS: Final[dict[Format, Callable[[Leaving, Sequence[Path]], dict[str, bytes]]]] = {
    "dicom": _dicom,
    "fhir": _fhir,
    "hl7": _hl7,
}
