"""`checklists.html` and `checklists.json`: published lists, filled as far as a study knows.

The page loads nothing, has no script, and looks like the report. What only a person can write is
not written here: it stands in a list of its own at the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clinical.wording import RESEARCH_USE
from pipelines.study import report
from pipelines.study.checklists.checklist import ADD, HERE, WRITE, Filled, checklists, fill
from pipelines.study.checklists.finished import Finished

FORMAT = "triptych.checklists/1"
TEMPLATE, STYLES = "checklists.html.jinja", "checklists.css"
HTML, JSON = "checklists.html", "checklists.json"


def files(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """The filled lists for reading and for machines: name to content, the same in every rerun.

    Args:
        metrics: `metrics.json` (`pipelines.study.judging`).
        manifest: `manifest.json` (`pipelines.study.manifest`).
    """
    study = Finished(metrics, manifest)
    filled = [fill(checklist, study) for checklist in checklists()]
    return {HTML: _page(study, filled).encode(), JSON: _json(study, filled).encode()}


def _page(study: Finished, filled: list[Filled]) -> str:
    own = (report.HERE / report.STYLES, HERE / STYLES)
    styles = "\n".join(file.read_text(encoding="utf-8") for file in own)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(
        name=study.study["name"],
        digest=study.digest("metrics.json"),
        lists=filled,
        marks={True: ADD, False: WRITE},
        research_use=RESEARCH_USE,
        policy=report.policy(styles),
        styles=Markup(styles),  # noqa: S704  (our own files, and the policy holds their digest)
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
