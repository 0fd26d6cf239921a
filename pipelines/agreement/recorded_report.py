"""`triptych report-agreement`: verify, count, write the report, and record that it was made.

The order is that of an export: everything is made from one moment of the workspace, REPORTED names
the digest of agreement.json, and only then are the files put into the folder, so that no report
lies there without its event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.errors import LedgerError
from clinical.review.switches import Truth
from clinical.workspace import own_file
from clinical.workspace.database import writing
from pipelines.agreement import tables
from pipelines.agreement.document import document
from pipelines.agreement.findings import Findings, find, to_json
from pipelines.agreement.readings import Window
from pipelines.agreement.reference import Reference
from pipelines.reports import html, pdf

PAGE, PRINT, NUMBERS = "agreement.html", "agreement.pdf", "agreement.json"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        actor: who asks.
        window: which moments count.
        known: digest of a model to what its checkpoint keeps.
        truths: case_id to the cohort's outcomes; empty where none were given.
        time: of the event; now if None.
    """

    actor: str
    window: Window
    known: Mapping[str, Reference]
    truths: Mapping[str, Truth]
    time: datetime | None = None


def make(engine: Engine, out: Path, wanted: Wanted) -> Findings:
    """Write agreement.html, .pdf and .json and the CSV files into the folder `out`.

    A ledger that does not verify gives a report, too, of the events before the fault: who has to
    find out what happened needs it, and it says so first. An exit code says it to a script.

    Raises:
        StoreError: if `out` cannot be written.
        LedgerError: at an event that does not hold what its kind has.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    with engine.connect() as connection:  # one read transaction: one moment
        found = find(connection, wanted.window, wanted.known, wanted.truths)
    files = contents(found)
    _record(engine, found, wanted, canonical.sha256(files[NUMBERS]))
    try:
        _put(out, files)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    return found


def contents(found: Findings) -> dict[str, bytes]:
    """Name to content of every file; the same findings give the same bytes."""
    written = document(found)
    numbers = json.dumps(to_json(found), indent=2, ensure_ascii=False) + "\n"
    return {
        PAGE: html.page(written).encode(),
        PRINT: pdf.printed(written),
        NUMBERS: numbers.encode(),
        **tables.files(found),
    }


def _put(out: Path, files: Mapping[str, bytes]) -> None:
    for name in tables.TABLES:  # of an earlier report, which may have had rows there
        (out / name).unlink(missing_ok=True)
    for name, content in files.items():
        own_file.write(out / name, content)


def _record(engine: Engine, found: Findings, wanted: Wanted, digest: str) -> None:
    payload = {
        "what": "agreement",
        "cases": found.counts.cases,
        "readings": found.counts.readings,
        "since": wanted.window.since,
        "until": wanted.window.until,
        "report": digest,
        "intact": found.verdict.intact,
        "head": {"sequence": found.verdict.events, "hash": found.verdict.head},
    }
    with writing(engine) as connection:
        try:
            ledger.append(
                connection, "REPORTED", actor=wanted.actor, payload=payload, time=wanted.time
            )
        except LedgerError:
            if found.verdict.intact:
                raise
            return  # the end is what is broken; the report says so
