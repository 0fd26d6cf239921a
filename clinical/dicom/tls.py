"""How lines to and from hospital systems are encrypted: those of DICOM, and every other one."""

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


class ClientContext(ssl.SSLContext):
    """What encrypts a line that is opened from here, and remembers why one could not be.

    Attributes:
        fault: of the last handshake, or None; some libraries keep it for themselves.
    """

    fault: ssl.SSLError | None = None


class _Line(ssl.SSLSocket):
    """One line of a `ClientContext`."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ssl.SSLError as error:
            if isinstance(self.context, ClientContext):
                self.context.fault = error
            raise

    def shutdown(self, how: int) -> None:
        try:
            super().shutdown(how)
        except OSError:
            # pynetdicom closes only what it could shut down, and its other side may be gone.
            self.close()
            raise


def client_context(ca: str, whose: str, *, certificate: str = "", key: str = "") -> ClientContext:
    """What encrypts a line, at least TLS 1.2, to a receiver whose certificate and name must fit.

    Args:
        ca: PEM file of who signs the receiver's certificate; "": whom this machine trusts.
        whose: of whom, for the error.
        certificate, key: PEM files to show to it, where it asks.

    Raises:
        ConfigError: for a file that cannot be used.
    """
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)  # asks for a certificate of that name
    context.sslsocket_class = _Line
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca:
            context.load_verify_locations(ca)
        else:
            context.load_default_certs()
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except OSError as error:
        raise ConfigError(
            f"The certificates for {whose} cannot be used ({error.strerror or 'not PEM'}).",
            remedy="give PEM files that this account can read, and a key without password.",
        ) from None
    return context


_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64  # of OpenSSL, x509_vfy.h


def unreachable(who: str, error: OSError | None) -> str:
    """Why nobody was reached, for the status; it holds nothing that was sent.

    Args:
        who: such as "the archive".
        error: what the operating system or the handshake said, if that is known.
    """
    match error:
        case ssl.SSLCertVerificationError(verify_code=code):
            why = {
                _EXPIRED: "has expired",
                _NOT_YET: "does not hold yet",
                _OTHER_NAME: "is of another name",
                _OTHER_ADDRESS: "is of another address",
            }.get(code, "is not signed by whom we trust")
            return f"{who} is not trusted: its certificate {why}"
        case ssl.SSLError():
            return f"{who} and we do not agree on encryption ({error.reason or 'no TLS'})"
        case None:
            return f"{who} cannot be reached"
    return f"{who} cannot be reached ({type(error).__name__})"
