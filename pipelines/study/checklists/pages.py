"""`checklists.html` and `checklists.json`: published checklists, filled in as far as possible.

The page loads nothing, has no script, and looks like the report. What only a person can write is
not written here: it stands in a list of its own at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clinical.wording import RESEARCH_USE
from pipelines.reports import html
from pipelines.study.checklists.checklist import ADD, WRITE, Filled, checklists, fill
from pipelines.study.checklists.finished import Finished

FORMAT = "triptych.checklists/1"
TEMPLATE = Path(__file__).with_name("checklists.html.jinja")
STYLES = Path(__file__).with_name("checklists.css")
HTML, JSON = "checklists.html", "checklists.json"


def files(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The filled lists for reading and for machines: name to content, the same in every rerun.

    Args:
        metrics: `metrics.json` (`pipelines.study.metrics_json`).
        manifest: `manifest.json` (`pipelines.study.manifest`).
    """
    study = Finished(metrics, manifest)
    filled = [fill(checklist, study) for checklist in checklists()]
    return {HTML: _page(study, filled).encode(), JSON: _json(study, filled).encode()}


def _page(study: Finished, filled: list[Filled]) -> str:
    return html.rendered(
        TEMPLATE,
        looks=(html.STYLES, STYLES),
        name=study.study["name"],
        digest=study.digest("metrics.json"),
        lists=filled,
        marks={True: ADD, False: WRITE},
    )


def _json(study: Finished, filled: list[Filled]) -> str:
    found = {
        "notice": RESEARCH_USE,
        "format": FORMAT,
        "study": study.study["name"],
        "metrics_sha256": study.digest("metrics.json"),
        "lists": [_list(one) for one in filled],
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _list(filled: Filled) -> dict[str, Any]:
    checklist = filled.checklist
    return {
        "name": checklist.name,
        "source": checklist.source,
        "link": checklist.link,
        "published_entries": checklist.entries,
        "known_entries": len(filled.answers),
        "filled": filled.count("filled"),
        "in_part": filled.count("in part"),
        "to_write": filled.count("to write"),
        "caution": filled.caution,
        "items": [
            {
                "number": answer.item.number,
                "section": answer.item.section,
                "asks": answer.item.asks,
                "status": answer.status,
                "text": answer.text,
                "a_person_must_write": answer.hint,
            }
            for answer in filled.answers
        ],
    }
