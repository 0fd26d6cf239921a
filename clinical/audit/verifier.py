"""The rules by which a Triptych record is verified, and the program that checks an export.

    python verify.py [FILE.zip or folder] [--key DIGEST] [--head FILE] [--witness FILE]

Needs Python 3.8 or later and nothing else. This file is given away in every export under the name
`verify.py`, so that it can be read on its own; that is why it is one long file. `triptych audit
verify` applies the same rules to the database (`clinical.audit.verify` turns its rows into what is
read here), so that neither finds what the other does not. It recomputes every digest, the chain of
events, the Merkle tree (RFC 9162), the Ed25519 signatures (RFC 8032) and what readers signed, and
prints a verdict. Exit code 0 if the record is intact, 1 if not. docs/export.md says what each file
of an export is, docs/ledger.md what the rules can and cannot show.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

NO_HASH = "0" * 64
HEAD_STATEMENTS = {1: "triptych tree head 1", 2: "triptych tree head 2"}
ROTATION_STATEMENT = "triptych key rotation 1"
OUTSIDE = {"manifest.json", "receipt.json"}  # what the manifest cannot name itself

# When a signed head is due. Heads in form 1 were signed by the first line, those in form 2 by the
# others. Whoever changes these numbers makes a form 3: old ledgers keep the rule of their time.
AT_ONCE_1, EVERY_EVENTS_1 = frozenset({"EXPORTED", "REPORTED", "KEY_ROTATED"}), 256
AT_ONCE = AT_ONCE_1 | {"SIGNED", "AMENDED", "ADJUDICATED", "PURGED", "ACCOUNT", "PROTOCOL"}
AT_ONCE = AT_ONCE | {"SIGNED_OUT"}
EVERY_EVENTS = 64
EVERY = timedelta(seconds=60)
AHEAD = timedelta(days=1)  # so far may the clock of who verifies be behind that of who recorded

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
EVENT_FIELDS = ("sequence", "time", "actor", "kind", "case_id", "payload", "previous", "hash")
SEALED_FIELDS = EVENT_FIELDS[:-1]
EVENT_TYPES = [int, str, str, str, str, dict, str, str]
HIDDEN_FIELDS = ("sequence", "previous", "hash", "leaf")
HEAD_FIELDS = ("size", "root", "time", "origin", "previous", "public_key", "signature")
RECORDS = ("assessment", "input", "comment")
CALLED = {"assessment": "assessment", "input": "case", "comment": "comment"}

# The curve of RFC 8032, section 5.1. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]
Fields = Dict[str, Any]
Signed = Callable[[str, str, bytes], bool]

SPOILED = (  # what reading something that was changed may raise
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    struct.error,
)


class Fault(Exception):
    """What is wrong, in words, and at which event (0: at none)."""

    def __init__(self, reason: str, number: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


# --- Ed25519 -------------------------------------------------------------------------------------


def added(a: Point, b: Point) -> Point:
    """Sum of two points (RFC 8032, section 5.1.4)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return x * y % P, z * t % P, y * z % P, x * t % P


def doubled(point: Any, add: Callable[[Any, Any], Any] = added) -> List[Any]:
    """The point times 1, 2, 4 and so on, to multiply it with any number below 2**256."""
    found = [point]
    while len(found) < 256:
        found.append(add(found[-1], found[-1]))
    return found


def times(
    number: int,
    doubles: List[Any],
    add: Callable[[Any, Any], Any] = added,
    none: Any = (0, 1, 1, 0),
) -> Any:
    """A multiple of a point, of which `doubled` is given; `none` is the point times 0."""
    total = none
    for place in range(number.bit_length()):
        if number >> place & 1:
            total = add(total, doubles[place])
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


_BASE = doubled(unpacked((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0))
_OPPOSITES: Dict[bytes, List[Point]] = {}  # of the keys that were met: few, and each signs often


def raw(text: Any) -> bytes:
    """The bytes of hexadecimal digits in lower case; none for anything else."""
    try:
        data = bytes.fromhex(text)
    except (ValueError, TypeError):
        return b""
    return data if data.hex() == text else b""


def signed(public: str, signature: str, statement: bytes) -> bool:
    """Whether the key made the signature (RFC 8032, section 5.1.7); both hexadecimal."""
    key, data = raw(public), raw(signature)
    point, scalar = unpacked(key), int.from_bytes(data[32:], "little")
    if point is None or len(data) != 64 or scalar >= ORDER:
        return False
    if key not in _OPPOSITES:
        _OPPOSITES[key] = doubled((P - point[0], point[1], point[2], P - point[3]))
    digest = hashlib.sha512(data[:32] + key + statement).digest()
    factor = int.from_bytes(digest, "little") % ORDER
    return packed(added(times(scalar, _BASE), times(factor, _OPPOSITES[key]))) == data[:32]


# --- Digests, chain and tree ---------------------------------------------------------------------


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


# Made once: for an event, making it would take as long as using it.
WRITTEN = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical(value: Any) -> bytes:
    """The one way a value is written: keys sorted, no spaces, UTF-8."""
    return WRITTEN(value).encode()


def parsed(data: bytes) -> Any:
    """A JSON text in which no key stands twice and no number is longer than any of ours."""

    def once(pairs: List[Tuple[str, Any]]) -> Fields:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Fault("A JSON object gives the same key twice.")
        return found

    def number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
        def read(digits: str) -> Any:
            if len(digits) > 40:
                raise ValueError("a number of too many digits")
            return kind(digits)

        return read

    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=once,
        parse_int=number(int),
        parse_float=number(float),
    )


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


def key_digest(public: Any) -> str:
    """The name of a public key: SHA-256 of its bytes."""
    return sha256(raw(public))


def head_statement(head: Mapping[str, Any], form: int) -> bytes:
    """What the signature of a head in that form is over."""
    named = {name: head[name] for name in ("size", "root", "time", "origin", "previous")}
    key = key_digest(head["public_key"])
    return canonical({"statement": HEAD_STATEMENTS[form], "key": key, **named})


