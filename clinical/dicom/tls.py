"""How a port that hospital systems send to is encrypted: that of DICOM, and every other one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from clinical.errors import ConfigError


@dataclass(frozen=True)
class Tls:
    """Encryption, at least TLS 1.2 (for DICOM, PS3.15 annex B.12).

    Attributes:
        certificate, key: PEM files of this side; no certificate: no TLS.
        client_ca: PEM file of who signs the certificates that senders must show; "": they need not.
    """

    certificate: str = ""
    key: str = ""
    client_ca: str = ""


def server_context(tls: Tls, where: str) -> ssl.SSLContext | None:
    """What encrypts the line; None without a certificate.

    Args:
        tls: the files.
        where: the table of the settings, for the error.

    Raises:
        ConfigError: for a file that cannot be used.
    """
    if not tls.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key or None)
        if tls.client_ca:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise ConfigError(
            f"The files of {where}.tls cannot be used ({error.strerror or 'not PEM'}).",
            remedy="give PEM files: the certificate with its chain, its key without password, and"
            " who signs those of senders.",
        ) from None
    return context
