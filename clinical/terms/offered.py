"""What is offered while somebody types a measurement: its names, its units, how they convert."""

from __future__ import annotations

from functools import cache

from clinical.terms.loinc import Term, candidates, nearest, terms

SHOWN_NAMES = 8


@cache
def measurements() -> dict[str, str]:
    """LOINC code to name, code and further names, so that a search finds any of them."""
    return {term.code: _words(term) for term in terms()}


def units(code_or_name: str) -> dict[str, str]:
    """Unit that a measurement comes in, its own first, to that unit with its conversion in words.

    Empty for what no table knows.
    """
    found = candidates(code_or_name)
    return {unit: _converted(term, unit) for term in found for unit in term.accepted}


def meant(code_or_name: str) -> str:
    """What a name is taken for: "C-reactive protein (1988-5)", or what else it may be."""
    found = candidates(code_or_name)
    if len(found) == 1:
        return f"{found[0].name} ({found[0].code}), kept in {found[0].unit}"
    if found:
        named = ", ".join(term.name for term in found)
        return f"One of {named}; its unit decides"
    near = nearest(code_or_name)
    unknown = "Not in the table of measurements: it will be kept and not used"
    return f"{unknown}. Is {near} meant?" if near else unknown


def _words(term: Term) -> str:
    names = (*term.aliases, *term.shared_names)
    return " · ".join((term.name, term.code, ", ".join(names[:SHOWN_NAMES]))).rstrip(" ·")


def _converted(term: Term, unit: str) -> str:
    line = term.lines[unit]
    if line.slope == 1 and line.intercept == 0:
        return unit if unit == term.unit else f"{unit} (the same as {term.unit})"
    added = float(line.intercept)
    shift = f" {'+' if added > 0 else '−'} {abs(added):.5g}" if added else ""
    return f"{unit} (× {float(line.slope):.5g}{shift} = {term.unit})"
