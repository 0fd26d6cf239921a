"""`triptych audit export`: verify, write the record as one ZIP, and record that it was exported.

docs/export.md says what each file of the ZIP is. The order matters: a head is signed over all
events, the files are written from one moment of the workspace, the manifest names them, EXPORTED
names the manifest, and the receipt proves that it does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.audit import heads, ledger, verifier
from clinical.audit.retention import purge_of
from clinical.audit.verify import Verdict, verify
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, StoreError
from clinical.export import fhir, jsonl, pdf, selection, tables, tree
from clinical.export.archive import Archive
from clinical.export.case_page import AbsentCase, CasePage, case_page, spoiled
from clinical.export.deidentified_copy import LeftOut, copied
from clinical.export.jsonl import Shown
from clinical.export.pdf import Front, SummaryRow
from clinical.export.selection import Selection
from clinical.formatting import moment, percent
from clinical.modalities.dates import BEGIN
from clinical.model import installed
from clinical.model.card import Card
from clinical.review import decisions
from clinical.review import protocol as protocol_rules
from clinical.review import status as status_rules
from clinical.review.protocol import Protocol
from clinical.tables.spreadsheet import written
from clinical.wording import RESEARCH_USE, words
from clinical.workspace import comments, own_file, scratch, store
from clinical.workspace.database import folder_of, writing

MANIFEST_VERSION = "2.0"
EVERYTHING = Selection()
VERIFIER = Path(verifier.__file__)
Progress = Callable[[int, int], None]
"""Called with the number of case pages written and the number of all."""


@dataclass(frozen=True)
class ExportResult:
    """What was written.

    Attributes:
        out: the ZIP.
        verdict: of the verification before the export.
        files: file name to SHA-256, all but manifest.json and receipt.json.
        manifest: SHA-256 of manifest.json.
        cases: number of cases in the report.
        event: the EXPORTED event, or None where a broken ledger could not be appended to.
    """

    out: Path
    verdict: Verdict
    files: dict[str, str]
    manifest: str
    cases: int
    event: AuditEvent | None


@dataclass(frozen=True)
class View:
    """What the files are written from: the workspace, or a de-identified copy of some of it.

    Attributes:
        connection: reads it.
        chosen: its cases.
        shows: which of its events are shown.
        time: of the export.
        left_out: how much of the cases is not in a copy.
    """

    connection: Connection
    chosen: list[str]
    shows: Shown
    time: datetime
    left_out: LeftOut | None = None

    def shown(self) -> Iterator[AuditEvent]:
        """The events that are shown, in order."""
        return filter(self.shows, ledger.events(self.connection))


FILES: dict[str, Callable[[View], Iterable[bytes]]] = {
    "events.jsonl": lambda view: jsonl.event_lines(view.connection, view.shows),
    "assessments.jsonl": lambda view: jsonl.assessment_lines(view.connection, view.shown()),
    "cases.jsonl": lambda view: jsonl.case_lines(view.connection, view.shown()),
    "comments.jsonl": lambda view: jsonl.comment_lines(view.connection, view.shown()),
    "cases.csv": lambda view: written(tables.CASES, tables.cases(view.connection, view.chosen)),
    "suggestions.csv": lambda view: written(
        tables.SUGGESTIONS, tables.suggestions(view.connection, view.shown())
    ),
    "decisions.csv": lambda view: written(
        tables.DECISIONS, tables.decisions(view.connection, view.chosen)
    ),
    "events.csv": lambda view: written(tables.EVENTS, tables.events(view.shown())),
    "fhir/bundle.json": lambda view: fhir.bundle(view.connection, view.shown, view.time),
}
"""The record in every format: name of the file in the ZIP to what writes it. A new format is one
module beside this one and one line here."""


@dataclass(frozen=True)
class _Job:
    """One export while it is made."""

    actor: str
    wanted: Selection
    time: datetime
    progress: Progress | None
    de_identified: bool = False

    def shows(self, chosen: Iterable[str]) -> Shown:
        """Which events are shown where these cases are chosen; of a copy all."""
        if self.de_identified:
            return lambda _: True
        cases = frozenset(chosen)
        return lambda event: self.wanted.shows(event, cases)


def export(
    engine: Engine,
    out: Path,
    *,
    actor: str,
    wanted: Selection = EVERYTHING,
    de_identified: bool = False,
    progress: Progress | None = None,
    time: datetime | None = None,
) -> ExportResult:
    """Write the record of all or some cases to the ZIP `out`, replacing an earlier one.

    A ledger that does not verify is exported too, as far as it can be read: the report and
    `verify.py` then say so, and a record that was corrupted is replaced by a line that says so.

    Args:
        engine: the workspace.
        out: file to write; its folder is made if it is missing.
        actor: who asks for it.
        wanted: which cases.
        de_identified: names replaced, times counted from one moment, images and free text left out
            (docs/export.md).
        progress: told after each case.
        time: of the export; now if left out.

    Raises:
        StoreError: if a chosen case is not in the workspace, or `out` cannot be written.
        LedgerError: if an event was corrupted and is no longer a JSON object, or a ledger that does
            not verify is to be de-identified: what was forced into it could be anything.
    """
    job = _Job(actor, wanted, time or datetime.now(UTC), progress, de_identified)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch.part(out) as part:
            result = _write(engine, job, part, out)
            part.replace(out)  # recorded by now: no export without its event
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    return result


def _write(engine: Engine, job: _Job, part: Path, out: Path) -> ExportResult:
    heads.seal(engine)
    archive = Archive(part, job.time)
    try:
        with engine.connect() as connection:  # one read transaction: all files show one moment
            chosen = selection.chosen(connection, job.wanted)
            verdict = verify(connection, pixels=True)
            with _view(connection, job, chosen, verdict) as view:
                for name, pieces in FILES.items():
                    archive.put(name, pieces(view))
                if not job.de_identified:
                    _put_proofs(archive, view)
                known = installed.known(folder_of(connection))
                _put_report(archive, job, view, verdict, known)
                archive.put("verify.py", [VERIFIER.read_bytes()])
                files = dict(archive.digests)
                archive.put("manifest.json", [_json(_manifest(job, view, verdict, files))])
        manifest = archive.digests["manifest.json"]
        event = _record(engine, job, chosen, verdict, manifest)
        with engine.connect() as connection:
            receipt = tree.receipt(connection, event) if event else None
        if receipt:
            archive.put("receipt.json", [_json(receipt)])
    finally:
        archive.close()
    return ExportResult(out, verdict, files, manifest, len(chosen), event)


@contextmanager
def _view(connection: Connection, job: _Job, chosen: list[str], verdict: Verdict) -> Iterator[View]:
    if not job.de_identified:
        yield View(connection, chosen, job.shows(chosen), job.time)
        return
    if not verdict.intact:
        raise LedgerError(
            "A ledger that does not verify cannot be exported de-identified.",
            remedy="run `triptych audit verify`; restore the workspace from a backup.",
        )
    with copied(connection, chosen) as copy:
        shows = job.shows(copy.chosen)
        yield View(copy.connection, copy.chosen, shows, job.time, copy.left_out)


def _put_proofs(archive: Archive, view: View) -> None:
    connection = view.connection
    signed = tree.signed_heads(connection, ledger.head(connection).sequence)
    last = signed[-1] if signed else None
    archive.put("heads.json", [_json([heads.as_json(head) for head in signed])])
    archive.put("proofs.json", [_json(tree.inclusion(connection, last, view.shown()))])


def _put_report(
    archive: Archive, job: _Job, view: View, verdict: Verdict, known: Sequence[Card]
) -> None:
    attached = {
        pdf.EVENTS: jsonl.event_lines(view.connection, view.shows),
        pdf.MANIFEST: [_json(_manifest(job, view, verdict, dict(archive.digests)))],
    }
    front = _front(view.connection, verdict, view.chosen, job)
    pages = _pages(view.connection, view.chosen[: pdf.MOST_CASES], job.progress)
    archive.put("report.pdf", [pdf.printed(front, pages, attached, known)])


def _pages(
    connection: Connection, chosen: list[str], progress: Progress | None
) -> Iterator[CasePage | AbsentCase]:
    for done, case_id in enumerate(chosen, start=1):
        try:
            yield case_page(connection, case_id)
        except (StoreError, LedgerError) as error:
            yield spoiled(case_id, error.message)
        if progress:
            progress(done, len(chosen))


def _front(connection: Connection, verdict: Verdict, chosen: list[str], job: _Job) -> Front:
    entries = {entry.case_id: entry for entry in store.worklist(connection)}
    protocol = protocol_rules.in_force(connection)
    rows = []
    for case_id in chosen[: pdf.MOST_ROWS]:
        entry = entries.get(case_id)
        status, decided = _review(connection, case_id, protocol)
        flags = ["unlike training data"] if entry and entry.flagged else []
        flags += ["conflict"] if entry and entry.conflicts else []
        top = entry.top if entry else None
        rows.append(
            SummaryRow(
                case_id,
                moment(entry.decision_time if entry else None),
                words(top[0]) if top else "none shown",
                percent(top[1]) if top else "",
                status,
                decided,
                ", ".join(flags),
            )
        )
    selection = job.wanted.kinds() if job.de_identified else job.wanted.words()
    return Front(
        job.time, job.actor, verdict, selection, tuple(rows), len(chosen), job.de_identified
    )


def _review(connection: Connection, case_id: str, protocol: Protocol) -> tuple[str, int]:
    past = list(ledger.events(connection, case_id=case_id))
    if purge := purge_of(past):
        return f"purged by event {purge.sequence}", len(decisions.decisions(past))
    try:
        return words(status_rules.status(past, protocol)), len(decisions.decisions(past))
    except LedgerError:
        return "spoiled", 0


def _manifest(job: _Job, view: View, verdict: Verdict, files: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "manifest_version": MANIFEST_VERSION,
        "notice": RESEARCH_USE,
        "triptych": _version(),
        "created": job.time.astimezone(UTC).isoformat(timespec="seconds"),
        "actor": job.actor,
        "whole_ledger": job.wanted.everything,
        "de_identified": job.de_identified,
        "selection": job.wanted.as_json(),
        "cases": sorted(view.chosen),
        "verdict": {
            "intact": verdict.intact,
            "first_broken": verdict.first_broken,
            "reason": verdict.reason,
        },
        "head": {"sequence": verdict.events, "hash": verdict.head},
        "files": files,
    }
    if view.left_out is not None:
        made["selection"] = job.wanted.kinds()
        made["times"] = f"counted from {BEGIN:%Y-%m-%d}, which is not a real date"
        made["left_out"] = asdict(view.left_out)
        end = ledger.head(view.connection)
        made["copy"] = {"sequence": end.sequence, "hash": end.hash}
    return made


def _record(
    engine: Engine, job: _Job, chosen: list[str], verdict: Verdict, manifest: str
) -> AuditEvent | None:
    with writing(engine) as connection:
        named = canonical.dumps({**job.wanted.as_json(), "chosen": chosen}).decode()
        payload = {
            "what": "all" if job.wanted.everything else "cases",
            "cases": len(chosen),
            "selection": comments.put(connection, named),
            "manifest": manifest,
            "intact": verdict.intact,
            "head": {"sequence": verdict.events, "hash": verdict.head},
        }
        if job.de_identified:
            payload["de_identified"] = True
        try:
            return ledger.append(
                connection, "EXPORTED", actor=job.actor, payload=payload, time=job.time
            )
        except LedgerError:
            if verdict.intact:
                raise
            return None  # the end is what is broken; the manifest and the report say so


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _version() -> str:
    try:
        return version("triptych")
    except PackageNotFoundError:
        return "not installed"