def form_of(head: Mapping[str, Any], signed_by: Signed = signed) -> int:
    """In which form a head is signed; 0 if its signature does not match in any."""
    for form in (2, 1):
        if signed_by(head["public_key"], head["signature"], head_statement(head, form)):
            return form
    return 0


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, and neither 1.0 nor true."""
    return isinstance(value, int) and not isinstance(value, bool)


# --- Passkeys (Web Authentication, level 2, section 7.2) -----------------------------------------

SITE = "localhost"  # what a passkey is bound to, without the port
OUR_PAGE = re.compile(r"http://%s(:\d{1,5})?" % SITE)
PRESENT = 1  # the bit of the flags that says that somebody touched it

# In form 2 the counter of a passkey has to go up from one signature to the next.
PASSKEY_STATEMENTS = {1: "triptych passkey 1", 2: "triptych passkey 2"}
ANSWER = ("authenticator", "client", "signature")

# The curve P-256 (FIPS 186-4, D.1.2.3): y**2 = x**3 - 3x + B. A point is (X, Y, Z) with x = X/Z.
P_256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER_256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B_256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE_256 = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)
NONE_256 = (0, 1, 0)
Point256 = Tuple[int, int, int]

# How a public key begins (SubjectPublicKeyInfo), before its point, its bytes or its numbers.
BEFORE_P_256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
BEFORE_ED25519 = bytes.fromhex("302a300506032b6570032100")
RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")
BEFORE_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, section 9.2
RSA_BITS = range(2048, 8193)

Confirms = Callable[[bytes, bytes, bytes], bool]
_DOUBLES_256: Dict[Point256, List[Any]] = {}


def added_256(a: Point256, b: Point256) -> Point256:
    """Sum of any two points (Renes, Costello and Batina 2016, complete formulas for a = -3)."""
    xx, yy, zz = a[0] * b[0], a[1] * b[1], a[2] * b[2]
    xy = (a[0] * b[1] + b[0] * a[1]) % P_256
    yz = (a[1] * b[2] + b[1] * a[2]) % P_256
    xz = a[0] * b[2] + b[0] * a[2]
    s = 3 * (xz - B_256 * zz) % P_256
    t = (B_256 * xz - xx - 3 * zz) % P_256
    u = 3 * (xx - zz) % P_256
    x = xy * (yy + s) - 3 * yz * t
    y = 3 * u * t + (yy - s) * (yy + s)
    return x % P_256, y % P_256, (yz * (yy - s) + xy * u) % P_256


def der(data: bytes, tag: int) -> Tuple[bytes, bytes]:
    """Content of the first DER value, which has that tag, and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("another value in DER")
    length, at = data[1], 2
    if length > 0x80:
        at += length - 0x80
        length = int.from_bytes(data[2:at], "big")
        if length < 0x80 or data[2] == 0:
            raise ValueError("a length that is not written as short as it can be")
    elif length == 0x80:
        raise ValueError("a length that is not said")
    if len(data) < at + length:
        raise ValueError("cut short")
    return data[at : at + length], data[at + length :]


def der_numbers(data: bytes) -> Tuple[int, int]:
    """Two whole numbers above zero that are all of a sequence in DER."""
    inner, rest = der(data, 0x30)
    first, inner = der(inner, 2)
    second, more = der(inner, 2)
    for one in (first, second):
        if not one or one[0] >= 0x80 or (one[0] == 0 and (one[1:2] < b"\x80")):
            raise ValueError("a number that is negative or longer than it has to be")
    if rest or more:
        raise ValueError("more than two numbers")
    return int.from_bytes(first, "big"), int.from_bytes(second, "big")


def rsa_numbers(public: bytes) -> Tuple[int, int]:
    """Modulus and exponent of an RSA key; ValueError if it is none of those we take."""
    inner, rest = der(public, 0x30)
    algorithm, inner = der(inner, 0x30)
    bits, more = der(inner, 3)
    if rest or more or algorithm != RSA_ENCRYPTION or bits[:1] != b"\0":
        raise ValueError("a key of another kind")
    modulus, exponent = der_numbers(bits[1:])
    if modulus.bit_length() not in RSA_BITS or not modulus & exponent & 1 or exponent >> 32:
        raise ValueError("a key of another size")
    return modulus, exponent


def point_of(public: bytes) -> Point256:
    """The point of a P-256 key; ValueError if it is none."""
    x, y = (int.from_bytes(part, "big") for part in (public[27:59], public[59:]))
    if len(public) != 91 or max(x, y) >= P_256 or (y * y - x**3 + 3 * x - B_256) % P_256:
        raise ValueError("not a point of the curve")
    return x, y, 1


def confirmed_256(point: Point256, signature: bytes, over: bytes) -> bool:
    """Whether the key made the signature (FIPS 186-4, section 6.4, with SHA-256)."""
    r, s = der_numbers(signature)
    if r >= ORDER_256 or s >= ORDER_256:
        return False
    for one in (BASE_256, point):
        if one not in _DOUBLES_256:
            _DOUBLES_256[one] = doubled(one, added_256)
    inverse = pow(s, ORDER_256 - 2, ORDER_256)
    digest = int.from_bytes(hashlib.sha256(over).digest(), "big")
    parts = ((digest, BASE_256), (r, point))
    first, second = (
        times(number * inverse % ORDER_256, _DOUBLES_256[one], added_256, NONE_256)
        for number, one in parts
    )
    x, _, z = added_256(first, second)
    return bool(z) and x * pow(z, P_256 - 2, P_256) % P_256 % ORDER_256 == r


def check_public(public: bytes) -> None:
    """ValueError if it is not a key, as DER, of those that a passkey may have."""
    if public.startswith(BEFORE_P_256):
        point_of(public)
    elif not public.startswith(BEFORE_ED25519):
        rsa_numbers(public)


def confirmed(public: bytes, signature: bytes, over: bytes) -> bool:
    """Whether a key of a passkey, as DER, made a signature; ValueError if one cannot be read."""
    if public.startswith(BEFORE_P_256):
        return confirmed_256(point_of(public), signature, over)
    if public.startswith(BEFORE_ED25519):
        return signed(public[len(BEFORE_ED25519) :].hex(), signature.hex(), over)
    modulus, exponent = rsa_numbers(public)
    size = (modulus.bit_length() + 7) // 8
    tail = b"\0" + BEFORE_SHA256 + hashlib.sha256(over).digest()
    padded = b"\0\1" + b"\xff" * (size - 2 - len(tail)) + tail
    found = pow(int.from_bytes(signature, "big"), exponent, modulus)
    whole = len(signature) == size and int.from_bytes(signature, "big") < modulus
    return whole and found == int.from_bytes(padded, "big")


