"""From the inbox to the chart: what arrived is read, and what cannot be is set aside.

An object is marked done only when what it says is safe in the chart; a process that is killed in
between reads it again, which changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clinical.dicom.identity import read_identity
from clinical.errors import ImageError, StoreError
from clinical.exchange import fhir_told, films_of_cases, hl7_told
from clinical.exchange.assembly import name_of
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart
from clinical.exchange.facts import Told
from clinical.exchange.hl7_told import USUAL, Habits
from clinical.exchange.inbox import Arrival, Inbox
from clinical.exchange.known import Film

log = logging.getLogger(__name__)


def take_in(
    arrival: Arrival, inbox: Inbox, chart: Chart, rules: Rules, habits: Habits = USUAL
) -> None:
    """Put what one object says into the chart, and mark it done or set it aside.

    Args:
        arrival: the object.
        inbox, chart: from and to.
        rules: of assembly.
        habits: of the senders of HL7 v2.

    Raises:
        StoreError: if the chart or the inbox refuses; the object waits on then.
    """
    try:
        path = inbox.path(arrival)
        if arrival.kind == "dicom":
            done, why = _film(arrival, path, chart, rules)
        else:
            zone = rules.zone
            data = path.read_bytes()
            hl7 = arrival.kind == "hl7"
            said = hl7_told.told(data, zone, habits) if hl7 else fhir_told.told(data, zone)
            done, why = _message(arrival, said, chart)
    except (ImageError, OSError) as error:
        done, why = "", str(error) if isinstance(error, ImageError) else "it cannot be read"
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  (one bad object must not keep the others waiting)
        done, why = "", f"a fault of the program ({type(error).__name__})"
        log.error("arrival %d: %s", arrival.number, why)
    if done:
        inbox.done(arrival, done)
    else:
        inbox.set_aside(arrival, why)


def _film(arrival: Arrival, path: Path, chart: Chart, rules: Rules) -> tuple[str, str]:
    """What a DICOM object became, or why it was set aside."""
    film = Film(arrival.digest, arrival.sender, arrival.received_at, read_identity(path))
    if not film.number.value.strip():
        return "", "The DICOM object names no patient. Send it again with a Patient ID."
    if film.is_ecg:
        chart.see(film, path)
        return "an electrocardiogram", ""
    why = films_of_cases.no_case(film, rules)
    if why:
        return f"makes no case: {why}", ""
    chart.see(film, path)
    return "a film of the chest", ""


def _message(arrival: Arrival, said: Sequence[Told], chart: Chart) -> tuple[str, str]:
    """What a message became, or why it was set aside."""
    of_somebody = [told for told in said if told.person is not None or told.merges]
    refused = [refusal for told in said for refusal in told.refused]
    if not of_somebody:
        why = [f"{r.place}: {r.reason} {r.remedy}".strip() for r in refused]
        return "", "; ".join(why[:3]) or "It says nothing of a patient who can be matched."
    for number, told in enumerate(of_somebody):
        chart.hear(f"{arrival.digest}:{number}", told, arrival.sender, arrival.received_at)
    counts = Counter(name_of(fact) for told in of_somebody for fact in told.facts)
    counts["merges"] = sum(len(told.merges) for told in of_somebody)
    words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
    words = words or "demographics"
    if refused:
        words += f"; not used: {len(refused)}, first {refused[0].place}: {refused[0].reason}"
    return words, ""
