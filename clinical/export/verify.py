"""Check an exported Triptych record. Needs Python 3.8 or later and nothing else.

    python verify.py [FILE.zip or folder] [--key DIGEST]

This file is part of every export and shares no code with Triptych, so that it can be read on its
own; that is why it is one long file. It recomputes every digest, the chain of events, the Merkle
tree (RFC 9162), the Ed25519 signatures (RFC 8032) and what readers signed, and prints a verdict.
Exit code 0 if the record is intact, 1 if not. docs/export.md says what each file is.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

NO_HASH = "0" * 64
HEAD_STATEMENT = "triptych tree head 1"
ROTATION_STATEMENT = "triptych key rotation 1"
OUTSIDE = {"manifest.json", "receipt.json"}  # what the manifest cannot name itself

# The curve of RFC 8032, section 5.1. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]


class Fault(Exception):
    """What is wrong, in words."""


# --- Ed25519 -------------------------------------------------------------------------------------


def added(a: Point, b: Point) -> Point:
    """Sum of two points (RFC 8032, section 5.1.4)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return x * y % P, z * t % P, y * z % P, x * t % P


def times(number: int, point: Point) -> Point:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point = added(point, point)
        number >>= 1
    return total


def packed(point: Point) -> bytes:
    """The 32 bytes of a point."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def unpacked(data: bytes) -> Optional[Point]:
    """The point of 32 bytes, or None if there is none (RFC 8032, section 5.1.3)."""
    value = int.from_bytes(data, "little")
    sign, y = value >> 255, value & (1 << 255) - 1
    if len(data) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


_BASE = unpacked((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def signed(public: str, signature: str, statement: bytes) -> bool:
    """Whether the key made the signature (RFC 8032, section 5.1.7); both hexadecimal."""
    try:
        key, data = bytes.fromhex(public), bytes.fromhex(signature)
    except (ValueError, TypeError):
        return False
    point, scalar = unpacked(key), int.from_bytes(data[32:], "little")
    if point is None or len(data) != 64 or scalar >= ORDER:
        return False
    digest = hashlib.sha512(data[:32] + key + statement).digest()
    factor = int.from_bytes(digest, "little") % ORDER
    negative = (P - point[0], point[1], point[2], P - point[3])
    return packed(added(times(scalar, _BASE), times(factor, negative))) == data[:32]


# --- Digests, chain and tree ---------------------------------------------------------------------


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """The one way a value is written: keys sorted, no spaces, UTF-8."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node of the tree."""
    return hashlib.sha256(b"\1" + left + right).digest()


def grow(peaks: List[bytes], size: int, leaf: bytes) -> None:
    """Append a leaf to a tree of `size` leaves, given the roots of its full subtrees."""
    while size & 1:
        leaf = node(peaks.pop(), leaf)
        size >>= 1
    peaks.append(leaf)


def root(peaks: List[bytes]) -> str:
    """Root of the tree, hexadecimal."""
    top = b""
    for peak in reversed(peaks):
        top = node(peak, top) if top else peak
    return top.hex() if top else sha256(b"")


def included(leaf: bytes, index: int, size: int, path: List[bytes]) -> str:
    """The root that a proof of inclusion leads to, or "" (RFC 9162, section 2.1.3.2)."""
    last = size - 1
    for sibling in path:
        if last == 0:
            return ""
        if index & 1 or index == last:
            leaf = node(sibling, leaf)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = node(leaf, sibling)
        index, last = index >> 1, last >> 1
    return leaf.hex() if last == 0 else ""


def head_statement(head: Dict[str, Any]) -> bytes:
    """What the signature of a head is over."""
    names = ("size", "root", "time", "origin", "previous")
    key = sha256(bytes.fromhex(head["public_key"]))
    return canonical({"statement": HEAD_STATEMENT, "key": key, **{n: head[n] for n in names}})


# --- The files -----------------------------------------------------------------------------------


