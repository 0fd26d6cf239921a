"""`triptych audit export`: verify, write the record as files, and record that it was exported.

events.jsonl       the ledger, or the events of the chosen cases
assessments.jsonl  every assessment that those events name
decisions.jsonl    every decision with its comment
report.html        the same for a person to read
manifest.json      verdict, head of the ledger, counts, and the SHA-256 of each file
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Connection, Engine

from clinical import canonical, review, store
from clinical.assessment import AuditEvent
from clinical.audit import ledger
from clinical.audit.verify import Verdict, verify
from clinical.database import writing
from clinical.errors import LedgerError, StoreError
from clinical.export import jsonl, report
from clinical.export.case_page import CasePage, SpoiledCase, case_page
from clinical.export.report import Front, SummaryRow
from clinical.export.wording import moment, percent
from clinical.wording import RESEARCH_USE, words

MANIFEST_VERSION = "1.0"
Progress = Callable[[int, int], None]
"""Called with the number of case pages written and the number of all."""


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        out: the folder.
        verdict: of the verification before the export.
        files: file name to SHA-256.
        cases: number of cases in the report.
        event: the EXPORTED event, or None where a broken ledger could not be appended to.
    """

    out: Path
    verdict: Verdict
    files: dict[str, str]
    cases: int
    event: AuditEvent | None


def export(
    engine: Engine,
    out: Path,
    *,
    actor: str,
    case_ids: Collection[str] | None = None,
    progress: Progress | None = None,
    time: datetime | None = None,
) -> ExportResult:
    """Write the record of all or some cases to the folder `out`, replacing an earlier export.

    A ledger that does not verify is exported too, as far as it can be read: the report then says
    so at the top, and a record that was spoiled is replaced by a line that says so.

    Args:
        engine: the workspace.
        out: folder to write to; made if it is missing.
        actor: who asks for it.
        case_ids: which cases, or None for all of them and the whole ledger.
        progress: told after each case.
        time: of the export; now if left out.

    Raises:
        StoreError: if a chosen case is not in the workspace, or `out` cannot be written.
        LedgerError: if an event was spoiled so that it is no JSON object.
    """
    moment_of = time or datetime.now(UTC)
    try:
        out.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".export-", dir=out))
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror}.", remedy="choose another folder."
        ) from None
    try:
        with engine.connect() as connection:  # one read transaction: all files show one moment
            chosen = _chosen(connection, case_ids)
            verdict = verify(connection)
            front = _front(connection, verdict, chosen, case_ids is None, actor, moment_of)
            _write_files(connection, staging, front, chosen, case_ids, progress)
        files = _seal(staging, front, moment_of, case_ids is None)
        # Recorded before the files appear under their names: no export without its event.
        event = _record(engine, files, verdict, chosen, case_ids is None, actor, moment_of)
        for name in files:
            (staging / name).replace(out / name)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror}.", remedy="check the free space."
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return ExportResult(out, verdict, files, len(chosen), event)


def _chosen(connection: Connection, case_ids: Collection[str] | None) -> list[str]:
    known = store.case_ids(connection)
    if case_ids is None:
        return known
    unknown = sorted(set(case_ids) - set(known))
    if unknown:
        raise StoreError(
            f"The workspace holds no assessed case {unknown[0]}"
            + (f" (and {len(unknown) - 1} more of those asked for)." if unknown[1:] else "."),
            remedy="look up the case_id in the worklist.",
        )
    return sorted(set(case_ids))


def _write_files(
    connection: Connection,
    folder: Path,
    front: Front,
    chosen: list[str],
    case_ids: Collection[str] | None,
    progress: Progress | None,
) -> None:
    picked = None if case_ids is None else chosen
    _write(folder / "events.jsonl", jsonl.event_lines(connection, picked))
    _write(folder / "assessments.jsonl", jsonl.assessment_lines(connection, picked))
    _write(folder / "decisions.jsonl", jsonl.decision_lines(connection, picked))
    pages = _pages(connection, chosen, progress)
    _write(folder / "report.html", (piece.encode() for piece in report.render(front, pages)))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(pieces)


def _pages(
    connection: Connection, chosen: list[str], progress: Progress | None
) -> Iterator[CasePage | SpoiledCase]:
    for done, case_id in enumerate(chosen, start=1):
        try:
            yield case_page(connection, case_id)
        except (StoreError, LedgerError) as error:
            yield SpoiledCase(case_id, error.message)
        if progress:
            progress(done, len(chosen))


def _front(
    connection: Connection,
    verdict: Verdict,
    chosen: list[str],
    everything: bool,
    actor: str,
    time: datetime,
) -> Front:
    entries = {entry.case_id: entry for entry in store.worklist(connection)}
    rows = []
    for case_id in chosen:
        entry = entries[case_id]
        status, decided = _review(connection, case_id)
        flags = ["unlike training data"] if entry.flagged else []
        flags += ["conflict"] if entry.conflicts else []
        rows.append(
            SummaryRow(
                case_id,
                moment(entry.decision_time),
                words(entry.top[0]) if entry.top else "all withheld",
                percent(entry.top[1]) if entry.top else "",
                status,
                decided,
                ", ".join(flags),
            )
        )
    selection = "all cases" if everything else f"{len(chosen)} chosen cases"
    return Front(moment(time), actor, verdict, selection, tuple(rows))


def _review(connection: Connection, case_id: str) -> tuple[str, int]:
    past = list(ledger.events(connection, case_id=case_id))
    try:
        return words(review.status(past, review.in_force(connection))), len(review.decisions(past))
    except LedgerError:
        return "spoiled", 0


def _seal(folder: Path, front: Front, time: datetime, everything: bool) -> dict[str, str]:
    """Write manifest.json over the other files; all digests, its own too."""
    files = {path.name: _digest(path) for path in sorted(folder.iterdir())}
    verdict = front.verdict
    manifest = {
        "manifest_version": MANIFEST_VERSION,
        "notice": RESEARCH_USE,
        "triptych": _version(),
        "created": time.astimezone(UTC).isoformat(timespec="seconds"),
        "actor": front.actor,
        "whole_ledger": everything,
        "cases": len(front.rows),
        "verdict": {
            "intact": verdict.intact,
            "first_broken": verdict.first_broken,
            "reason": verdict.reason,
        },
        "head": {"sequence": verdict.events, "hash": verdict.head},
        "files": files,
    }
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return {**files, path.name: _digest(path)}


def _record(
    engine: Engine,
    files: dict[str, str],
    verdict: Verdict,
    chosen: list[str],
    everything: bool,
    actor: str,
    time: datetime,
) -> AuditEvent | None:
    payload = {
        "what": "all" if everything else "cases",
        "cases": len(chosen),
        "selection": canonical.digest(chosen),
        "files": files,
        "intact": verdict.intact,
        "head": {"sequence": verdict.events, "hash": verdict.head},
    }
    with writing(engine) as connection:
        try:
            return ledger.append(connection, "EXPORTED", actor=actor, payload=payload, time=time)
        except LedgerError:
            if verdict.intact:
                raise
            return None  # the end is what is broken; the manifest and the report say so


def _digest(path: Path) -> str:
    return canonical.sha256(path.read_bytes())


def _version() -> str:
    try:
        return version("triptych")
    except PackageNotFoundError:
        return "not installed"
