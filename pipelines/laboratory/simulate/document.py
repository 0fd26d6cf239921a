"""docs/simulation.md, written from the table of priors and likelihoods it describes.

    python -m pipelines.laboratory.simulate.document

The prose stands in simulation.md.jinja beside this file; every number in the tables comes from
likelihoods.toml, so the page cannot say what the clinic does not do. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.laboratory.simulate import design, history, likelihoods, notes
from pipelines.laboratory.simulate.clinic import LABELS
from pipelines.laboratory.simulate.likelihoods import Analyte, Likelihoods

PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"


def document(table: Likelihoods) -> str:
    """The page for `table`, as Markdown."""
    # Markdown for people's editors, not HTML for a browser: nothing is escaped.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"pairs": _pairs, "effects": _effects, "base": _base}
    sources = _sources(table)
    return environment.get_template("simulation.md.jinja").render(
        table=table,
        labels=LABELS,
        entries=len(sources),
        assumed=sum(source.startswith("assumption") for source in sources),
        phrases=_phrase_count(),
        habits={
            "told": notes.TOLD,
            "denied": notes.DENIED,
            "misheard": notes.MISHEARD,
            "symptom_coded": history.SYMPTOM_CODED,
            "absence_coded": history.ABSENCE_CODED,
            "shortcut_with": design.SHORTCUT_WITH,
            "shortcut_without": design.SHORTCUT_WITHOUT,
        },
    )


def _sources(table: Likelihoods) -> list[str]:
    """The source of every entry."""
    return [
        *(entry.source for entry in table.conditions.values()),
        *(entry.source for entry in table.background.values()),
        *(entry.source for entry in table.signs.values()),
        *(entry.source for entry in table.panels.values()),
        *(entry.source for entry in table.analytes.values()),
        *(entry.source for entry in table.image.values()),
        *(entry.source for entry in table.sites.values()),
    ]


def _phrase_count() -> int:
    def count(value: object) -> int:
        if isinstance(value, Mapping):
            return sum(count(item) for item in value.values())
        return len(value) if isinstance(value, list) else 1

    return count(notes.phrases())


def _pairs(numbers: Mapping[str, float]) -> str:
    """Name and number, for a cell of a table."""
    return ", ".join(f"{name} {number:g}" for name, number in numbers.items()) or "-"


def _effects(analyte: Analyte) -> str:
    """What each illness does to an analyte: a factor, or a shift with its sign."""
    if analyte.scale == "linear":
        return ", ".join(f"{k} {v:+g}" for k, v in analyte.given.items()) or "-"
    return ", ".join(f"{k} x{v:g}" for k, v in analyte.given.items()) or "-"


def _base(analyte: Analyte) -> str:
    """Centre and spread between persons."""
    if analyte.scale == "derived":
        return f"derived, spread {analyte.spread:g}"
    if analyte.scale == "linear":
        return f"{analyte.base:g} ± {analyte.spread:g}"
    if analyte.scale == "gap":
        return f"{analyte.ceiling:g} - {analyte.base:g} x/ e^{analyte.spread:g}"
    return f"{analyte.base:g} x/ e^{analyte.spread:g}"


if __name__ == "__main__":
    PAGE.write_text(document(likelihoods.load()), encoding="utf-8")