class Files:
    """The export, in a ZIP file or unpacked in a folder."""

    def __init__(self, place: Path) -> None:
        self.archive = None if place.is_dir() else zipfile.ZipFile(str(place))
        self.place = place
        if self.archive:
            listed = self.archive.namelist()
            if len(set(listed)) != len(listed):
                raise Fault("The ZIP holds two files of the same name.")
        else:
            found = (path for path in place.rglob("*") if path.is_file())
            listed = [path.relative_to(place).as_posix() for path in found]
        self.names = set(listed)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece."""
        if name not in self.names:
            raise Fault("The file %s is missing." % name)
        with self.archive.open(name) if self.archive else (self.place / name).open("rb") as file:
            while True:
                piece = file.read(1 << 16)
                if not piece:
                    return
                yield piece

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without their ends."""
        rest = b""
        for piece in self.chunks(name):
            parts = (rest + piece).split(b"\n")
            rest = parts.pop()
            for part in parts:
                yield part
        if rest:
            yield rest

    def value(self, name: str) -> Any:
        """A JSON file."""
        return json.loads(b"".join(self.chunks(name)).decode("utf-8"))


class Record:
    """What has been read so far, for the checks that come after one another."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.manifest: Dict[str, Any] = {}
        self.heads: List[Dict[str, Any]] = []
        self.roots: Dict[int, str] = {}
        self.hashes: List[str] = []
        self.leaves: Dict[int, bytes] = {}
        self.rotations: Dict[int, Dict[str, Any]] = {}
        self.signings: List[Dict[str, Any]] = []
        self.named: Dict[str, Dict[str, int]] = {"assessment": {}, "input": {}, "comment": {}}
        self.purged: Dict[str, Dict[str, int]] = {"assessment": {}, "input": {}, "comment": {}}
        self.read = 0
        self.key = ""


def check_files(record: Record) -> str:
    """Every file is there, is named, and has the digest that the manifest gives."""
    record.manifest = record.files.value("manifest.json")
    named = record.manifest["files"]
    for name in sorted(named):
        state = hashlib.sha256()
        for piece in record.files.chunks(name):
            state.update(piece)
        if state.hexdigest() != named[name]:
            raise Fault("The file %s was changed after the export." % name)
    extra = sorted(record.files.names - set(named) - OUTSIDE)
    if extra:
        raise Fault("The file %s does not belong to the export." % extra[0])
    return "All %d files are unchanged since the record was exported." % len(named)


def check_verdict(record: Record) -> str:
    """The ledger verified at the time of the export."""
    found = record.manifest["verdict"]
    if not found["intact"]:
        where = found["first_broken"] or "its end"
        raise Fault("The ledger was broken when exported, at %s: %s." % (where, found["reason"]))
    return "Triptych verified the ledger just before the export."


def check_events(record: Record) -> str:
    """Each event follows the one before it and has the hash that it should have."""
    record.heads = [] if partial(record) else record.files.value("heads.json")
    sizes = {head["size"] for head in record.heads}
    previous, number, peaks = NO_HASH, 0, []  # type: str, int, List[bytes]
    for line in record.files.lines("events.jsonl"):
        event = json.loads(line.decode("utf-8"))
        if event.get("sequence") != number + 1:
            raise Fault("Event %d is missing or out of place." % (number + 1))
        if event.get("previous") != previous:
            raise Fault("Event %d does not follow the one before it." % (number + 1))
        leaf = take(record, event)
        grow(peaks, number, leaf)
        previous, number = event["hash"], number + 1
        record.hashes.append(previous)
        if number in sizes:
            record.roots[number] = root(peaks)
    end = record.manifest["copy" if partial(record) else "head"]
    if (number, previous) != (end["sequence"], end["hash"]):
        raise Fault("The events do not end where the manifest says: some were cut off or added.")
    if partial(record):
        return "All %d events of the de-identified copy follow one another without a gap." % number
    return "All %d events of the ledger follow one another without a gap; %d are shown here." % (
        number,
        record.read,
    )


def take(record: Record, event: Dict[str, Any]) -> bytes:
    """Check the hash of one event and note what it names; its leaf hash."""
    number = event["sequence"]
    if "payload" not in event:
        return bytes.fromhex(event["leaf"])
    content = canonical({name: event[name] for name in event if name != "hash"})
    if sha256(content) != event["hash"]:
        raise Fault("Event %d was changed: its content does not match its hash." % number)
    record.read += 1
    payload, kind = event["payload"], event["kind"]
    leaf = hashlib.sha256(b"\0" + content).digest()
    if kind == "KEY_ROTATED":
        record.rotations[number] = payload
    if kind == "SIGNED":
        record.signings.append(event)
        record.leaves[number] = leaf
    if kind == "ASSESSED":
        record.named["assessment"].setdefault(payload["assessment"], number)
    if kind in ("ASSESSED", "IMPORTED"):
        record.named["input"].setdefault(event["case_id"] + " " + payload["input"], number)
    if kind == "PURGED":
        for what in record.purged:
            of_case = event["case_id"] + " " if what == "input" else ""
            for digest in payload[what + "s"]:
                record.purged[what].setdefault(of_case + digest, number)
    if payload.get("comment"):
        record.named["comment"].setdefault(payload["comment"], number)
    return leaf


def check_heads(record: Record) -> str:
    """Each signed head fits the events, follows the head before, and has the key in force."""
    if partial(record):
        return ""  # the heads are over the events as they were, which are not here
    if not record.heads:
        raise Fault("Nothing in this record is signed.")
    before, key, origin = NO_HASH, "", record.heads[0]["origin"]
    for head in record.heads:
        where = "The signed head over %d events" % head["size"]
        if record.roots.get(head["size"]) != head["root"]:
            raise Fault("%s does not match the events: at least one was changed." % where)
        if key and sha256(bytes.fromhex(head["public_key"])) != key:
            raise Fault("%s is signed with a key that was not in force." % where)
        if not signed(head["public_key"], head["signature"], head_statement(head)):
            raise Fault("The signature of the head over %d events is not valid." % head["size"])
        if (head["previous"], head["origin"]) != (before, origin):
            raise Fault("%s does not follow the head before it." % where)
        before = sha256(head_statement(head))
        key = next_key(record, head)
    record.key = key
    size = record.heads[-1]["size"]
    return "The key signed the first %d of %d events, in %d heads that match them." % (
        size,
        len(record.hashes),
        len(record.heads),
    )


def partial(record: Record) -> bool:
    """Whether the events here are a de-identified copy, from which no head can be computed."""
    return bool(record.manifest["de_identified"])


def next_key(record: Record, head: Dict[str, Any]) -> str:
    """Digest of the key that has to sign the next head; a change is vouched for by the old key."""
    old, change = sha256(bytes.fromhex(head["public_key"])), record.rotations.get(head["size"])
    if change is None:
        return old
    statement = {name: change[name] for name in ("old", "new", "public_key")}
    statement.update(statement=ROTATION_STATEMENT, origin=head["origin"])
    if (change["old"], change["new"]) != (old, sha256(bytes.fromhex(change["public_key"]))):
        raise Fault("The change of key at event %d names other keys." % head["size"])
    if not signed(head["public_key"], change["signature"], canonical(statement)):
        raise Fault("The change of key at event %d is not signed by the old key." % head["size"])
    return str(change["new"])


def check_receipt(record: Record) -> str:
    """The ledger recorded this very export, and the key signed that."""
    receipt = record.files.value("receipt.json")
    event, head = receipt["event"], receipt["head"]
    content = canonical({name: event[name] for name in event if name != "hash"})
    manifest = sha256(b"".join(record.files.chunks("manifest.json")))
    if event["kind"] != "EXPORTED" or event["payload"].get("manifest") != manifest:
        raise Fault("The list of files (manifest.json) is not the one that the ledger recorded.")
    path = [bytes.fromhex(step) for step in receipt["path"]]
    leaf = hashlib.sha256(b"\0" + content).digest()
    if included(leaf, event["sequence"] - 1, head["size"], path) != head["root"]:
        raise Fault("The receipt of the export is not covered by its signed head.")
    if record.heads and head["origin"] != record.heads[-1]["origin"]:
        raise Fault("The receipt belongs to another ledger.")
    key = sha256(bytes.fromhex(head["public_key"]))
    if record.key and key != record.key:
        raise Fault("The receipt is signed with a different key from the record.")
    if not signed(head["public_key"], head["signature"], head_statement(head)):
        raise Fault("The signature of the receipt is not valid.")
    end = record.manifest["head"]
    if event["sequence"] == end["sequence"] + 1 and event["previous"] != end["hash"]:
        raise Fault("The receipt does not follow the last event.")
    record.key = key
    return (
        "The ledger recorded this export as event %d, and the key signed that."
        % (event["sequence"])
    )


def check_proofs(record: Record) -> str:
    """Each proof of inclusion leads to the root that was signed."""
    if partial(record):
        return ""
    proofs = record.files.value("proofs.json")
    proved = {proof["sequence"] for proof in proofs["events"]}
    for number in record.leaves:
        if number <= proofs["size"] and number not in proved:
            raise Fault("The proof for event %d is missing." % number)
    for proof in proofs["events"]:
        number, path = proof["sequence"], [bytes.fromhex(step) for step in proof["path"]]
        leaf = bytes.fromhex(proof["leaf"])
        right = record.leaves.get(number, leaf) == leaf
        top = included(leaf, number - 1, proofs["size"], path)
        if not right or top != record.roots.get(proofs["size"]):
            raise Fault("The proof for event %d is not valid." % number)
    return "%d proofs of inclusion lead to the signed head." % len(proofs["events"])


def check_signatures(record: Record) -> str:
    """Each reader's signature is over the decisions that it names, as they are here."""
    for event in record.signings:
        payload = event["payload"]
        numbers = payload["decisions"]
        if any(not 0 < number <= len(record.hashes) for number in numbers):
            raise Fault("Signature %d covers decisions that are missing." % event["sequence"])
        if sha256(canonical([record.hashes[n - 1] for n in numbers])) != payload["digest"]:
            raise Fault("Signature %d does not match the decisions it names." % event["sequence"])
    return "%d signatures of readers match the decisions they cover." % len(record.signings)


