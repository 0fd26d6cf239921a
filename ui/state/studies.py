"""Finished studies, as `triptych study run` left them: what a folder holds, read and cached.

Nothing is evaluated again. The files read for tables hold no suppressed groups, only their number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import streamlit as st

from clinical.errors import CohortError

METRICS, PREDICTIONS, FLOW = "metrics.json", "predictions.parquet", "flow.svg"
FIGURES = "figures.json"
FORMAT, FIGURES_FORMAT = "triptych.study-metrics/1", "triptych.study-figures/1"
OURS = "triptych"
Kind = Literal["found", "missed", "false alarm"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ALONE = re.compile(rf"{OURS}: (.+) alone")


@dataclass(frozen=True)
class Example:
    """One tested case of one label, in the first repeat.

    Attributes:
        case_id: pseudonym.
        kind: positive and an alert, positive and none, negative and an alert.
        probability: of the whole model.
        alone: input to what it says by itself, where the case has it.
    """

    case_id: str
    kind: Kind
    probability: float
    alone: Mapping[str, float]


@dataclass(frozen=True)
class Figure:
    """A figure of a study.

    Attributes:
        svg: the SVG document.
        words: what it shows, for one who cannot see it; its name where the study is older than
            figures.json.
        width: in px, or None where the study does not say.
    """

    svg: bytes
    words: str
    width: float | None


def folders(root: Path) -> list[Path]:
    """Folders of finished studies: `root` itself and those directly below it, by name."""
    if not root.is_dir():
        return []
    candidates = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    return [path for path in candidates if (path / METRICS).is_file()]


def metrics(folder: Path) -> Mapping[str, Any]:
    """metrics.json of a study.

    Raises:
        CohortError: if it cannot be read, or is of another format.
    """
    file = folder / METRICS
    return _metrics(file, file.stat().st_mtime_ns)


def figure(folder: Path, name: str) -> Figure | None:
    """An SVG figure and what the study says of it, or None where the study did not draw it.

    Raises:
        CohortError: if figures.json cannot be read, or is of another format.
    """
    file = folder / name
    if not file.is_file():
        return None
    listing = folder / FIGURES
    listed = _listed(listing, listing.stat().st_mtime_ns) if listing.is_file() else {}
    said = listed.get(name, {})
    words = said.get("words", file.stem.replace("-", " "))
    return Figure(file.read_bytes(), str(words), said.get("width"))


def label_figures(folder: Path, label: str) -> list[str]:
    """Names of the figures of one label, in the order of their names."""
    ending = re.escape(label.replace("_", "-").lower())
    pattern = re.compile(rf"\d+-{ending}-[a-z-]+\.svg")
    return _figures(folder, pattern)


def general_figures(folder: Path) -> list[str]:
    """Names of the figures of the whole study."""
    return _figures(folder, re.compile(r"[a-z][a-z-]*\.svg"))


def examples(folder: Path, label: str, each: int) -> tuple[Example, ...]:
    """The clearest cases of each kind, most extreme first, each of another patient.

    Raises:
        CohortError: if predictions.parquet cannot be read.
    """
    file = folder / PREDICTIONS
    if not file.is_file():
        return ()
    return _examples(file, file.stat().st_mtime_ns, label, each)


def _figures(folder: Path, pattern: re.Pattern[str]) -> list[str]:
    drawn = folder / "figures"
    names = sorted(file.name for file in drawn.glob("*.svg") if pattern.fullmatch(file.name))
    return [f"figures/{name}" for name in names]


@st.cache_resource(show_spinner=False, max_entries=8)
def _metrics(file: Path, changed: int) -> Mapping[str, Any]:  # noqa: ARG001  (a key of the cache)
    found = _read(file, FORMAT)
    if found is None:
        raise CohortError(
            f"{file.parent.name} holds no {METRICS} of a study that can be displayed.",
            remedy="run `triptych study run` again with this version",
        )
    return found


@st.cache_resource(show_spinner=False, max_entries=8)
def _listed(file: Path, changed: int) -> Mapping[str, Any]:  # noqa: ARG001  (a key of the cache)
    found = _read(file, FIGURES_FORMAT)
    if found is None:
        raise CohortError(
            f"{file.parent.name} holds no {FIGURES} that can be read.",
            remedy="run `triptych study report` on its folder; it draws the figures again",
        )
    return dict(found["figures"])


def _read(file: Path, format_: str) -> Mapping[str, Any] | None:
    """A JSON object of this format, or None."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("format") == format_ else None


@st.cache_resource(show_spinner=False, max_entries=32)
def _examples(
    file: Path,
    changed: int,  # noqa: ARG001  (a key of the cache)
    label: str,
    each: int,
) -> tuple[Example, ...]:
    try:
        table = pd.read_parquet(file, filters=[("label", "==", label), ("repeat", "==", 0)])
        rows = table[table["method"] == OURS].dropna(
            subset=["boolean_value", "predicted_boolean_value"]
        )
    except (OSError, ValueError, KeyError):
        raise CohortError(
            f"{file.parent.name} holds no {PREDICTIONS} that can be read.",
            remedy="run `triptych study run` again",
        ) from None
    by_case = {str(case_id): part for case_id, part in table.groupby("case_id")}
    picked: list[Example] = []
    for kind in KINDS:
        for case_id, probability in _extreme(rows, kind, each):
            picked.append(Example(case_id, kind, probability, _alone(by_case[case_id])))
    return tuple(picked)


def _extreme(rows: pd.DataFrame, kind: Kind, each: int) -> Sequence[tuple[str, float]]:
    true, alert = rows["boolean_value"].astype(bool), rows["predicted_boolean_value"].astype(bool)
    which = {"found": true & alert, "missed": true & ~alert, "false alarm": ~true & alert}[kind]
    ordered = rows[which].sort_values(
        ["predicted_boolean_probability", "case_id"], ascending=[kind == "missed", True]
    )
    first = ordered.drop_duplicates("patient_id").head(each)
    pairs = zip(first["case_id"], first["predicted_boolean_probability"], strict=True)
    return [(str(case_id), float(probability)) for case_id, probability in pairs]


def _alone(rows: pd.DataFrame) -> dict[str, float]:
    pairs = zip(rows["method"], rows["predicted_boolean_probability"], strict=True)
    found = {}
    for method, probability in pairs:
        if (name := _ALONE.fullmatch(str(method))) and pd.notna(probability):
            found[name[1]] = float(probability)
    return found
