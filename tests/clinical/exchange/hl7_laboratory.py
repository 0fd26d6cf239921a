"""A laboratory that sends ORU^R01 as laboratories do, and knows what each message says.

The results and what has to be read of them are rows of tests/spec/hl7_results.csv; a seed decides
which of them a message holds, and how its sender writes: marks, line ends, character set, time
zone, segments in between.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_TABLE = Path(__file__).parents[2] / "spec" / "hl7_results.csv"
ROWS = list(csv.DictReader(_TABLE.read_text(encoding="utf-8").splitlines()))
BERLIN = ZoneInfo("Europe/Berlin")
PATIENT = "4711-0815"
NAME = "Mustermann"

_CHARSETS = {"UNICODE UTF-8": "utf-8", "": "utf-8", "ASCII": "utf-8", "8859/1": "latin-1"}
_MARKS = ("|^~\\&", "|^~\\&", "|^~\\&", "!@~\\&", "|$%*#")
_ESCAPED = ("\\F\\", "\\S\\", "\\T\\", "\\b")


@dataclass(frozen=True)
class Fact:
    """What has to be read of one OBX."""

    place: str
    code: str
    system: str
    value: str
    unit: str
    status: str
    time: datetime


@dataclass(frozen=True)
class Sent:
    """A message, and what it says by its making."""

    data: bytes
    facts: tuple[Fact, ...]
    refused: tuple[str, ...]


def message(seed: int) -> Sent:
    """Message number `seed`."""
    rng = random.Random(seed)
    charset = rng.choice(list(_CHARSETS))
    # The clock is put forward in the night in between.
    sent = datetime(2024, 3, 30, tzinfo=UTC) + timedelta(hours=rng.uniform(0, 48))
    sent = sent.astimezone(BERLIN)
    zoned = rng.random() < 0.5
    lines = [_header(sent, zoned, charset, seed), *_patient(rng)]
    facts: list[Fact] = []
    refused: list[str] = []
    at = 0
    for order in range(rng.randint(1, 3)):
        taken = _before(sent, rng.randint(30, 2000))
        lines += _order(rng, f"F{seed}-{order}", taken)
        for number, row in enumerate(rng.sample(ROWS, rng.randint(1, 9)), start=1):
            at += 1
            line, fact = _result(rng, row, (number, at), taken)
            lines += [line, *_between(rng)]
            facts += [fact] if fact else []
            refused += [row["refused"].format(at=at)] if row["refused"] else []
        lines += ["SPM|1|||SER^Serum^HL70487"] if rng.random() < 0.5 else []
    text = rng.choice(("\r", "\r", "\r\n", "\n")).join(lines)
    if not any(mark in text for mark in ("10^9/L", "&lt;", *_ESCAPED)):  # which mean these letters
        text = text.translate(str.maketrans("|^~\\&", rng.choice(_MARKS)))
    data = text.encode(_CHARSETS[charset])
    data = rng.choice((b"", b"\xef\xbb\xbf", b"\x0b")) + data + rng.choice((b"", b"\r", b"\x1c\r"))
    return Sent(data, tuple(facts), tuple(refused))


def _before(time: datetime, minutes: int) -> datetime:
    return (time.astimezone(UTC) - timedelta(minutes=minutes)).astimezone(BERLIN)


def _header(sent: datetime, zoned: bool, charset: str, seed: int) -> str:
    stamp = sent.strftime("%Y%m%d%H%M%S") + (sent.strftime("%z") if zoned else "")
    return (
        rf"MSH|^~\&|LAB|CLINIC|TRIPTYCH|CLINIC|{stamp}||ORU^R01^ORU_R01|M{seed}|P|2.5.1"
        rf"||||||{charset}"
    )


def _patient(rng: random.Random) -> list[str]:
    own = f"{PATIENT}^^^CLINIC^MR"
    numbers = rng.choice((own, f"{own}~123456789^^^GOV^SS", f"77^^^OTHER^PI~{own}"))
    pid = f"PID|1||{numbers}||{NAME}^Erika||19500229|F"
    return rng.choice(([pid], [pid, "PV1|1|I"], ["SFT|x", pid, "NTE|1||on paper"]))


def _order(rng: random.Random, number: str, taken: datetime) -> list[str]:
    common = [f"ORC|RE|P{number}|{number}^LAB"] if rng.random() < 0.5 else []
    written = taken.strftime("%Y%m%d%H%M") + rng.choice(("", taken.strftime("%z")))
    return [*common, f"OBR|1|P{number}|{number}^LAB|24323-8^Panel^LN|||{written}", "TQ1|1"]


def _result(
    rng: random.Random, row: dict[str, str], numbers: tuple[int, int], taken: datetime
) -> tuple[str, Fact | None]:
    number, at = numbers
    value = f"{rng.uniform(0.1, 300):.{rng.randint(0, 3)}f}"
    words = {"n": number, "v": value, "c": value.replace(".", ",")}
    line = row["obx"].format(**words)
    time = taken.replace(second=0, microsecond=0)
    if row["obx"].count("|") == 11 and rng.random() < 0.3:
        time = _before(time, 7)
        line += "|||" + time.strftime("%Y%m%d%H%M%S.000%z")
    if not row["code"]:
        return line, None
    return line, Fact(
        f"OBX[{at}]",
        row["code"],
        row["system"],
        row["value"].format(**words),
        row["unit"],
        row["status"],
        time,
    )


def _between(rng: random.Random) -> list[str]:
    return rng.choice(([], [], [], ["NTE|1|L|haemolysed?"], ["ZLB|1|local"], [""]))