def check_records(record: Record) -> str:
    """Assessments, inputs and comments have the digests that the events name."""
    compare(record, "assessments.jsonl", "assessment", digest_of)
    compare(record, "cases.jsonl", "input", inputs_of)
    compare(record, "comments.jsonl", "comment", digest_of)
    kinds = ("assessment", "input", "comment")
    words = "%d assessments, %d cases and %d comments are the ones the events name." % tuple(
        len(record.named[kind]) for kind in kinds
    )
    gone = {event for kind in kinds for event in record.purged[kind].values()}
    if gone:
        numbers = ", ".join(str(event) for event in sorted(gone)[:20])
        more = " and %d more" % (len(gone) - 20) if len(gone) > 20 else ""
        words += " What is missing of them was purged by event %s%s." % (numbers, more)
    return words


def digest_of(value: Any) -> str:
    """What an event calls an assessment or a comment."""
    return sha256(canonical(value))


def inputs_of(case: Any) -> str:
    """What an event calls the inputs of a case."""
    inputs = {name: case.get(name) for name in ("decision_time", "inputs")}
    return str(case["case_id"]) + " " + sha256(canonical(inputs))


def compare(record: Record, name: str, kind: str, called: Callable[[Any], str]) -> None:
    """The lines of a file are those that the events name, no more and no fewer."""
    found = set()
    for number, line in enumerate(record.files.lines(name), 1):
        value = json.loads(line.decode("utf-8"))
        digest = called(value)
        if "purged_by" in value:
            digest = (value["case_id"] + " " if kind == "input" else "") + value[kind]
            if record.purged[kind].get(digest) != value["purged_by"]:
                raise Fault("Line %d of %s names no event that purged it." % (number, name))
        if digest not in record.named[kind]:
            raise Fault("Line %d of %s is not what an event names." % (number, name))
        found.add(digest)
    for digest, number in record.named[kind].items():
        if digest not in found:
            raise Fault("%s lacks a record that event %d names." % (name, number))


