"""The files of a reader study's report: for reading, for print, and every figure as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clinical.workspace import own_file
from pipelines.reader_study.document import document
from pipelines.reader_study.findings import Found
from pipelines.reports import html, pdf

PAGE, PRINT, NUMBERS = "reader_study.html", "reader_study.pdf", "reader_study.json"
VERSION = "1.0"


def write(out: Path, found: Found, notes: Sequence[str]) -> None:
    """Write the three files; the same findings give the same bytes.

    Raises:
        StoreError: if they cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    written = document(found, notes)
    own_file.write(out / PAGE, html.page(written))
    own_file.write(out / PRINT, pdf.printed(written))
    numbers = json.dumps(_numbers(found, notes), indent=2, ensure_ascii=False) + "\n"
    own_file.write(out / NUMBERS, numbers)


def _numbers(found: Found, notes: Sequence[str]) -> dict[str, Any]:
    study = found.study
    return {
        "version": VERSION,
        "readers": list(study.readers),
        "conditions": list(study.conditions),
        "cases": len(study.cases),
        "with_the_diagnosis": int(study.truth.sum()),
        "mistakes": int(study.mistake.sum()),
        "left_out": study.left_out,
        "notes": list(notes),
        "figures": {
            name: asdict(one) | {"figures": one.figures.tolist()}
            for name, one in found.figures.items()
        },
        "changes": {name: [asdict(one) for one in own] for name, own in found.changes.items()},
        "next": [asdict(size) for size in found.next],
    }
