"""Files of FHIR resources, a piece at a time, and what they tell with file and line.

NDJSON of a bulk export, Bundles, and single resources are understood by the same code as what a
hospital sends (`clinical.exchange.fhir_told`). References are resolved within a Bundle, within
`LINES` lines of NDJSON, and among all single resources of a folder as far as these go.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from clinical.case.case import Problem
from clinical.exchange.facts import Fact, Refusal
from clinical.exchange.fhir_bundle import Entry, Sent, read
from clinical.exchange.fhir_told import told

LINES = 2000
HEAD = 2**16
"""Bytes in which a file of FHIR says what its first resource is."""

ENDINGS = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
_LINE = re.compile(r"(?:line|entry)\[(?P<at>\d+)\]\.?(?P<rest>.*)")


@dataclass(frozen=True)
class Piece:
    """Some resources that are read together.

    Attributes:
        data: a Bundle, one resource, or NDJSON.
        places: of each line the file and its line; of a Bundle the file alone.
    """

    data: bytes
    places: tuple[tuple[str, int], ...]

    def place(self, where: str) -> tuple[str, int, str]:
        """File, row and element of a place such as line[3] Observation.value.

        The row is the line of NDJSON, or the number of the entry of a Bundle.
        """
        found = _LINE.match(where)
        if found is None:
            return (*self.places[0], where)
        element, at = found["rest"].strip(), int(found["at"])
        if where.startswith("entry"):
            return self.places[0][0], at + 1, element
        return (*self.places[at - 1], element)


@dataclass(frozen=True)
class Patient:
    """What one piece tells of one patient.

    Attributes:
        key: of the patient, the same in all pieces.
        sex, birth_date: as told, or "".
        facts: each with its file, its line and its element.
    """

    key: str
    sex: str
    birth_date: str
    facts: tuple[tuple[Fact, tuple[str, int, str]], ...]


def pieces(root: Path) -> Iterator[Piece]:
    """Every file of a folder, Bundles alone and the others in lots of lines."""
    held: list[bytes] = []
    places: list[tuple[str, int]] = []
    for path in sorted(root.rglob("*")):
        if not (path.is_file() and path.name.lower().endswith(ENDINGS) and _seems_fhir(path)):
            continue
        file = path.relative_to(root).as_posix()
        whole = _one_document(path)
        if whole is not None and _is_bundle(whole):
            yield Piece(whole, ((file, 1),))
            continue
        lines = [whole] if whole is not None else _lines(path)
        for number, line in enumerate(lines, start=1):
            if line.strip():
                held.append(line.strip())
                places.append((file, number))
            if len(held) == LINES:
                yield Piece(b"\n".join(held), tuple(places))
                held, places = [], []
    if held:
        yield Piece(b"\n".join(held), tuple(places))


def entries(piece: Piece, kind: str) -> Iterator[tuple[Entry, Sent, tuple[str, int, str]]]:
    """The resources of one type, where they stand, and what was sent with them."""
    if f'"{kind}"'.encode() not in piece.data:
        return
    sent = read(piece.data)
    for entry in sent.entries:
        if entry.kind == kind:
            yield entry, sent, piece.place(entry.place())


def understood(piece: Piece) -> tuple[list[Patient], list[Problem]]:
    """What a piece tells of each patient, and what cannot be used of it."""
    people: list[Patient] = []
    problems: list[Problem] = []
    for one in told(piece.data, UTC):
        problems += [_problem(piece, refusal) for refusal in one.refused]
        if one.person is not None:
            last = one.person.identifiers[-1]
            born = one.person.birth_date
            facts = tuple((fact, piece.place(fact.place)) for fact in one.facts)
            key = key_of(last.value, last.authority)
            people.append(Patient(key, one.person.sex, born.isoformat() if born else "", facts))
    return people, problems


def key_of(value: str, authority: str) -> str:
    """One name for a patient; the address of the server is part of it where it is known."""
    server = authority if "/" in authority or ":" in authority else ""
    return re.sub(r"[^\w.-]+", "-", f"{server} {value}") if server else value


def _problem(piece: Piece, refusal: Refusal) -> Problem:
    file, row, element = piece.place(refusal.place)
    return Problem(file, refusal.reason, row, element, refusal.remedy or "send it as FHIR R4")


def _seems_fhir(path: Path) -> bool:
    """Whether a file begins as FHIR does, so that no other JSON is read as a whole."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            return b'"resourceType"' in file.read(HEAD)
    except (OSError, EOFError):
        return False


def _one_document(path: Path) -> bytes | None:
    """A file that is one JSON document, on one line; None for NDJSON and what is no JSON."""
    if "ndjson" in path.name.lower():
        return None
    try:
        data = b"".join(_lines(path))
        json.loads(data)
    except (ValueError, OSError, EOFError, RecursionError):
        return None
    # Outside its texts JSON has line ends for the eye alone, and within them it has none.
    return b" ".join(data.split(b"\n"))


def _lines(path: Path) -> Iterator[bytes]:
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        yield from file


def _is_bundle(data: bytes) -> bool:
    found = json.loads(data)
    return isinstance(found, dict) and found.get("resourceType") == "Bundle"