CHECKS = (
    check_files,
    check_verdict,
    check_events,
    check_heads,
    check_receipt,
    check_proofs,
    check_signatures,
    check_records,
)


# --- The verdict ---------------------------------------------------------------------------------


def examine(place: Path, key: str) -> Tuple[List[str], List[str], Dict[str, Any], str]:
    """What holds, what is wrong (nothing, or the first fault), the manifest, and the key."""
    good: List[str] = []
    record: Optional[Record] = None
    try:
        record = Record(Files(place))
        for check in CHECKS:
            good += [words] if (words := check(record)) else []
        if key and key != record.key:
            raise Fault("The key is not the one you gave.")
    except Fault as fault:
        return good, [str(fault)], record.manifest if record else {}, record.key if record else ""
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        bad = "A file is not in the format of an export: it was changed."
        return good, [bad], record.manifest if record else {}, record.key if record else ""
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        return good, ["The export cannot be read: %s." % error], {}, ""
    return good, [], record.manifest, record.key


def verdict(good: List[str], bad: List[str], manifest: Dict[str, Any], key: str) -> str:
    """One page of plain words."""
    lines = ["TRIPTYCH RECORD: VERDICT", "Research use only. Not a medical device.", ""]
    lines.append("THE RECORD IS INTACT." if not bad else "THE RECORD IS NOT INTACT.")
    if manifest.get("created"):
        lines.append("Exported %s by %s." % (manifest["created"], manifest.get("actor", "?")))
    lines += (
        ["", "What was verified:"] + ["  + " + text for text in good] + ["  (nothing)"] * (not good)
    )
    if bad:
        lines += ["", "What failed (later checks were not run):", "  - " + bad[0]]
    else:
        lines += ["", "Digest of the signing key:", "  " + key]
    lines += meaning(bool(bad), manifest)
    lines += ["", "What this cannot show:"]
    lines += ["  Who holds the key: compare its digest with one from another source (--key)."]
    lines += ["  That the clock was right, that people were who they said they were, or that a"]
    lines += ["  decision was right. What was never recorded cannot be detected."]
    return "\n".join(lines)


