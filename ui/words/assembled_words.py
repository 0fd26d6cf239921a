"""How a case was put together from what arrived, in words: what the record of its import says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from clinical.wording import counted

RULES: Mapping[str, tuple[str, str]] = {
    "modalities": ("Modality of the film", "{}"),
    "regions": ("Region of the film", "{}"),
    "region_unstated": ("Films without a region", "{}"),
    "one_case": ("One case", "one {}"),
    "views_minutes": ("Further views", "up to {} minutes after the first film"),
    "decision": ("Decision", "{}"),
    "decision_minutes": ("Added to it", "{} minutes"),
    "wait_seconds": ("Wait for further views", "{} seconds"),
    "laboratory_hours": ("Laboratory values", "of the last {} hours"),
    "vital_hours": ("Vital signs", "of the last {} hours"),
    "note_days": ("Notes", "of the last {} days"),
    "history_days": ("History", "recorded in the last {} days"),
    "ecg_hours": ("Electrocardiograms", "of the last {} hours"),
    "ecg_alone": ("Electrocardiograms without a film", "{}"),
    "prior_days": ("Earlier films", "of the last {} days"),
    "prior_films": ("Earlier films", "at most {}"),
    "late_hours": ("What arrives later", "makes a new version for {} hours"),
    "told_later": ("Results of before the film that are told after it", "{}"),
    "preliminary": ("Results that are not final", "{}"),
    "time_zone": ("Films without a time zone", "{}"),
}
"""Rule to what it is called, and how its value reads; those of a hospital's own systems are in no
record (`clinical.exchange.assembly_rules.LOCAL`)."""

_SAID: Mapping[str, Mapping[Any, str]] = {
    "region_unstated": {False: "make no case", True: "make a case"},
    "ecg_alone": {False: "make no case", True: "make a case"},
    "preliminary": {False: "are not used", True: "are used"},
    "decision": {"film": "when the last film was taken", "arrival": "when the last film arrived"},
    "told_later": {"new version": "move the decision", "leave out": "are left out"},
}
_WITHOUT_LIMIT = {
    **dict.fromkeys(
        ("laboratory_hours", "vital_hours", "note_days", "ecg_hours", "prior_days"), "of any age"
    ),
    "history_days": "recorded at any time",
}


def sentence(assembled: Mapping[str, Any], decision: datetime | None) -> str:
    """ "From 1 film of 09:12, 14 results of 08:20 to 09:05; left out: ..."."""
    films = sorted(assembled["films"], reverse=True)
    parts = [_timed("films", films, decision)] if films else []
    results = assembled["results"]
    if results["count"]:
        span = [results["first"], results["last"]]
        parts.append(_timed("results", span, decision, results["count"]))
    for key, name in (
        ("history", "items of history"),
        ("notes", "notes"),
        ("priors", "films of earlier visits"),
        ("recordings", "electrocardiograms"),
    ):
        if assembled.get(key):
            parts.append(counted(assembled[key], name))
    said = f"From {', '.join(parts)}."
    if assembled["moved"] and decision:
        when = _clock(decision - timedelta(minutes=assembled["moved"]), decision)
        said += f" The decision moved from {when} to {decision:%H:%M}, when the last result of"
        said += " before the film was told."
    left = [f"{counted(count, name)} {why}" for name, why, count in assembled["left_out"]]
    return said + (f" Left out: {', '.join(left)}." if left else "")


def rules(assembled: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The rules that the case was put together by: what each is called, and what it says."""
    kept = assembled["rules"]
    for name, (called, reads) in RULES.items():
        if name in kept:
            yield called, _read(name, reads, kept[name])


def _read(name: str, reads: str, value: Any) -> str:
    if not value and name in _WITHOUT_LIMIT:
        return _WITHOUT_LIMIT[name]
    if name in _SAID:
        return _SAID[name].get(value, str(value))
    if isinstance(value, list):
        return reads.format(", ".join(value))
    return reads.format(f"{value:g}" if isinstance(value, float) else value)


def _timed(name: str, minutes: list[int], decision: datetime | None, count: int = 0) -> str:
    said = counted(count or len(minutes), name)
    if decision is None or not minutes:
        return said
    first, last = _ends(minutes, decision)
    return f"{said} of {first}" + (f" to {last}" if last != first else "")


def _ends(minutes: list[int], decision: datetime) -> tuple[str, str]:
    first, last = (decision - timedelta(minutes=end) for end in (minutes[0], minutes[-1]))
    return _clock(first, decision), _clock(last, decision)


def _clock(moment: datetime, decision: datetime) -> str:
    """The hour, with its day where that is not the day of the decision."""
    return f"{moment:%H:%M}" if moment.date() == decision.date() else f"{moment:%Y-%m-%d %H:%M}"
