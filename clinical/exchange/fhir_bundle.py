"""FHIR R4 JSON to resources: a Bundle, NDJSON as of a bulk export, or one resource.

References are resolved within what was sent: by fullUrl, urn:uuid, Type/id, and `#` for contained
resources. Nothing is ever fetched. https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from clinical.exchange.facts import Refusal
from clinical.exchange.fhir_elements import Element, child, children, word

LONGEST = 64 * 1024 * 1024
"""Bytes of what is read at once."""
BUNDLES = ("transaction", "batch", "collection", "searchset", "document", "message")

_TYPE = re.compile(r"[A-Z][A-Za-z]{1,39}", re.ASCII)
_LITERAL = re.compile(r"(?:(?P<base>https?://.+)/)?(?P<what>[A-Z][A-Za-z]+/[^/?#]+)")
_VERSION = re.compile(r"/_history/[^/]+$")


@dataclass(frozen=True)
class Entry:
    """One resource and where it stands.

    Attributes:
        resource: as sent.
        kind: its resourceType.
        where: entry[3] of a Bundle, line[3] of NDJSON, or "" for one resource.
        url: its fullUrl, or "".
    """

    resource: Element
    kind: str
    where: str = ""
    url: str = ""

    def place(self, element: str = "") -> str:
        """Where an element stands, such as entry[3] Observation.value."""
        name = f"{self.kind}.{element}" if element else self.kind
        return f"{self.where} {name}".strip()

    @property
    def base(self) -> str:
        """Address of the server that the resource is of, or ""."""
        match = _LITERAL.fullmatch(self.url)
        return (match["base"] or "") if match else ""


@dataclass(frozen=True)
class Sent:
    """What was sent, resources and what is none.

    Attributes:
        entries: in their order; a resource that is there twice is both times.
        refused: what is no resource.
        by_name: fullUrl and Type/id to the resource.
    """

    entries: tuple[Entry, ...] = ()
    refused: tuple[Refusal, ...] = ()
    by_name: Mapping[str, Entry] = field(default_factory=dict)

    def find(self, reference: str, holder: Entry) -> Entry | None:
        """What a reference of `holder` means, if it was sent."""
        if reference.startswith("#"):
            for one in children(holder.resource, "contained"):
                if word(one, "id") == reference[1:]:
                    return Entry(one, word(one, "resourceType"), holder.where)
            return None
        text = _VERSION.sub("", reference)
        match = _LITERAL.fullmatch(text)
        names = [text]
        if match and not match["base"]:
            # Relative to the server that the holder is of, then to whatever was sent.
            names = [f"{holder.base}/{text}", text] if holder.base else [text]
        return next((self.by_name[name] for name in names if name in self.by_name), None)


def read(data: bytes) -> Sent:
    """The resources in what was sent; never an exception, whatever the bytes are."""
    if len(data) > LONGEST:
        return _refused("Bundle", "what was sent is too long.", "send it in parts")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _refused("Bundle", "what was sent is not UTF-8.", "send FHIR as JSON in UTF-8")
    whole = parsed(text)
    lines = [(at, line) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if isinstance(whole, dict):
        bundle = whole.get("resourceType") == "Bundle"
        return _of_bundle(whole) if bundle else _of([("", whole, "")])
    if len(lines) < 2:
        return _refused("Bundle", "what was sent is no FHIR in JSON.", "send a Bundle or NDJSON")
    return _of([(f"line[{at}]", parsed(line), "") for at, line in lines])


def _refused(place: str, reason: str, remedy: str) -> Sent:
    return Sent(refused=(Refusal(place, reason, remedy),))


def parsed(text: str) -> object:
    """What a text holds, numbers with their digits; None where it is no JSON."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _of_bundle(bundle: Element) -> Sent:
    if word(bundle, "type") not in BUNDLES:
        remedy = "send a transaction, a collection or a searchset"
        return _refused("Bundle.type", "the type of the Bundle is not read here.", remedy)
    found = bundle.get("entry")
    entries = found if isinstance(found, list) else []
    return _of(list(_entries(entries)))


def _entries(entries: Sequence[object]) -> Iterator[tuple[str, object, str]]:
    for at, entry in enumerate(entries):
        where = f"entry[{at}]"
        if not isinstance(entry, dict):
            yield where, None, ""
        elif word(child(entry, "request"), "method") == "DELETE":
            yield f"{where}.request", None, ""
        else:
            yield where, entry.get("resource"), word(entry, "fullUrl")


def _of(found: Sequence[tuple[str, object, str]]) -> Sent:
    entries: list[Entry] = []
    refused: list[Refusal] = []
    for where, resource, url in found:
        kind = word(resource, "resourceType") if isinstance(resource, dict) else ""
        if where.endswith(".request"):
            reason = "nothing is deleted on request."
            refused.append(Refusal(where, reason, "send the resource as entered in error"))
        elif not isinstance(resource, dict) or not _TYPE.fullmatch(kind):
            refused.append(Refusal(where or "Bundle", "it is no resource.", "send FHIR R4"))
        else:
            entries.append(Entry(resource, kind, where, url))
    return Sent(tuple(entries), tuple(refused), _named(entries))


def _named(entries: Sequence[Entry]) -> dict[str, Entry]:
    names: dict[str, Entry] = {}
    for entry in entries:
        if word(entry.resource, "id"):
            names.setdefault(f"{entry.kind}/{word(entry.resource, 'id')}", entry)
        if entry.url:
            names[entry.url] = entry
    return names


def literal(reference: str) -> tuple[str, str] | None:
    """Base (or "") and Type/id of a reference to a resource on a server, or None."""
    match = _LITERAL.fullmatch(_VERSION.sub("", reference))
    return (match["base"] or "", match["what"]) if match else None
