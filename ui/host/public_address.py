"""The address that readers open, where a proxy on this machine adds TLS before the page.

The page itself stays on loopback. What it is told of the address decides whose pages may ask
(`ui.host.origin`), which names it answers to, and that its cookie travels over TLS only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from clinical.errors import ConfigError

_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
TLS_PORT = 443


@dataclass(frozen=True)
class PublicAddress:
    """What browsers show in front of the path.

    Attributes:
        host: name or IPv4 address, in lower case.
        port: of TLS.
    """

    host: str
    port: int = TLS_PORT

    @property
    def origin(self) -> str:
        """As a browser gives it in the header Origin (RFC 6454, section 6.1)."""
        return f"https://{self.host}" + ("" if self.port == TLS_PORT else f":{self.port}")


def public_address(stated: str) -> PublicAddress:
    """An address as somebody states it, such as https://reading.hospital.example.

    Raises:
        ConfigError: if it is not https, or holds more than a name and a port.
    """
    try:
        parts = urlsplit(stated.strip())
        port = parts.port or TLS_PORT
    except ValueError:
        raise _wrong() from None
    host = (parts.hostname or "").lower()
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme != "https" or not bare or parts.path not in ("", "/"):
        raise _wrong()
    if not _NAME.fullmatch(host):
        raise _wrong()
    return PublicAddress(host, port)


def _wrong() -> ConfigError:
    return ConfigError(
        "--public-address is not the address of a page behind TLS.",
        remedy="give scheme and name, such as https://reading.hospital.example, and no path",
    )
