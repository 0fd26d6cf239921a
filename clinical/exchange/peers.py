"""Who may connect to a port, and within which bounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

from clinical.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Network = IPv4Network | IPv6Network


def unheard(reason: str) -> None:
    """Where reasons go that nobody asked for."""
    del reason


def networks(senders: Iterable[str], where: str) -> tuple[Network, ...]:
    """Addresses and networks of settings.

    Args:
        senders: such as 192.0.2.7 or 192.0.2.0/24.
        where: the settings, for the error.

    Raises:
        ConfigError: for one that is none.
    """
    try:
        return tuple(ip_network(one) for one in senders)
    except ValueError as error:
        raise ConfigError(
            f"{where}: senders holds one that is no address: {error}.",
            remedy='write addresses or networks, such as "192.0.2.7" or "192.0.2.0/24"',
        ) from None


def check_bounds(settings: DataclassInstance, where: str) -> None:
    """See that the numbers of settings are above 0, but for a port, which may be any that is free.

    Raises:
        ConfigError: for one that is not.
    """
    for spec in fields(settings):
        value = getattr(settings, spec.name)
        if spec.name != "port" and isinstance(value, int | float) and not 0 < value < math.inf:
            raise ConfigError(f"{where}: {spec.name} is {value}.", remedy="choose more than 0")


def address(text: str) -> IPv4Address | IPv6Address:
    """The address of a peer; one of IPv4 that is written as one of IPv6 is what it is.

    Raises:
        ValueError: for a text that is none.
    """
    found = ip_address(text)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