def from_base64url(text: str) -> bytes:
    """The bytes of base64url without padding, as browsers write it; ValueError if it is none."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("not base64url as browsers write it")
    return data


def to_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def challenge(case: str, signature: Mapping[str, Any], nonce: str, form: int = 2) -> str:
    """What a passkey is asked for a signature, the payload of which is given, in base64url."""
    named = {name: signature[name] for name in ("assessment", "name", "role", "meaning", "digest")}
    statement = {"statement": PASSKEY_STATEMENTS[form], "case": case, "nonce": nonce}
    return to_base64url(hashlib.sha256(canonical({**statement, **named})).digest())


def counter_of(answer: Mapping[str, str]) -> int:
    """How often the passkey had been used, by its own count; 0 where it does not count."""
    return int.from_bytes(from_base64url(answer["authenticator"])[33:37], "big")


def counter_objection(counter: int, last: int) -> str:
    """Why the counter of a passkey cannot follow that of the signature before, or ""."""
    if (counter or last) and counter <= last:
        return "its counter did not go up, so there may be a copy of the passkey"
    return ""


def objection(
    public: str, answer: Mapping[str, str], asked: str, confirms: Confirms = confirmed
) -> str:
    """Why what a passkey answered does not hold, or "" if it does.

    Args:
        public: SubjectPublicKeyInfo (DER) in base64url: P-256, RSA or Ed25519.
        answer: `ANSWER`, each in base64url.
        asked: the challenge.
        confirms: checks a signature; a library is quicker.
    """
    try:
        authenticator, client, signature = (from_base64url(answer[name]) for name in ANSWER)
        said = parsed(client)
        if said["type"] != "webauthn.get" or said["challenge"] != asked:
            return "it answers something else than was asked"
        if not OUR_PAGE.fullmatch(said["origin"]) or said.get("crossOrigin"):
            return "it was asked by another page"
        if len(authenticator) < 37:
            return "it cannot be read"
        if authenticator[:32] != hashlib.sha256(SITE.encode()).digest():
            return "it is of another site"
        if not authenticator[32] & PRESENT:
            return "nobody was there"
        over = authenticator + hashlib.sha256(client).digest()
        right = confirms(from_base64url(public), signature, over)
    except (*SPOILED, Fault):
        return "it cannot be read"
    return "" if right else "its signature is not that of the passkey"


# --- The pass over the events --------------------------------------------------------------------


class Walk:
    """One pass over the events; what it remembers is for the checks that come after it."""

    def __init__(
        self,
        heads: Iterable[Fields] = (),
        kept: Iterable[Fields] = (),
        now: Optional[datetime] = None,
        signed_by: Signed = signed,
        copy: bool = False,
        confirms: Confirms = confirmed,
    ) -> None:
        """Begin before the first event.

        Args:
            heads: the signed heads of the record, as fields.
            kept: heads that were kept elsewhere: signed ones, or {"sequence", "hash"}.
            now: the clock of who verifies.
            signed_by: checks a signature; a library is quicker.
            copy: the events are a de-identified copy, whose times follow no clock.
            confirms: checks a signature of a passkey; a library is quicker.
        """
        self.signed_by = signed_by
        self.confirms = confirms
        self.copy = copy
        self.heads = {head["size"]: head for head in sorted(heads, key=lambda h: int(h["size"]))}
        self.forms = {size: form_of(head, signed_by) for size, head in self.heads.items()}
        second = [size for size, form in self.forms.items() if form == 2]
        self.older = min(second) - 1 if second else None  # so many events came before form 2
        self.kept: Dict[int, List[Fields]] = {}
        for head in kept:
            self.kept.setdefault(head["size"] if "root" in head else head["sequence"], []).append(
                head
            )
        limit = (now or datetime.now(timezone.utc)) + AHEAD
        self.limit = limit.astimezone(timezone.utc).isoformat(timespec="microseconds")
        self.size = 0  # events that were passed
        self.end = NO_HASH
        self.time = ""
        self.peaks: List[bytes] = []
        self.roots: Dict[int, str] = {}
        self.last: Optional[Fields] = None  # the last signed head that was passed
        self.key = ""  # digest of the key that has to sign the next one
        self.hashes: List[str] = []
        self.read = 0  # events whose content is shown
        self.leaves: Dict[int, bytes] = {}  # of signatures
        self.acts: Dict[
            int, Tuple[str, str, str]
        ] = {}  # kind, case and actor of what is referred to
        self.accounts: Dict[str, Fields] = {}  # the last ACCOUNT payload of each
        self.passkeys: Dict[Tuple[str, str], str] = {}  # account and credential to public key
        self.passkey_needed = False
        self.passkey_form = 1
        self.counters: Dict[str, int] = {}  # of credentials
        self.confirmed = 0  # signatures with a passkey that holds
        self.unproved = 0  # those of accounts that are not shown here
        self.current: Dict[str, Tuple[int, Fields]] = {}  # case to what brought it, if not purged
        self.named: Dict[str, Dict[str, int]] = {kind: {} for kind in RECORDS}
        self.records: Dict[str, Tuple[int, str]] = {}  # whole case records: first event, inputs
        self.told: Dict[str, Set[Tuple[int, str]]] = {}  # of assessments: event, digest of payload
        self.purged: Dict[str, Dict[str, List[int]]] = {kind: {} for kind in RECORDS}
        self.brought: Dict[str, int] = {}  # what an event names, to the last that does
        self.purges: List[int] = []
        self.found: Set[str] = set()

    def strict(self, number: int) -> bool:
        """Whether an event is under the rules of heads in form 2."""
        return self.older is not None and number > self.older and not self.copy

    def walk(self, events: Iterable[Fields]) -> None:
        """Take in all events in order; a fault that is raised is at the event after `size`."""
        stream = iter(events)
        for event in stream:
            self.take(event, stream)

    def take(self, event: Fields, following: Iterator[Fields]) -> None:
        """Check the next event, and the head over it if there is one."""
        number = self.size + 1
        shown = "payload" in event
        check_types(event, number)
        if event["sequence"] != number:
            raise Fault(gap(number, event["sequence"]), number)
        content = canonical({n: event[n] for n in SEALED_FIELDS}) if shown else b""
        self.check_links(event, content, following)
        leaf = hashlib.sha256(b"\0" + content).digest() if shown else raw(event["leaf"])
        if len(leaf) != 32:
            raise Fault("the field leaf was changed: it is no hash", number)
        grow(self.peaks, self.size, leaf)
        if shown:
            self.check_time(event)
        self.check_head(event)
        self.check_kept(event)
        self.hashes.append(event["hash"])
        if shown:
            self.read += 1
            if event["kind"] == "SIGNED":
                self.leaves[number] = leaf
            try:
                self.note(event)
            except (KeyError, TypeError, AttributeError, ValueError, IndexError):
                raise Fault(
                    "it does not hold what its kind %s has" % event["kind"], number
                ) from None
        self.size, self.end = number, event["hash"]

    def check_links(self, event: Fields, content: bytes, following: Iterator[Fields]) -> None:
        """Whether the event follows the one before it and has the hash of its content."""
        number, right = event["sequence"], sha256(content)
        if event["previous"] != self.end:
            before = canonical(
                {**{n: event[n] for n in event if n != "hash"}, "previous": self.end}
            )
            if sha256(before) == event["hash"]:
                raise Fault("the field previous was changed", number)
            raise Fault(
                "wrong previous: it does not follow the event before it (one of the two was"
                " replaced)",
                number,
            )
        if not content or event["hash"] == right:
            return
        after = next(following, {})
        if after.get("sequence") == number + 1 and after.get("previous") == right:
            raise Fault("wrong hash: the field hash was changed", number)
        raise Fault(
            "wrong hash: a field was changed (time, actor, kind, case_id or payload)", number
        )

    def check_time(self, event: Fields) -> None:
        """No event is earlier than the one before it, or later than the clock of who verifies."""
        number, time = event["sequence"], event["time"]
        if self.strict(number):
            check_moment(time, self.limit, "it", number)
            if time < self.time:
                raise Fault("it is dated before the event that it follows", number)
            self.time = time

    def check_head(self, event: Fields) -> None:
        """The signed head over this event, if there is one or should be one."""
        number = event["sequence"]
        if number in self.heads:
            self.pass_head(self.heads[number])
        elif self.last is not None and "payload" in event and self.is_due(event):
            raise Fault("the signed head over %d events is missing" % number, number)
        if event.get("kind") == "KEY_ROTATED" and self.last is not None:
            if not self.is_vouched(event["payload"], self.last):
                raise Fault("the change of key is not signed by the key before", number)
            self.key = event["payload"]["new"]

    def is_due(self, event: Fields) -> bool:
        """Whether the rule in force asks for a signed head over this event."""
        last = self.last or {}
        number, kind = event["sequence"], event["kind"]
        if self.forms.get(last["size"]) != 2:
            return kind in AT_ONCE_1 or number - last["size"] >= EVERY_EVENTS_1
        return due(kind, number - last["size"], last["time"], event["time"])

    def pass_head(self, head: Fields) -> None:
        """A signed head: its form, key, signature, order, root and time."""
        size, last = head["size"], self.last
        where = "the signed head over %d events" % size
        form = self.forms[size]
        if last is not None and key_digest(head["public_key"]) != self.key:
            raise Fault("%s is signed with a key that was not in force" % where, size)
        if not form:
            raise Fault(
                "the signature of %s does not match: one of the two was changed" % where, size
            )
        if last is not None and form < self.forms[last["size"]]:
            raise Fault("%s is signed in an older form than the one before it" % where, size)
        before = sha256(head_statement(last, self.forms[last["size"]])) if last else NO_HASH
        if head["previous"] != before:
            raise Fault(
                "%s does not follow the head before it: one was replaced or removed" % where, size
            )
        if last is not None and head["origin"] != last["origin"]:
            raise Fault("%s belongs to another ledger" % where, size)
        if root(self.peaks) != head["root"]:
            first = last["size"] + 1 if last else 1
            raise Fault(
                "rewritten: one of the events %d to %d is not what was signed" % (first, size),
                first,
            )
        if "edge" in head and head["edge"] != json.dumps([peak.hex() for peak in self.peaks]):
            raise Fault("the edge kept beside %s was changed" % where, size)
        if form == 2:
            check_moment(head["time"], self.limit, where, size)
            if head["time"] < max(self.time, last["time"] if last else ""):
                raise Fault("%s is dated before what it is over" % where, size)
        self.roots[size] = head["root"]
        self.last, self.key = head, key_digest(head["public_key"])

    def is_vouched(self, change: Fields, head: Fields) -> bool:
        """Whether the key of `head` signed this change to another key."""
        named = {name: change.get(name) for name in ("old", "new", "public_key")}
        statement = {"statement": ROTATION_STATEMENT, "origin": head["origin"], **named}
        return (
            all(isinstance(value, str) for value in named.values())
            and named["old"] == key_digest(head["public_key"])
            and named["new"] == key_digest(named["public_key"])
            and self.signed_by(
                head["public_key"], change.get("signature") or "", canonical(statement)
            )
        )

    def check_kept(self, event: Fields) -> None:
        """At the size of a head that was kept elsewhere: is it still the head of these events?"""
        number = event["sequence"]
        for kept in self.kept.get(number, ()):
            if "root" not in kept:
                if kept["hash"] != event["hash"]:
                    raise Fault(
                        "the ledger was rewritten: the head noted earlier is not in it", number
                    )
                continue
            if root(self.peaks) != kept["root"]:
                raise Fault(
                    "the ledger was rewritten: the first %d events do not match the head kept"
                    " elsewhere" % number,
                    number,
                )
            own = self.heads.get(number, {})
            if any(own.get(name) != kept[name] for name in HEAD_FIELDS):
                raise Fault(
                    "the first %d events match the head kept elsewhere, but the record's own head"
                    " over them is different: it was removed or signed again" % number,
                    number,
                )

    # What the events say

    def note(self, event: Fields) -> None:
        """Check what an event says against the events before it, and keep what it names."""
        number, kind, payload = event["sequence"], event["kind"], event["payload"]
        case, actor = event["case_id"], event["actor"]
        if kind in ("DECIDED", "SIGNED", "AMENDED", "NOTED", "CARD_SENT"):
            self.acts[number] = (kind, case, actor)
        if kind == "SIGNED":
            self.check_signature(event)
            self.check_passkey(event)
        if kind == "PROTOCOL":
            self.passkey_needed = payload.get("passkey") is True and not self.copy
        if kind == "AMENDED":
            self.check_refers(event, [payload["signature"]], "SIGNED", actor)
        if kind == "ADJUDICATED":
            self.check_refers(event, payload["signatures"], "SIGNED", "")
        if kind == "NOTE_WITHDRAWN":
            self.check_refers(event, [payload["takes_back"]], "NOTED", actor)
        if kind == "CARD_ANSWERED":
            self.check_refers(event, [payload["sent"]], "CARD_SENT", actor)
        if kind == "ACCOUNT":
            self.check_account(event)
        if kind in ("ASSESSED", "IMPORTED"):
            self.bring(event)
        if kind == "PURGED":
            self.purges.append(number)
            self.current.pop(case, None)
            for what, listed in self.purged.items():
                for digest in payload.get(what + "s", ()):
                    listed.setdefault(name_of(what, case, digest), []).append(number)
        if payload.get("comment"):
            self.named["comment"].setdefault(payload["comment"], number)
            self.brought[payload["comment"]] = number
        if self.strict(number) and payload.get("intact") is True:
            self.check_noted(number, payload["head"])

    def check_noted(self, number: int, noted: Fields) -> None:
        """An export or a report names the end of the ledger as it was then."""
        size = noted["sequence"]
        if noted["hash"] != (self.hashes[size - 1] if size else NO_HASH):
            raise Fault("it names another end of the ledger than there was", number)

    def bring(self, event: Fields) -> None:
        """An ASSESSED or IMPORTED event: what it names has to be in the store."""
        number, payload, case = event["sequence"], event["payload"], event["case_id"]
        self.current[case] = (number, payload)
        called = name_of("input", case, payload["input"])
        self.named["input"].setdefault(called, number)
        self.brought[called] = number
        if "record" in payload:
            self.records.setdefault(payload["record"], (number, called))
        elif self.strict(number):
            raise Fault("it does not say which record of the case it is about", number)
        if event["kind"] == "ASSESSED":
            digest = payload["assessment"]
            self.named["assessment"].setdefault(digest, number)
            self.brought[digest] = number
            said = canonical([case, *(payload.get(name) for name in SAID)])
            self.told.setdefault(digest, set()).add((number, sha256(said)))

    def check_signature(self, event: Fields) -> None:
        """A reader's signature is over decisions of their own on that case, as they are here."""
        number, payload = event["sequence"], event["payload"]
        covered = payload["decisions"]
        self.check_refers(event, covered, "DECIDED", event["actor"])
        if sha256(canonical([self.hashes[n - 1] for n in covered])) != payload["digest"]:
            raise Fault("the signature does not match the decisions that it names", number)
        if payload["name"] != event["actor"]:
            raise Fault("the signature names somebody else than who signed", number)
        account = self.accounts.get(event["actor"])
        if self.strict(number) and account and payload["role"] != account["role"]:
            raise Fault("the signature names another role than that of the account", number)

    def check_refers(self, event: Fields, numbers: Any, kind: str, actor: str) -> None:
        """What an event refers to is earlier, of that kind, on the same case and by `actor`."""
        number = event["sequence"]
        for other in numbers:
            if not is_whole(other) or not 0 < other < number:
                raise Fault("it refers to an event that is not before it", number)
            found = self.acts.get(other)
            right = found and found[:2] == (kind, event["case_id"])
            if not found or not right or (actor and found[2] != actor):
                raise Fault(
                    "it refers to event %d, which is not what it says that it is" % other, number
                )

    def check_account(self, event: Fields) -> None:
        """An account is made once, keeps its role, and is there before it is changed."""
        number, payload = event["sequence"], event["payload"]
        before = self.accounts.get(payload["account"])
        whole = self.read == number  # of an export of some cases, most accounts are not shown
        if whole and (before is None) != (payload["change"] == "added"):
            raise Fault("it changes an account that was not there, or makes it twice", number)
        if before and before["role"] != payload["role"]:
            raise Fault("it names another role than the account was made with", number)
        was_off = bool(before and before["disabled"])
        disabled = {"disabled": True, "enabled": False}.get(payload["change"], was_off)
        self.accounts[payload["account"]] = {**payload, "disabled": disabled, "number": number}
        self.follow_passkeys(number, payload)

    def follow_passkeys(self, number: int, payload: Fields) -> None:
        """Which passkeys an account has."""
        account = payload["account"]
        if payload["change"] == "no_passkeys":
            for one in [key for key in self.passkeys if key[0] == account]:
                del self.passkeys[one]
        if payload["change"] == "passkey":
            try:
                credential = sha256(from_base64url(payload["credential"]))
                self.passkeys[account, credential] = payload["public_key"]
            except SPOILED:
                raise Fault("it names a passkey that is none", number) from None

    def check_passkey(self, event: Fields) -> None:
        """What a passkey answered to a signature is what it was asked, and it was the account's."""
        why = "" if self.copy else self.objection(event)
        if why:
            raise Fault("the passkey did not confirm this signature: " + why, event["sequence"])

    def objection(self, event: Fields) -> str:
        """Why a signature is not confirmed by a passkey as it says, or has to be; "" if it is."""
        payload = event["payload"]
        answer = payload.get("passkey")
        if answer is None:
            return "there is none, and the protocol asks for one" if self.passkey_needed else ""
        try:
            credential, nonce = answer["credential"], answer["nonce"]
            said = parsed(from_base64url(answer["client"]))["challenge"]
            form = 2 if said == challenge(event["case_id"], payload, nonce) else 1
            asked, counter = challenge(event["case_id"], payload, nonce, form), counter_of(answer)
            public = self.passkeys.get((event["actor"], credential))
        except (*SPOILED, Fault):
            return "it cannot be read"
        if public is None and self.read != event["sequence"]:  # the account may not be shown here
            self.unproved += 1
            return ""
        why = "it is none of the account's"
        if public is not None:
            why = objection(public, answer, asked, self.confirms)
        if form < self.passkey_form:
            why = why or "it is in an older form than the one before it"
        if form == 2:
            why = why or counter_objection(counter, self.counters.get(credential, 0))
            self.passkey_form, self.counters[credential] = 2, counter
        self.confirmed += 1
        return why

    # What the store holds

    def take_assessment(self, line: bytes, digest: str = "") -> Any:
        """Check one assessment, called `digest` where it is kept; returns it as a value."""
        name = digest or sha256(line)
        numbers = self.told.get(name)
        if numbers is None:
            return None
        first = self.named["assessment"][name]
        if sha256(line) != name:
            raise Fault("the assessment that it names was changed in the store", first)
        found = parsed(line)
        for number, said in sorted(numbers):
            if self.strict(number) and sha256(canonical(said_of(found))) != said:
                raise Fault("it says something else than the assessment that it names", number)
        self.found.add(name)
        return found

    def take_case(self, line: bytes, digest: str = "") -> Any:
        """Check one case record, called `digest` where it is kept; returns it as a value."""
        found = parsed(line)
        case, seen = found["case_id"], {n: found.get(n) for n in ("decision_time", "inputs")}
        called = name_of("input", case, sha256(canonical(seen)))
        if digest and sha256(line) != digest:
            number, _ = self.records.get(digest, (self.first_of(case), ""))
            raise Fault("the case that it names was changed in the store", number)
        if called not in self.named["input"]:
            return None
        if canonical(found) != line:
            raise Fault("the case that it names is not canonical JSON", self.named["input"][called])
        self.found.add(called)
        self.found.add(sha256(line))
        return found

    def first_of(self, case: str) -> int:
        """Number of the first event that brought this case, or 0."""
        found = [n for name, n in self.named["input"].items() if name.startswith(case + " ")]
        return min(found, default=0)

    def take_comment(self, line: bytes, digest: str = "") -> bool:
        """Check one comment with its salt, called `digest` where it is kept."""
        name = digest or sha256(line)
        if name not in self.named["comment"]:
            return False
        if sha256(line) != name:
            raise Fault(
                "the comment that it names was changed in the store", self.named["comment"][name]
            )
        self.found.add(name)
        return True

    def check_patient(self, assessment: Fields, case: Fields) -> None:
        """An assessment names the patient of its case, whether or not its event binds the case."""
        if assessment["patient_id"] != case["patient_id"]:
            raise Fault(
                "the case that it names is of another patient than the assessment",
                self.named["input"][name_of("input", case["case_id"], assessment["input_digest"])],
            )

    def check_held(self) -> None:
        """Nothing that an event names is missing unless it was purged, and then it is not there."""
        for kind in RECORDS:
            for name, number in sorted(self.named[kind].items(), key=lambda item: item[1]):
                purges = self.purged[kind].get(name, [])
                last = max(purges, default=0)
                if name in self.found and last > self.brought[name]:
                    raise Fault(
                        "it says that the case was purged, but the store still holds it", last
                    )
                if name not in self.found and last < self.brought[name]:
                    raise Fault(
                        "the %s that it names is missing from the store" % CALLED[kind], number
                    )
        for record, (number, called) in self.records.items():
            gone = max(self.purged["input"].get(called, []), default=0) > number
            if record not in self.found and not gone:
                raise Fault(
                    "the case that it names (with patient, site and problems) was changed in the"
                    " store",
                    number,
                )

    # The end

    def finish(self) -> None:
        """After the last event: no signed head and no head that was kept may reach further."""
        left = [size for size in self.heads if not 1 <= size <= self.size]
        if left:
            raise Fault(
                "truncated: the ledger ends at event %d, a head over %d is signed"
                % (self.size, max(left)),
                self.size + 1,
            )
        noted = max(self.kept, default=0)
        if noted > self.size:
            raise Fault(
                "rolled back: the ledger ends at event %d, the head noted earlier was event %d"
                % (self.size, noted),
                self.size + 1,
            )
        if self.size and not self.heads and not self.copy:
            raise Fault(
                "nothing in this ledger is signed: its signed heads are missing, or it is older"
                " than they are (sign it then)",
                1,
            )


