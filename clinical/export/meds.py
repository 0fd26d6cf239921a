"""`triptych export meds`: cases and readings as a dataset of the Medical Event Data Standard 0.4.

docs/sources.md says what becomes what. A folder with data/0.parquet, metadata/ and images/, and
labels/ for each diagnosis that a finished reading decided on; `clinical.cohorts.meds` reads it
back. It is written beside its place, EXPORTED names the digest of all its files, and then it is
put there: no export without its event. It is **not de-identified**: times, notes, films and
pseudonyms are those of the workspace.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.verify import Verdict, verify
from clinical.case.case import Case
from clinical.errors import ConfigError
from clinical.export import meds_events, selection
from clinical.export.meds_events import Event
from clinical.export.selection import Selection
from clinical.review import conclusion, progress
from clinical.review import protocol as protocol_rules
from clinical.review import status as status_rules
from clinical.wording import RESEARCH_USE
from clinical.workspace import own_file, store
from clinical.workspace.database import writing

MEDS_VERSION = "0.4.1"
WHAT = "meds"
"""`what` of the EXPORTED event."""

FINAL = ("complete", "adjudicated")
AT_ONCE = 50_000
"""Events that are held before they are written."""

DATA = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("time", pa.timestamp("us")),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float32()),
        pa.field("text_value", pa.large_string()),
        pa.field("unit", pa.string()),
        pa.field("image_path", pa.string()),
        pa.field("site", pa.string()),
        pa.field("patient_id", pa.string()),
        pa.field("case_id", pa.string()),
    ]
)
CODES = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("description", pa.string()),
        pa.field("parent_codes", pa.list_(pa.string())),
    ]
)
LABELS = pa.schema(
    [
        pa.field("subject_id", pa.int64(), nullable=False),
        pa.field("prediction_time", pa.timestamp("us"), nullable=False),
        pa.field("boolean_value", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True)
class MedsExport:
    """What was written.

    Attributes:
        out: the folder.
        subjects, cases, events, labels: how many.
        unused: values that were not understood and are left out.
        traces: electrocardiograms and other traces, which are left out.
        verdict: of the ledger before the export.
    """

    out: Path
    subjects: int
    cases: int
    events: int
    labels: int
    unused: int
    traces: int
    verdict: Verdict


@dataclass
class _Written:
    """What is there so far."""

    cases: int = 0
    events: int = 0
    unused: int = 0
    traces: int = 0
    words: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[tuple[int, datetime, bool]]] = field(default_factory=dict)


def export_meds(
    engine: Engine, out: Path, *, actor: str, wanted: Selection | None = None
) -> MedsExport:
    """Write the chosen cases of a workspace to the folder `out`, and record that.

    Raises:
        ConfigError: if `out` is there already.
        StoreError: if a chosen case is not in the workspace, or `out` cannot be written.
        LedgerError: if the event cannot be appended; there is no folder then.
    """
    if out.exists():
        raise ConfigError(f"{out} is there already.", remedy="choose a folder that is not.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".meds-", dir=out.parent))
        try:
            result = _write(engine, part, out, actor, wanted or Selection())
            part.chmod(0o755)
            part.replace(out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    return result


def _write(engine: Engine, part: Path, out: Path, actor: str, wanted: Selection) -> MedsExport:
    done = _Written()
    with engine.connect() as connection:  # one read transaction: all of one moment
        verdict = verify(connection)
        subjects = _subjects(connection, selection.chosen(connection, wanted))
        (part / "data").mkdir()
        with pq.ParquetWriter(part / "data" / "0.parquet", DATA) as writer:
            held: list[tuple[int, str, Event]] = []
            for number, (patient, case_ids) in enumerate(subjects.items(), start=1):
                found = _subject(connection, part, number, case_ids, done)
                held += [(number, patient, event) for event in found]
                if len(held) >= AT_ONCE:
                    writer.write_table(_table(held))
                    held = []
            writer.write_table(_table(held))
    _metadata(part, done, out.name)
    labels = sum(len(rows) for rows in done.labels.values())
    _record(engine, actor, done, _digest(part), verdict, chosen_all=wanted.everything)
    return MedsExport(
        out, len(subjects), done.cases, done.events, labels, done.unused, done.traces, verdict
    )


def _subjects(connection: Connection, chosen: Sequence[str]) -> dict[str, list[str]]:
    """Patient to their cases; a case that was purged has neither."""
    found: dict[str, list[str]] = {}
    for case_id in chosen:
        patient = store.patient_of(connection, case_id)
        if patient is not None:
            found.setdefault(patient, []).append(case_id)
    return dict(sorted(found.items()))


def _subject(
    connection: Connection, part: Path, number: int, case_ids: Sequence[str], done: _Written
) -> list[Event]:
    """All events of one subject once, those without a time first, then in their order."""
    known: dict[tuple[object, ...], Event] = {}
    cases = [store.get_case(connection, case_id) for case_id in case_ids]
    cases.sort(key=lambda case: (meds_events.decided(case), case.case_id))
    for case in cases:
        told = meds_events.told(case, part, f"images/{number}")
        done.unused += told.unused
        done.traces += told.traces
        done.words.update(told.words)
        for event in told.events:
            known.setdefault(event.what, event)
        _label(connection, number, case, done)
    done.cases += len(cases)
    done.events += len(known)
    return sorted(known.values(), key=lambda event: event.time or datetime.min)


def _label(connection: Connection, number: int, case: Case, done: _Written) -> None:
    """What finished readings of a case hold: every diagnosis that was decided on."""
    past = list(ledger.events(connection, case_id=case.case_id))
    if status_rules.status(past, protocol_rules.in_force(connection)) not in FINAL:
        return
    now = progress.progress(past)
    asked = {diagnosis for reader in now.signed for diagnosis in reader.standing}
    if now.adjudicated is not None:
        present = set(now.adjudicated.present)
    else:
        present = set(conclusion.concluded(now.signed[0]))
    for diagnosis in sorted(asked | present):
        row = (number, meds_events.decided(case), diagnosis in present)
        done.labels.setdefault(diagnosis, []).append(row)


def _table(held: Sequence[tuple[int, str, Event]]) -> pa.Table:
    rows = [
        {"subject_id": number, "patient_id": patient, **event.columns()}
        for number, patient, event in held
    ]
    return pa.Table.from_pylist(rows, DATA)


def _metadata(part: Path, done: _Written, name: str) -> None:
    folder = part / "metadata"
    folder.mkdir()
    codes = [
        {"code": code, "description": words, "parent_codes": meds_events.parents(code)}
        for code, words in sorted(done.words.items())
    ]
    pq.write_table(pa.Table.from_pylist(codes, CODES), folder / "codes.parquet")
    for diagnosis, rows in done.labels.items():
        path = part / "labels" / f"{meds_events.file_name(diagnosis)}.parquet"
        path.parent.mkdir(exist_ok=True)
        columns = [dict(zip(LABELS.names, row, strict=True)) for row in rows]
        pq.write_table(pa.Table.from_pylist(columns, LABELS), path)
    told = {
        "dataset_name": name,
        "etl_name": "triptych",
        "etl_version": _version(),
        "meds_version": MEDS_VERSION,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "license": f"not stated. {RESEARCH_USE}",
        "raw_source_id_columns": ["patient_id", "case_id"],
        "code_modifier_columns": ["unit"],
        "additional_value_modality_columns": ["image_path"],
        "site_id_columns": ["site"],
    }
    (folder / "dataset.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _files(part: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(part.rglob("*")):
        if path.is_file():
            yield path.relative_to(part).as_posix(), canonical.sha256(path.read_bytes())


def _digest(part: Path) -> str:
    """SHA-256 of the canonical JSON of all files and their SHA-256."""
    return canonical.digest(dict(_files(part)))


def _record(
    engine: Engine, actor: str, done: _Written, files: str, verdict: Verdict, *, chosen_all: bool
) -> None:
    payload = {
        "what": WHAT,
        "all": chosen_all,
        "cases": done.cases,
        "files": files,
        "intact": verdict.intact,
        "head": {"sequence": verdict.events, "hash": verdict.head},
    }
    with writing(engine) as connection:
        ledger.append(connection, "EXPORTED", actor=actor, payload=payload)


def _version() -> str:
    try:
        return version("triptych")
    except PackageNotFoundError:
        return "unknown"
