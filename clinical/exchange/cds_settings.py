"""Which record systems may ask for cards, and about which cases: the table [cds_hooks].

It stands in the file of `triptych receive`, whose table [assembly] says by whose authority patients
are matched, or in a file of its own with both. docs/cds-hooks.md has every key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from clinical.config import build, read_toml
from clinical.errors import ConfigError
from clinical.exchange import assembly_rules, cds_token, peers
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.cds_token import Client

TABLE = "cds_hooks"

CHEST_IMAGING = ("30745-4", "36643-5", "36554-4", "24627-2", "399208008", "169069000")
"""Codes of orders that need no words: LOINC chest films and CT, and the same of SNOMED CT."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Settings:
    """What is answered, and to whom.

    Attributes:
        clients: record systems that may ask.
        days: how old the newest case of a patient may be, by its decision; 0: any age.
        order_hours: the same where an order of chest imaging is about to be signed.
        order_codes: codes of such orders, beside those whose words name a region of the rules.
        origins: of clients that run in a browser, such as "https://ehr.example.org".
        largest_kb: kilobytes of the largest body that is taken.
        at_once: bodies that are read and answered at a time; more are told to come again.
        per_minute: requests of one client within a minute.
        body_seconds: in which a body has to be there.
    """

    clients: tuple[Client, ...]
    days: float = 30.0
    order_hours: float = 24.0
    order_codes: tuple[str, ...] = CHEST_IMAGING
    origins: tuple[str, ...] = ()
    largest_kb: float = 512.0
    at_once: int = 8
    per_minute: int = 300
    body_seconds: float = 10.0


@dataclass(frozen=True)
class Setup:
    """The settings, and what of the same file they rest on.

    Attributes:
        settings: of the table.
        rules: by which patients are matched, and which words name a chest.
        inbox: folder of the receiver, whose chart knows which numbers were merged, or None.
    """

    settings: Settings
    rules: Rules
    inbox: Path | None = None


def read(path: Path) -> Setup:
    """The settings in a TOML file; relative paths are relative to it.

    Raises:
        ConfigError: if the file, the table or a file of keys cannot be used.
    """
    data, where = read_toml(path), f"{path.name}: {TABLE}"
    table = data.get(TABLE)
    if not isinstance(table, Mapping):
        raise ConfigError(
            f"{path.name} has no table {TABLE}.",
            remedy=f"add [{TABLE}]; docs/cds-hooks.md has an example",
        )
    found: Settings = build(Settings, table, where)
    clients = tuple(replace(one, keys=str(_beside(path, one.keys))) for one in found.clients)
    settings = replace(found, clients=clients)
    _check(settings, where)
    inbox = data.get("inbox")
    rules = assembly_rules.load(path)
    return Setup(settings, rules, _beside(path, inbox) if isinstance(inbox, str) else None)


def _check(settings: Settings, where: str) -> None:
    peers.check_bounds(replace(settings, days=settings.days or 1.0), where)
    if not settings.clients:
        raise ConfigError(f"{where} names no client.", remedy="add a table to clients")
    for name in ("name", "issuer"):
        told = [getattr(client, name) for client in settings.clients]
        if len(set(told)) < len(told) or not all(told):
            raise ConfigError(
                f"{where}: two clients have one {name}, or one has none.",
                remedy="give each its own",
            )
    for client in settings.clients:
        if not _NAME.fullmatch(client.name):
            raise ConfigError(
                f"{where}: {client.name!r} is no name of a client.",
                remedy="use up to 50 lower-case letters, digits and . _ -",
            )
        cds_token.keys_in(Path(client.keys))
    for origin in settings.origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"{where}: {origin!r} is no origin.",
                remedy='write scheme and name, such as "https://ehr.example.org", and no path',
            )


def _beside(path: Path, given: str) -> Path:
    return (path.parent / Path(given).expanduser()).absolute()