SAID = ("input", "model", "used", "missing", "flags", "to_decide", "explanation")


def said_of(assessment: Fields) -> List[Any]:
    """What an ASSESSED event has to say of an assessment, in the order of `SAID`."""
    listed = assessment["suggestions"]
    shown = [s for s in listed if s["withheld_because"] is None]
    model, parts = assessment["model"], assessment["modalities"]
    return [
        assessment["case_id"],
        assessment["input_digest"],
        {
            "name": model["name"],
            "digest": model["digest"],
            "configuration": model["configuration_digest"],
        },
        parts["used"],
        parts["missing"],
        {
            "out_of_distribution": assessment["out_of_distribution"]["flagged"],
            "conflicts": len(assessment["conflicts"]),
            "withheld": len(listed) - len(shown),
        },
        [s["diagnosis"] for s in shown if s["probability"] >= s["threshold"]],
        {
            "methods": sorted({e["method"] for e in assessment["explanations"]}),
            "digest": sha256(canonical(assessment["explanations"])),
        },
    ]


def due(kind: str, events: int, before: str, now: str) -> bool:
    """Whether a head is due with an event of that kind, so many events after the last one.

    `before` is the time of the last head, `now` that of the event, as they stand in the record.
    """
    if kind in AT_ONCE or events >= EVERY_EVENTS:
        return True
    try:
        return datetime.fromisoformat(now) - datetime.fromisoformat(before) >= EVERY
    except (ValueError, TypeError):  # spoiled, so that it is looked at now
        return True


