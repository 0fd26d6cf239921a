"""What somebody could try with an export on its way, who does not have the key.

`CONTENT` change files of it, `BYTES` the ZIP itself. Those that mend the manifest do what a forger
would who has read the verifier.
"""

from __future__ import annotations

import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.audit import ledger

Content = dict[str, bytes]
Edit = Callable[[Content], Any]

FILES = (
    "report.pdf", "events.jsonl", "assessments.jsonl", "cases.jsonl", "comments.jsonl", "cases.csv",
    "suggestions.csv", "decisions.csv", "events.csv", "fhir/bundle.json", "heads.json",
    "proofs.json", "verify.py",
)  # fmt: skip


def read(place: Path) -> Content:
    with zipfile.ZipFile(place) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(place: Path, content: Content, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return place


def pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def mend(content: Content) -> None:
    """Give the manifest the digests of the files as they are, and the receipt the manifest's."""
    manifest = json.loads(content["manifest.json"])
    manifest["files"] = {
        name: canonical.sha256(data)
        for name, data in content.items()
        if name not in ("manifest.json", "receipt.json")
    }
    change_manifest(content, lambda _: manifest)


def change_manifest(content: Content, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = json.loads(content["manifest.json"])
    content["manifest.json"] = pretty(change(manifest) or manifest)
    if "receipt.json" in content:
        change_receipt(
            content,
            lambda r: r["event"]["payload"].update(
                manifest=canonical.sha256(content["manifest.json"])
            ),
        )


def change_receipt(content: Content, change: Callable[[dict[str, Any]], Any]) -> None:
    receipt = json.loads(content["receipt.json"])
    change(receipt)
    receipt["event"]["hash"] = ledger.event_hash(receipt["event"])
    content["receipt.json"] = pretty(receipt)


def change_events(content: Content, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Change events, chain them anew, and mend what names them."""
    events = [json.loads(line) for line in content["events.jsonl"].splitlines()]
    change(events)
    previous = "0" * 64
    for number, event in enumerate(events, 1):
        event.update(sequence=number, previous=previous)
        event["hash"] = previous = ledger.event_hash(event)
    content["events.jsonl"] = b"".join(canonical.dumps(event) + b"\n" for event in events)
    mend(content)
    end = {"sequence": len(events), "hash": previous}
    change_manifest(content, lambda m: m.update(head=end))


def replace_in(name: str, old: bytes, new: bytes, *, mended: bool = True) -> Edit:
    def edit(content: Content) -> None:
        assert old in content[name], (name, old)
        content[name] = content[name].replace(old, new, 1)
        if mended:
            mend(content)

    return edit


def in_events(kind: str, **changes: Any) -> Edit:
    """Change the payload of the last event of a kind, or its fields."""

    def change(events: list[dict[str, Any]]) -> None:
        event = next(event for event in reversed(events) if event["kind"] == kind)
        for name, value in changes.items():
            (event if name in event else event["payload"])[name] = value

    return lambda content: change_events(content, change)


def of_each_file(name: str) -> dict[str, Edit]:
    def appended(content: Content) -> None:
        content[name] += b" "

    def appended_and_mended(content: Content) -> None:
        appended(content)
        mend(content)

    def emptied(content: Content) -> None:
        content[name] = b""
        mend(content)

    def removed(content: Content) -> None:
        del content[name]

    def removed_and_mended(content: Content) -> None:
        del content[name]
        mend(content)

    edits = (appended, appended_and_mended, emptied, removed, removed_and_mended)
    return {f"{name} {edit.__name__}": edit for edit in edits}


CONTENT: dict[str, Edit] = {
    **{what: edit for name in FILES for what, edit in of_each_file(name).items()},
    "a file put in": lambda c: c.update({"more.csv": b"x"}),
    "a file put in and mended": lambda c: (c.update({"more.csv": b"x"}), mend(c)),
    "accept into reject": in_events("DECIDED", action="reject", reason="lab_explains"),
    "another signer": in_events("SIGNED", name="dr.bob", actor="dr.bob"),
    "another role": in_events("SIGNED", role="adjudicator"),
    "another last word": in_events("ADJUDICATED", present=[]),
    "an earlier time": in_events("SIGNED", time="2025-01-01T00:00:00.000000+00:00"),
    "another account": in_events("ACCOUNT", role="administrator"),
    "an event less": lambda c: change_events(c, lambda e: e.pop(5)),
    "an event more": lambda c: change_events(c, lambda e: e.insert(5, dict(e[4]))),
    "two events swapped": lambda c: change_events(c, lambda e: e.insert(5, e.pop(6))),
    "the end cut off": lambda c: change_events(c, lambda e: e.__delitem__(slice(-9, None))),
    "a patient": replace_in("cases.jsonl", b"patient of case-2", b"patient of case-1"),
    "a site": replace_in("cases.jsonl", b'"site":"A"', b'"site":"B"'),
    "a value": replace_in("cases.jsonl", b"184.0", b"4.0"),
    "a value written as a whole number": replace_in("cases.jsonl", b"184.0", b"184"),
    "a value written with an exponent": replace_in("cases.jsonl", b"184.0", b"1840e-1"),
    "a probability": replace_in("assessments.jsonl", b"0.83", b"0.13"),
    "a comment": replace_in("comments.jsonl", b"Typical.", b"Untypical."),
    "a comment in another Unicode form": replace_in("comments.jsonl", b"Typical", b"T\\u0079pical"),
    "a note": replace_in("comments.jsonl", b"Ask for the lateral.", b"No need of anything"),
    "a note moved": in_events("NOTED", case_id="case-1"),
    "another author of a note": in_events("NOTED", actor="dr.bob"),
    "a withdrawal of another note": in_events("NOTE_WITHDRAWN", takes_back=1),
    "a correction": replace_in("cases.jsonl", b'"site":"B"', b'"site":"C"'),
    "what a correction corrects": in_events("IMPORTED", corrects="ab" * 32),
    "who corrected": in_events("IMPORTED", actor="dr.bob"),
    "an entry of a block": in_events("OPENED", actor="dr.chief"),
    "the digest of a printed case": in_events("EXPORTED", pdf="cd" * 32),
    "a table": replace_in("decisions.csv", b"accept", b"reject"),
    "the report": replace_in("report.pdf", b"%PDF-1.7", b"%PDF-1.6"),
    "the FHIR bundle": replace_in("fhir/bundle.json", b"0.83", b"0.13"),
    "a number of an event as 1.0": replace_in("events.jsonl", b'"sequence":1,', b'"sequence":1.0,'),
    "a number of an event as 1e0": replace_in("events.jsonl", b'"sequence":1,', b'"sequence":1e0,'),
    "a key of an event twice": replace_in("events.jsonl", b'{"actor"', b'{"actor":"x","actor"'),
    "a space in an event": replace_in("events.jsonl", b'{"actor":', b'{"actor": '),
    "a letter of an event escaped": replace_in("events.jsonl", b'"boss"', b'"b\\u006fss"'),
    "a blank line": lambda c: (c.update({"events.jsonl": b"\n" + c["events.jsonl"]}), mend(c)),
    "a size of a head as 1.0": replace_in("heads.json", b'"size": 1,', b'"size": 1.0,'),
    "a size of a head as true": replace_in("heads.json", b'"size": 1,', b'"size": true,'),
    "a head twice": lambda c: (
        c.update({"heads.json": pretty([h for h in json.loads(c["heads.json"]) for _ in "12"])}),
        mend(c),
    ),
    "no heads": lambda c: (c.update({"heads.json": b"[]\n"}), mend(c)),
    "who exported": lambda c: change_manifest(c, lambda m: m.update(actor="nobody")),
    "when it was exported": lambda c: change_manifest(c, lambda m: m.update(created="2020")),
    "what it holds": lambda c: change_manifest(c, lambda m: m.update(cases=["case-1"])),
    "the verdict": lambda c: change_manifest(c, lambda m: m["verdict"].update(intact=1)),
    "called de-identified": lambda c: change_manifest(c, lambda m: m.update(de_identified=True)),
    "the manifest alone": replace_in("manifest.json", b'"auditor"', b'"nobody!"', mended=False),
    "no manifest": lambda c: c.pop("manifest.json"),
    "no receipt": lambda c: c.pop("receipt.json"),
    "who is in the receipt": lambda c: change_receipt(c, lambda r: r["event"].update(actor="x")),
    "when is in the receipt": lambda c: change_receipt(c, lambda r: r["event"].update(time="x")),
    "the head of the receipt": lambda c: change_receipt(c, lambda r: r["head"].update(size=9)),
    "the time of its head": lambda c: change_receipt(c, lambda r: r["head"].update(time="x")),
    "the path of the receipt": lambda c: change_receipt(c, lambda r: r["path"].pop()),
    "a space in the receipt": replace_in("receipt.json", b"{", b"{ ", mended=False),
    "a key of the receipt twice": replace_in(
        "receipt.json", b'"kind"', b'"kind": "OPENED", "kind"', mended=False
    ),
    "a letter of the receipt escaped": replace_in(
        "receipt.json", b'"EXPORTED"', b'"EXPORTE\\u0044"', mended=False
    ),
    "deep nesting": lambda c: c.update({"receipt.json": b"[" * 200_000}),
    "a huge number": lambda c: c.update({"receipt.json": b"1" * 5_000_000}),
    "no number": lambda c: c.update({"receipt.json": b'{"event": NaN}'}),
    "no UTF-8": lambda c: c.update({"receipt.json": b"\xff\xfe"}),
    "half of a character": replace_in("receipt.json", b'"auditor"', b'"\\ud800"', mended=False),
}


def raw_zip(content: Content) -> bytearray:
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return bytearray(memory.getvalue())


def named(content: Content, name: str, data: bytes = b"x", **fields: Any) -> bytes:
    """The ZIP with one more entry of that name."""
    memory = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of two entries of one name
        for other, held in content.items():
            archive.writestr(other, held)
        info = zipfile.ZipInfo(name)
        for field, value in fields.items():
            setattr(info, field, value)
        archive.writestr(info, data)
    return memory.getvalue()


def before(content: Content) -> bytes:
    return b"#!/bin/sh\n" + bytes(raw_zip(content))


def after(content: Content) -> bytes:
    return bytes(raw_zip(content)) + b"more"


def between(content: Content) -> bytes:
    """Bytes between the last file and the directory, which begins later by as many."""
    data = raw_zip(content)
    end = data.rindex(b"PK\5\6")
    (start,) = struct.unpack("<L", data[end + 16 : end + 20])
    data[end + 16 : end + 20] = struct.pack("<L", start + 7)
    return bytes(data[:start] + b"between" + data[start:])


def another_local_name(content: Content) -> bytes:
    """A name in front of the file that differs from that in the directory."""
    data = raw_zip(content)
    place = data.index(b"report.pdf")
    data[place : place + 10] = b"report.pdx"
    return bytes(data)


def unlisted(content: Content) -> bytes:
    """A file that the directory does not list, in front of the others."""
    hidden = raw_zip({"hidden.txt": b"hidden"})
    local = hidden[: hidden.index(b"PK\1\2")]
    data = raw_zip(content)
    end = data.rindex(b"PK\5\6")
    (start,) = struct.unpack("<L", data[end + 16 : end + 20])
    place = start
    while data[place : place + 4] == b"PK\1\2":
        name, extra, comment = struct.unpack("<HHH", data[place + 28 : place + 34])
        (offset,) = struct.unpack("<L", data[place + 42 : place + 46])
        data[place + 42 : place + 46] = struct.pack("<L", offset + len(local))
        place += 46 + name + extra + comment
    data[end + 16 : end + 20] = struct.pack("<L", start + len(local))
    return bytes(local + data)


def a_comment(content: Content) -> bytes:
    memory = BytesIO(bytes(raw_zip(content)))
    with zipfile.ZipFile(memory, "a") as archive:
        archive.comment = b"THE RECORD IS INTACT."
    return memory.getvalue()


def spoiled_stream(content: Content) -> bytes:
    """Bytes that no packer writes, in the place of a file."""
    data = raw_zip(content)
    place = data.index(b"manifest.json") + len("manifest.json")
    data[place : place + 8] = b"\xff" * 8
    return bytes(data)


def cut_short(content: Content) -> bytes:
    data = raw_zip(content)
    return bytes(data[: len(data) // 2])


def a_bomb(content: Content) -> bytes:
    return named(content, "report2.pdf", bytes(80_000_000), compress_type=zipfile.ZIP_DEFLATED)


def a_flag(content: Content, flag: int) -> bytes:
    """A flag in front of a file, which another program may heed."""
    data = raw_zip(content)
    data[6:8] = struct.pack("<H", flag)
    return bytes(data)


def another_extra(content: Content) -> bytes:
    """A field that gives a file another name in some programs (Info-ZIP, 0x7075)."""
    name = b"other.pdf"
    body = b"\1" + struct.pack("<L", zlib.crc32(b"report2.pdf")) + name
    return named(content, "report2.pdf", extra=struct.pack("<HH", 0x7075, len(body)) + body)


BYTES: dict[str, Callable[[Content], bytes]] = {
    "bytes before it": before,
    "bytes after it": after,
    "bytes between": between,
    "another local name": another_local_name,
    "an unlisted file": unlisted,
    "a comment of the ZIP": a_comment,
    "a comment of a file": lambda c: named(c, "x.txt", comment=b"x"),
    "a name twice": lambda c: named(c, "events.jsonl"),
    "a name in capitals": lambda c: named(c, "EVENTS.JSONL"),
    "a name above": lambda c: named(c, "../events.jsonl"),
    "a name from the root": lambda c: named(c, "/etc/events.jsonl"),
    "a name with a backslash": lambda c: named(c, "fhir\\bundle.json"),
    "a name in another script": lambda c: named(c, "еvents.jsonl"),
    "a name in two Unicode forms": lambda c: named(c, "e\u0301vents.jsonl"),
    "a name that clears the screen": lambda c: named(c, "\x1b[2JTHE RECORD IS INTACT."),
    "a name with a line end": lambda c: named(c, "x\nTHE RECORD IS INTACT."),
    "a folder": lambda c: named(c, "folder/", b""),
    "a spoiled stream": spoiled_stream,
    "cut short": cut_short,
    "a bomb": a_bomb,
    "a flag for encryption": lambda c: a_flag(c, 1),
    "a flag for sizes that follow": lambda c: a_flag(c, 8),
    "another extra field": another_extra,
    "nothing": lambda _: b"",
    "no ZIP": lambda _: b"no zip at all" * 99,
}
