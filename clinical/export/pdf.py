"""The readable report: `report.pdf`, set by typst, PDF/A-3b (ISO 19005-3) with the fonts inside.

It carries the events and a manifest of the data as attachments, so that the one file can be kept
by itself. Typst holds the document in memory, 6 MB a case, so that the report of a long record
shows the first cases only, and says so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from clinical.audit.verify import Verdict
from clinical.case.assessment import AuditEvent
from clinical.errors import StoreError
from clinical.export import card_blocks
from clinical.export.case_page import AbsentCase, CasePage, spoiled
from clinical.export.glyphs import FONT_FILES, REGULAR, SCRIPTS, breakable, drawable
from clinical.formatting import moment
from clinical.model.card import Card
from clinical.review import signature
from clinical.wording import RESEARCH_USE, words
from clinical.workspace import scratch

TEMPLATE = Path(__file__).with_name("report.typ")
FONTS = (
    "Liberation Sans",
    "Noto Sans Arabic",
    "Noto Sans SC",
    "Noto Sans KR",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
MOST_CASES = 200
"""So many cases have pages; the rest is in the other files of the ZIP."""
MOST_ROWS = 2000
"""So many cases are in the list at the front."""
EVENTS, MANIFEST = "events.jsonl", "manifest.json"
_ATTACHED = {
    EVENTS: ("application/jsonl", "The events of the ledger"),
    MANIFEST: ("application/json", "Digests of the files of the export but this report"),
}
_ENDINGS = {"data:image/png;base64": "png", "data:image/svg+xml;base64": "svg"}
_Data = dict[str, Any]
_NOT_SHOWN = frozenset({"assessment", "beside", "trail"})


@dataclass(frozen=True)
class SummaryRow:
    """One line of the list at the front."""

    case_id: str
    decision_time: str
    top: str
    probability: str
    status: str
    decided: int
    flags: str


@dataclass(frozen=True)
class Front:
    """The cover.

    Attributes:
        time: of the export.
        actor: who asked for it.
        verdict: what verification found just before.
        selection: which cases, in words.
        rows: one line a case, in the order of the pages; the first `MOST_ROWS`.
        cases: number of all cases.
        deidentified: whether names, dates and free text were replaced or left out.
    """

    time: datetime
    actor: str
    verdict: Verdict
    selection: str
    rows: tuple[SummaryRow, ...]
    cases: int
    deidentified: bool = False


@dataclass(frozen=True)
class Standing:
    """Where the record of one case stood when its PDF was made.

    Attributes:
        time: of the PDF.
        actor: who asked for it.
        events, head: number and hash of the last event of the ledger.
        signed, key: events under the last signed head (0: none), and digest of its key, or "".
    """

    time: datetime
    actor: str
    events: int
    head: str
    signed: int
    key: str


def printed_case(standing: Standing, page: CasePage | AbsentCase, events: Iterable[bytes]) -> bytes:
    """The pages that the report of an export has for one case, under a head of their own.

    Args:
        standing: of the record.
        page: the case.
        events: content of `EVENTS`: those of the case.

    Raises:
        StoreError: if typst cannot set even what surrounds the case.
    """
    front = {**_created(standing.time), **asdict(standing), "time": ""}
    return _set(front, [page], {EVENTS: events}, None)


def printed(
    front: Front,
    pages: Iterable[CasePage | AbsentCase],
    attached: Mapping[str, Iterable[bytes]],
    known: Iterable[Card] = (),
) -> bytes:
    """The report. A character that no font has is shown as a question mark, and a case that typst
    cannot set has a page that says so.

    Args:
        front: the cover.
        pages: the cases.
        attached: content of `EVENTS` and of `MANIFEST`.
        known: cards of the models that are here; those that the cases name are printed.

    Raises:
        StoreError: if typst cannot set even what surrounds the cases.
    """
    return _set(_front(front), pages, attached, {one.digest: one for one in known})


def _set(
    front: _Data,
    pages: Iterable[CasePage | AbsentCase],
    attached: Mapping[str, Iterable[bytes]],
    known: Mapping[str, Card] | None,
) -> bytes:
    with scratch.folder() as root:
        for name, pieces in attached.items():
            with (root / name).open("wb") as file:
                file.writelines(pieces)
        models: dict[str, str] = {}
        cases = [_case(page, number, root, models) for number, page in enumerate(pages)]
        data: _Data = {"front": front, "cards": [] if known is None else _cards(models, known)}
        data |= {"fonts": FONTS, "notice": RESEARCH_USE}
        data["attached"] = [(name, *_ATTACHED[name]) for name in attached]
        (root / TEMPLATE.name).write_bytes(TEMPLATE.read_bytes())
        try:
            return _compiled(root, data, cases)
        except StoreError:
            _compiled(root, data, [])
        return _compiled(root, data, _set_apart(root, data, cases))


def _set_apart(root: Path, data: _Data, cases: list[_Data]) -> list[_Data]:
    """The cases in order; in place of each that cannot be set, a page that says so."""
    try:
        _compiled(root, data, cases)
    except StoreError as error:
        if len(cases) > 1:
            half = len(cases) // 2
            return _set_apart(root, data, cases[:half]) + _set_apart(root, data, cases[half:])
        said = f"{error.message} All else that the record holds of it is in the export."
        return [asdict(spoiled(case["case_id"], said)) for case in cases]
    return cases


def _compiled(root: Path, data: _Data, cases: list[_Data]) -> bytes:
    text = json.dumps(_shown({**data, "cases": cases}), ensure_ascii=False)
    (root / "report.json").write_text(text, encoding="utf-8")
    nowhere = root / "no-packages"  # packages would come from the network
    compiler = typst.Compiler(
        root / TEMPLATE.name,
        root=root,
        font_paths=typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[FONT_FILES, FONT_FILES / "scripts"],
        ),
        package_path=nowhere,
        package_cache_path=nowhere,
    )
    try:
        made = compiler.compile(format="pdf", pdf_standards=["a-3b"])
    except typst.TypstError as error:
        raise StoreError(
            f"This could not be typeset: {str(error).splitlines()[0][:80].rstrip('.')}.",
            remedy="export fewer cases at a time.",
        ) from None
    if not isinstance(made, bytes):
        raise TypeError("typst did not give one file")
    return made


def _front(front: Front) -> dict[str, Any]:
    return {
        **_created(front.time),
        "actor": front.actor,
        "selection": front.selection,
        "deidentified": front.deidentified,
        "verdict": asdict(front.verdict),
        "rows": [asdict(row) for row in front.rows],
        "cases": front.cases,
        "shown": min(front.cases, MOST_CASES),
    }


def _created(time: datetime) -> dict[str, Any]:
    utc = time.astimezone(UTC)
    date = [utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second]
    return {"created": moment(time), "date": date}


def _case(
    page: CasePage | AbsentCase, number: int, root: Path, models: dict[str, str]
) -> dict[str, Any]:
    if isinstance(page, AbsentCase):
        return asdict(page)
    shown = {f.name: getattr(page, f.name) for f in fields(page) if f.name not in _NOT_SHOWN}
    made = (*((page.assessment,) if page.assessment else ()), *page.beside)
    models.update({one.model.digest: one.model.name for one in made})
    model = page.assessment.model if page.assessment else None
    marked = [asdict(one) for one in page.marked]
    pictures = [asdict(picture) for picture in page.pictures]
    everything = pictures + [picture for one in marked for picture in one["pictures"]]
    for count, picture in enumerate(everything):
        for layer, image in enumerate([picture, *picture["layers"]]):
            kind, _, data = image.pop("uri").partition(",")
            image["file"] = f"picture-{number}-{count}-{layer}.{_ENDINGS[kind]}"
            (root / image["file"]).write_bytes(base64.b64decode(data))
    return {
        **_plain(shown),
        "pictures": pictures,
        "marked": marked,
        "model": asdict(model) if model else None,
        "used": [words(name) for name in page.assessment.used] if page.assessment else [],
        "signatures": [_signature(e) for e in page.trail if e.kind in _SIGNED],
        "trail": [[e.sequence, moment(e.time), e.actor, e.kind, e.hash] for e in page.trail],
        "problem": "",
    }


_SIGNED = {"SIGNED": "signed", "AMENDED": "reopened", "ADJUDICATED": "adjudicated"}


def _signature(event: AuditEvent) -> dict[str, Any]:
    payload = event.payload
    meaning = signature.MEANINGS.get(str(payload.get("meaning")), "")
    if event.kind == "AMENDED":
        meaning = signature.AMEND_REASONS.get(str(payload.get("reason")), "")
    if event.kind == "ADJUDICATED":
        meaning = "present: " + (", ".join(map(words, payload["present"])) or "none")
    return {
        "what": _SIGNED[event.kind],
        "name": event.actor,
        "role": str(payload.get("role", "")),
        "time": moment(event.time),
        "meaning": meaning,
        "sequence": event.sequence,
    }


def _cards(models: Mapping[str, str], known: Mapping[str, Card]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "digest": digest,
            "blocks": [asdict(b) for b in card_blocks.blocks(known[digest].words)]
            if digest in known
            else [],
        }
        for digest, name in models.items()
    ]


def _plain(value: Any) -> Any:
    """The same value without dataclasses."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _shown(value: Any) -> Any:
    """The same values with texts that the fonts can draw."""
    match value:
        case str():
            return breakable(drawable(value, REGULAR, *SCRIPTS))
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
        case _:
            return value