def check_moment(time: str, limit: str, what: str, number: int) -> None:
    """A time is written as Triptych writes it, and is not later than `limit`."""
    if not MOMENT.fullmatch(time):
        raise Fault("the time of %s is not one" % what, number)
    if time > limit:
        raise Fault(
            "%s is dated %s, which is later than the clock here: one of the two is wrong"
            % (what, time[:16]),
            number,
        )


def check_types(event: Fields, number: int) -> None:
    """The fields of an event are those that it has, of the right type."""
    whole = len(event) == len(EVENT_FIELDS)
    if whole and list(map(type, map(event.get, EVENT_FIELDS))) == EVENT_TYPES:
        return
    names = EVENT_FIELDS if "payload" in event else HIDDEN_FIELDS
    if set(event) != set(names):
        raise Fault("it does not have the fields of an event", number)
    for name in names:
        value = event[name]
        kind = {"sequence": int, "payload": dict}.get(name, str)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise Fault("the field %s was changed: it has the wrong type" % name, number)


def check_head_types(head: Any) -> None:
    """A signed head has the fields of one."""
    right = isinstance(head, dict) and is_whole(head.get("size")) and head["size"] > 0
    if not right or not all(isinstance(head.get(name), str) for name in HEAD_FIELDS[1:]):
        raise Fault("A signed head does not have the fields of one.")