def meaning(bad: bool, manifest: Dict[str, Any]) -> List[str]:
    """What the verdict means, in plain words."""
    if bad:
        return ["", "What this means: do not rely on this copy. Ask for another one."]
    if not manifest["de_identified"]:
        return [
            "",
            "What this means:",
            "  Nothing that was recorded before the export was changed, removed or added",
            "  afterwards by anyone without the secret key.",
        ]
    return [
        "",
        "What this means:",
        "  These files are as Triptych wrote them from a ledger of %d events; nobody without"
        % manifest["head"]["sequence"],
        "  the secret key changed them afterwards.",
        "  They are DE-IDENTIFIED: names were replaced, times are not dates, images and free",
        "  text were left out. Whether they match the ledger can NOT be checked from here;",
        "  whoever holds the ledger can export all of it.",
    ]


def main(arguments: List[str]) -> int:
    """Check what the arguments name; 0 if it is intact."""
    rest, key = list(arguments), ""
    if "--key" in rest:
        place = rest.index("--key")
        key = "".join(rest[place + 1 : place + 2]).lower()
        del rest[place : place + 2]
    where = Path(rest[0]) if rest else Path(__file__).resolve().parent
    good, bad, manifest, digest = examine(where, key)
    text = verdict(good, bad, manifest, digest)
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