def gap(expected: int, found: int) -> str:
    """What is wrong where another number stands than the next."""
    if found < 1:
        return "an event numbered %d comes before the first" % found
    return "event %d is missing, event %d comes next" % (expected, found)


def name_of(kind: str, case: str, digest: str) -> str:
    """How something is called here: the inputs of two cases may be the same."""
    return "%s %s" % (case, digest) if kind == "input" else digest


# --- The files of an export ----------------------------------------------------------------------

# A name that a case, a person or a file may have here; what else it could hold might mislead.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
MOST_FILES = 1000
MOST_OF_VALUE = 1 << 29  # bytes of a JSON file that is read as a whole
MOST_OF_MANIFEST = 1 << 26
MOST_OF_LINE = 1 << 26
MOST_OF_RATIO = 250  # what a file is unpacked to, by what it is packed to
UNSUSPECTED = 1 << 26  # bytes that a file may unpack to whatever it is packed to


class Files:
    """The export, in a ZIP file or unpacked in a folder."""

    def __init__(self, place: Path) -> None:
        self.archive = None if place.is_dir() else zipfile.ZipFile(str(place))
        self.place = place
        if self.archive:
            check_layout(place, self.archive)
            self.sizes = {entry.filename: entry.file_size for entry in self.archive.infolist()}
            listed = self.archive.namelist()
        else:
            found = [path for path in place.rglob("*") if not path.is_dir() or path.is_symlink()]
            if any(path.is_symlink() or not path.is_file() for path in found):
                raise Fault("The folder holds a link to another place, or what is no file.")
            listed = [path.relative_to(place).as_posix() for path in found]
            self.sizes = {
                name: path.stat().st_size
                for name, path in zip(listed, found)  # noqa: B905
            }
        if len(listed) > MOST_FILES:
            raise Fault("The export holds more than %d files." % MOST_FILES)
        if len({name.lower() for name in listed}) != len(listed):
            raise Fault("The export holds two files of the same name.")
        for name in listed:
            if not PLAIN_NAME.fullmatch(name) or len(name) > 200:
                raise Fault("The export holds a file with a name that none of ours has.")
        self.names = set(listed)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece."""
        if name not in self.names:
            raise Fault("The file %s is missing." % name)
        if self.archive:
            yield from self.unpacked(self.archive.getinfo(name))
            return
        with (self.place / name).open("rb") as file:
            for piece in iter(lambda: file.read(1 << 16), b""):
                yield piece

    def unpacked(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a file in the ZIP, which is all that was packed.

        `zipfile` does not look at what lies behind the end of a packed stream.
        """
        state = zlib.decompressobj(-15)  # a stream without a header
        stored = entry.compress_type == zipfile.ZIP_STORED
        size = crc = 0
        with self.place.open("rb") as file:
            file.seek(entry.header_offset + 26)
            file.seek(sum(struct.unpack("<HH", file.read(4))), 1)
            left, waiting = entry.compress_size, b""
            while left or not (stored or state.eof):
                fresh = b"" if waiting else file.read(min(left, 1 << 16))
                left -= len(fresh)
                piece = fresh if stored else state.decompress(waiting or fresh, 1 << 20)
                waiting = state.unconsumed_tail
                size, crc = size + len(piece), zlib.crc32(piece, crc)
                if state.unused_data or (state.eof and left) or not (fresh or piece):
                    raise Fault(STRANGE)
                yield piece
        if (size, crc) != (entry.file_size, entry.CRC):
            raise Fault("The file %s was changed after the export." % entry.filename)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without their ends."""
        waiting: List[bytes] = []
        length = 0
        for piece in self.chunks(name):
            parts = piece.split(b"\n")
            for part in parts[:-1]:
                yield b"".join(waiting) + part
                waiting, length = [], 0
            waiting.append(parts[-1])
            length += len(parts[-1])
            if length > MOST_OF_LINE:
                raise Fault("A line of the file %s is longer than any of ours." % name)
        if length:
            yield b"".join(waiting)

    def content(self, name: str, most: int = MOST_OF_VALUE) -> bytes:
        """A whole file."""
        if self.sizes.get(name, 0) > most:
            raise Fault("The file %s is larger than any of ours." % name)
        return b"".join(self.chunks(name))

    def value(self, name: str) -> Any:
        """A JSON file."""
        return parsed(self.content(name))


LARGE = (1 << 31) - 1  # a size or a place above this is written in 64 bits, too
STRANGE = "The ZIP holds bytes that its directory does not list, or was packed by another program."


def check_layout(place: Path, archive: zipfile.ZipFile) -> None:
    """The ZIP is to the byte what its files and their order make of it.

    Otherwise two programs may show two different files under one name, or one of them a link, fewer
    files, or bytes that the other does not show.
    """
    at, directory = 0, b""
    with place.open("rb") as file:
        for entry in archive.infolist():
            if entry.header_offset != at:
                raise Fault(STRANGE)
            file.seek(at)
            at, record = check_entry(file, entry)
            directory += record
        file.seek(at)
        end = end_of_directory(len(archive.infolist()), len(directory), at)
        if at != archive.start_dir or file.read(len(directory) + len(end) + 1) != directory + end:
            raise Fault(STRANGE)


def check_entry(file: Any, entry: zipfile.ZipInfo) -> Tuple[int, bytes]:
    """Check what stands in front of a file; where the next begins, and what the directory says."""
    at, head = file.tell(), file.read(30)
    if head[:4] != b"PK\3\4":
        raise Fault(STRANGE)
    version, flags, method, time, date, crc, packed_size, size, long, more = struct.unpack(
        "<HHHHHLLLHH", head[4:]
    )
    own, extra = file.read(long), file.read(more)
    if extra:
        if len(extra) != 20 or extra[:4] != b"\1\0\x10\0":
            raise Fault(STRANGE)
        size, packed_size = struct.unpack("<QQ", extra[4:])
    if flags & ~0x800 or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Fault(STRANGE)
    if method == zipfile.ZIP_STORED and size != packed_size:
        raise Fault(STRANGE)
    if size > max(UNSUSPECTED, MOST_OF_RATIO * packed_size):
        raise Fault("A file in the ZIP would unpack to far more than it is packed to.")
    mode, marks = entry.external_attr >> 16, entry.external_attr & 0xFFFF
    if mode & ~0o777 not in (0, 0o100000) or marks or entry.create_system not in (0, 3):
        raise Fault(STRANGE)
    large = [size, packed_size] if max(size, packed_size) > LARGE else []
    wide = large + ([at] if at > LARGE else [])
    field = struct.pack("<HH%dQ" % len(wide), 1, 8 * len(wide), *wide) if wide else b""
    sizes = (0xFFFFFFFF, 0xFFFFFFFF) if large else (packed_size, size)
    version = max(version, 45) if wide else version
    told = (version, entry.create_system, version, 0, flags, method, time, date, crc, *sizes)
    record = struct.pack("<4s4B4H3L", b"PK\1\2", *told)
    record += struct.pack(
        "<5H2L", long, len(field), 0, 0, 0, entry.external_attr, 0xFFFFFFFF if at > LARGE else at
    )
    return at + 30 + long + more + packed_size, record + own + field


def end_of_directory(count: int, size: int, at: int) -> bytes:
    """The end of the directory of so many files, which begins `at`, with what large ones need."""
    wide = b""
    if count > 0xFFFF or max(size, at) > LARGE:
        wide = struct.pack(
            "<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at
        ) + struct.pack("<4sLQL", b"PK\6\7", 0, at + size, 1)
        count, size, at = min(count, 0xFFFF), min(size, 0xFFFFFFFF), min(at, 0xFFFFFFFF)
    return wide + struct.pack("<4s4HLLH", b"PK\5\6", 0, 0, count, count, size, at, 0)


class Record:
    """What has been read so far, for the checks that come after one another."""

    def __init__(self, files: Files, kept: Iterable[Fields]) -> None:
        self.files = files
        self.kept = list(kept)
        self.manifest: Fields = {}
        self.walk = Walk()
        self.key = ""


def check_files(record: Record) -> str:
    """Every file is there, is named, and has the digest that the manifest gives."""
    record.manifest = parsed(record.files.content("manifest.json", MOST_OF_MANIFEST))
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
    if found["intact"] is not True:
        where = found["first_broken"] or "its end"
        raise Fault("The ledger was broken when exported, at %s: %s." % (where, found["reason"]))
    return "Triptych verified the ledger just before the export."


def check_events(record: Record) -> str:
    """Each event follows the one before it, and each signed head fits the events."""
    copy = partial(record)
    heads = [] if copy else record.files.value("heads.json")
    for head in heads:
        check_head_types(head)
    if len({head["size"] for head in heads}) != len(heads):
        raise Fault("Two signed heads are over the same events.")
    end = record.manifest["copy" if copy else "head"]
    record.walk = walk = Walk(heads, [] if copy else kept_then(record, end["sequence"]), copy=copy)
    walk.walk(events_of(record))
    if not is_whole(end["sequence"]) or (walk.size, walk.end) != (end["sequence"], end["hash"]):
        raise Fault("The events do not end where the manifest says: some were cut off or added.")
    walk.finish()
    record.key = walk.key
    if copy:
        return (
            "All %d events of the de-identified copy follow one another without a gap." % walk.size
        )
    return "All %d events of the ledger follow one another without a gap; %d are shown here." % (
        walk.size,
        walk.read,
    )


def kept_then(record: Record, size: int) -> List[Fields]:
    """The heads kept elsewhere, without those signed since the record was exported."""

    def is_later(head: Fields) -> bool:
        since = str(head.get("time", ""))[:19] >= str(record.manifest["created"])[:19]
        return "root" in head and head["size"] > size and since

    return [head for head in record.kept if not is_later(head)]


def events_of(record: Record) -> Iterator[Fields]:
    """The events, each written in the one form in which its hash was computed."""
    for number, line in enumerate(record.files.lines("events.jsonl"), 1):
        event = parsed(line)
        if not isinstance(event, dict) or canonical(event) != line:
            raise Fault("it is not canonical JSON", number)
        yield event


def check_heads(record: Record) -> str:
    """How far the signed heads reach; each was checked among the events that it is over."""
    walk = record.walk
    if partial(record) or walk.last is None:
        return ""  # the heads are over the events as they were, which are not here
    return "The key signed the first %d of %d events, in %d heads that match them." % (
        walk.last["size"],
        walk.size,
        len(walk.heads),
    )


def partial(record: Record) -> bool:
    """Whether the events here are a de-identified copy, from which no head can be computed."""
    return bool(record.manifest["de_identified"])


def check_receipt(record: Record) -> str:
    """The ledger recorded this very export, and the key signed that."""
    text = record.files.content("receipt.json", MOST_OF_MANIFEST)
    receipt = parsed(text)
    if (json.dumps(receipt, indent=2, ensure_ascii=False) + "\n").encode() != text:
        raise Fault("The receipt is not written as Triptych writes it.")
    event, head = receipt["event"], receipt["head"]
    check_types(event, 0)
    check_head_types(head)
    fields = {"statement", "key", *HEAD_FIELDS}
    if set(receipt) != {"event", "head", "path"} or set(head) != fields:
        raise Fault("The receipt holds something that is not in a receipt.")
    content = canonical({name: event[name] for name in EVENT_FIELDS[:-1]})
    manifest = sha256(b"".join(record.files.chunks("manifest.json")))
    if event["kind"] != "EXPORTED" or event["payload"].get("manifest") != manifest:
        raise Fault("The list of files (manifest.json) is not the one that the ledger recorded.")
    if sha256(content) != event["hash"]:
        raise Fault("The receipt does not have the hash of its content.")
    path = [raw(step) for step in receipt["path"]]
    leaf = hashlib.sha256(b"\0" + content).digest()
    if included(leaf, event["sequence"] - 1, head["size"], path) != head["root"]:
        raise Fault("The receipt of the export is not covered by its signed head.")
    if record.walk.last and head["origin"] != record.walk.last["origin"]:
        raise Fault("The receipt belongs to another ledger.")
    if record.key and key_digest(head["public_key"]) != record.key:
        raise Fault("The receipt is signed with a different key from the record.")
    form = form_of(head)
    told = (head["statement"], head["key"])
    if not form or told != (HEAD_STATEMENTS[form], key_digest(head["public_key"])):
        raise Fault("The signature of the receipt is not valid.")
    end = record.manifest["head"]
    follows = event["sequence"] == end["sequence"] + 1
    if event["sequence"] <= end["sequence"] or (follows and event["previous"] != end["hash"]):
        raise Fault("The receipt does not follow the last event.")
    record.key = key_digest(head["public_key"])
    return (
        "The ledger recorded this export as event %d, and the key signed that." % event["sequence"]
    )


def check_proofs(record: Record) -> str:
    """Each proof of inclusion leads to the root that was signed."""
    if partial(record):
        return ""
    proofs, leaves = record.files.value("proofs.json"), record.walk.leaves
    proved = {proof["sequence"] for proof in proofs["events"]}
    for number in leaves:
        if number <= proofs["size"] and number not in proved:
            raise Fault("The proof for event %d is missing." % number)
    for proof in proofs["events"]:
        number, path = proof["sequence"], [raw(step) for step in proof["path"]]
        leaf = raw(proof["leaf"])
        right = leaves.get(number, leaf) == leaf
        top = included(leaf, number - 1, proofs["size"], path)
        if not right or top != record.walk.roots.get(proofs["size"]):
            raise Fault("The proof for event %d is not valid." % number)
    return "%d proofs of inclusion lead to the signed head." % len(proofs["events"])


def check_signatures(record: Record) -> str:
    """How many signatures there are; each was checked when its event was read."""
    walk = record.walk
    words = "%d signatures of readers match the decisions they cover." % len(walk.leaves)
    if walk.confirmed:
        words += " A passkey of the reader confirmed %d of them." % walk.confirmed
    if walk.unproved:
        words += " Whether a passkey confirmed %d cannot be checked here: the" % walk.unproved
        words += " accounts are not shown."
    return words


def check_records(record: Record) -> str:
    """Assessments, inputs and comments have the digests that the events name."""
    walk = record.walk
    patients: Dict[str, List[Fields]] = {}
    for line, number in lines_of(record, "assessments.jsonl", "assessment"):
        found = walk.take_assessment(line)
        if found is None:
            raise not_named("assessments.jsonl", number)
        called = name_of("input", found["case_id"], found["input_digest"])
        patients.setdefault(called, []).append(
            {n: found[n] for n in ("patient_id", "input_digest")}
        )
    for line, number in lines_of(record, "cases.jsonl", "input"):
        case = walk.take_case(line)
        if case is None:
            raise not_named("cases.jsonl", number)
        seen = {name: case.get(name) for name in ("decision_time", "inputs")}
        for found in patients.get(name_of("input", case["case_id"], sha256(canonical(seen))), ()):
            walk.check_patient(found, case)
    for line, number in lines_of(record, "comments.jsonl", "comment"):
        if not walk.take_comment(line):
            raise not_named("comments.jsonl", number)
    walk.check_held()
    words = "%d assessments, %d cases and %d comments are the ones the events name." % tuple(
        len(walk.named[kind]) for kind in RECORDS
    )
    gone = {
        number for kind in RECORDS for listed in walk.purged[kind].values() for number in listed
    }
    if gone:
        numbers = ", ".join(str(event) for event in sorted(gone)[:20])
        more = " and %d more" % (len(gone) - 20) if len(gone) > 20 else ""
        words += " What is missing of them was purged by event %s%s." % (numbers, more)
    return words


def lines_of(record: Record, name: str, kind: str) -> Iterator[Tuple[bytes, int]]:
    """The lines of a file that hold a record; one that says what purged it has to be right."""
    for number, line in enumerate(record.files.lines(name), 1):
        if b'"purged_by"' in line[-40:]:
            value = parsed(line)
            called = name_of(kind, value["case_id"], value[kind])
            if value["purged_by"] not in record.walk.purged[kind].get(called, ()):
                raise Fault("Line %d of %s names no event that purged it." % (number, name))
        else:
            yield line, number


def not_named(name: str, number: int) -> Fault:
    """The fault where a file holds more than it should."""
    return Fault("Line %d of %s is not what an event names." % (number, name))


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

UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)


def examine(
    place: Path, key: str, kept: Iterable[Fields] = ()
) -> Tuple[List[str], List[str], Fields, str]:
    """What holds, what is wrong (nothing, or the first fault), the manifest, and the key."""
    good: List[str] = []
    record: Optional[Record] = None
    bad = ""
    try:
        record = Record(Files(place), kept)
        for check in CHECKS:
            words = check(record)
            good += [words] if words else []
        if key and key != record.key:
            raise Fault("The key is not the one you gave.")
    except Fault as fault:
        bad = fault.reason
        if fault.number:
            bad = "Event %d: %s." % (fault.number, bad)
    except RecursionError:
        bad = "A file is not in the format of an export: it was changed."
    except UNREADABLE as error:
        bad = "The export cannot be read: %s." % error
    except SPOILED:
        bad = "A file is not in the format of an export: it was changed."
    found = record.manifest if record and isinstance(record.manifest, dict) else {}
    return good, [bad] if bad else [], found, record.key if record else ""


def plain(text: Any) -> str:
    """A text from a record on one line, without what would move or hide other text on a screen."""
    shown = "".join(
        sign if sign.isprintable() else "\\u%04x" % ord(sign) for sign in str(text)[:400]
    )
    return shown + ("..." if len(str(text)) > 400 else "")


def verdict(good: List[str], bad: List[str], manifest: Fields, key: str) -> str:
    """One page of plain words."""
    lines = ["TRIPTYCH RECORD: VERDICT", "Research use only. Not a medical device.", ""]
    lines.append("THE RECORD IS INTACT." if not bad else "THE RECORD IS NOT INTACT.")
    if manifest.get("created"):
        by = plain(manifest.get("actor", "?"))
        lines.append("Exported %s by %s." % (plain(manifest["created"]), by))
    lines += ["", "What was verified:"]
    lines += ["  + " + plain(text) for text in good] or ["  (nothing)"]
    if bad:
        lines += ["", "What failed (later checks were not run):", "  - " + plain(bad[0])]
    else:
        lines += ["", "Digest of the signing key:", "  " + key]
    lines += meaning(bool(bad), manifest)
    lines += ["", "What this cannot show:"]
    lines += ["  Who holds the key: compare its digest with one from another source (--key)."]
    lines += ["  That the clock was right, that people were who they said they were, or that a"]
    lines += ["  decision was right. What was never recorded cannot be detected."]
    return "\n".join(lines)


def meaning(bad: bool, manifest: Fields) -> List[str]:
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


def kept_heads(data: bytes, signed_by: Signed = signed) -> List[Fields]:
    """The heads in a file: one that was kept, the manifest of an export, or those of a witness."""
    try:
        first = parsed(data)
        found = [first["head"] if isinstance(first.get("head"), dict) else first]
    except (ValueError, AttributeError):
        found = [head for line in data.split(b"\n") for head in whole_line(line)]
    if not found:
        raise Fault("The file holds no head.")
    for head in found:
        if (
            isinstance(head, dict)
            and set(head) == {"sequence", "hash"}
            and is_whole(head["sequence"])
        ):
            continue
        check_head_types(head)
        form = form_of(head, signed_by)
        if not form or head.get("statement") != HEAD_STATEMENTS[form]:
            raise Fault("The signature of a head that was kept does not match.")
    return found


def whole_line(line: bytes) -> List[Any]:
    """The head in a line of a witness; none in one that was cut short by a crash."""
    try:
        return [parsed(line)]
    except ValueError:
        return []


def main(arguments: List[str]) -> int:
    """Check what the arguments name; 0 if it is intact."""
    given: Dict[str, str] = {}
    rest = list(arguments)
    for option in ("--key", "--head", "--witness"):
        if option in rest:
            place = rest.index(option)
            given[option] = "".join(rest[place + 1 : place + 2])
            del rest[place : place + 2]
    where = Path(rest[0]) if rest else Path(__file__).resolve().parent
    kept: List[Fields] = []
    try:
        for option in ("--head", "--witness"):
            if option in given:
                kept += kept_heads(Path(given[option]).read_bytes())
        good, bad, manifest, digest = examine(where, given.get("--key", "").lower(), kept)
    except (Fault, OSError, ValueError) as fault:
        good, manifest, digest = [], {}, ""
        bad = ["The head that was kept cannot be used: %s" % fault]
    text = verdict(good, bad, manifest, digest)
    sys.stdout.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
