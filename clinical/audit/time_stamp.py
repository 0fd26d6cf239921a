"""Third-party time stamps for signed heads (RFC 3161), exchanged as files: no network is used.

A request names the SHA-256 of the statement that a head signs, the same digest that the next head
names as the one before it. A time-stamping authority answers with a signed token which says that
the digest was there at a time by the authority's clock; the authority learns nothing else. The
ASN.1, the signature and the chain of certificates are read and checked by rfc3161-client (OpenSSL
underneath); what is asked of them is said here, so that each fault has words of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from clinical.audit import heads
from clinical.audit.answer_order import ordered
from clinical.audit.heads import TreeHead
from clinical.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

GRANTED = 0
"""Status of an answer that holds a token as it was asked for (RFC 3161, section 2.4.2)."""

SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")

_OTHER_ANSWER = "use the response to the request made for this head."
_OTHER_COPY = "use another copy of the response."
# What cryptography raises at a certificate that is not well formed; a KeyError is a name in letters
# of no known kind.
_CERTIFICATE_FAULTS = (
    ValueError,
    KeyError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True)
class TimeStamp:
    """What an authority says, once it is known to have said it.

    Attributes:
        time: by its clock, UTC, to the second (a part of a second is left out).
        accuracy: it may be off by so much, as the authority says itself; None where it does not.
        authority: subject of the certificate that signed, as RFC 4514 writes it.
    """

    time: datetime
    accuracy: timedelta | None
    authority: str


def request(head: TreeHead) -> bytes:
    """A TimeStampReq (RFC 3161, section 2.4.1) for `head`, DER; asks for the certificate.

    Each has a nonce of its own, so that an answer can be told from an older one.

    Raises:
        ConfigError: if rfc3161-client is not installed.
    """
    client = _client()
    asked = client.TimestampRequestBuilder(heads.statement(head), client.HashAlgorithm.SHA256)
    der: bytes = asked.build().as_bytes()
    return der


def check(
    head: TreeHead, answer: bytes, trusted: bytes, *, asked: bytes | None = None
) -> TimeStamp:
    """When `head` existed, by the clock of the authority that gave `answer`.

    Args:
        head: as it was kept.
        answer: the TimeStampResp, DER.
        trusted: certificates in PEM: the root of the authority, and those between the two that the
            answer does not hold. Only a root is trusted of itself.
        asked: the request, DER, where the nonce is to be compared, too.

    Raises:
        ConfigError: if rfc3161-client is not installed, or `trusted` or `asked` is something else.
        LedgerError: if the stamp does not hold; the message says why.
    """
    client, roots = _client(), _certificates(trusted)
    nonce = None if asked is None else _nonce(asked)
    response = _granted(client, answer)
    try:
        _check_what(response, heads.statement(head), nonce)
        authority = _signer(response)
        client.VerifierBuilder(roots=roots).build().verify_message(response, heads.statement(head))
    except client.VerificationError as error:
        raise _unverified(str(error)) from None
    except _CERTIFICATE_FAULTS:
        raise _void("it is not well formed", _OTHER_COPY) from None
    return TimeStamp(
        response.tst_info.gen_time,
        _accuracy(response),
        authority.subject.rfc4514_string(),
    )


def _client() -> ModuleType:
    try:
        import rfc3161_client
    except ImportError:
        raise ConfigError(
            "Time stamps need rfc3161-client.", remedy='pip install "triptych[timestamp]"'
        ) from None
    return rfc3161_client


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise ConfigError(
            "The certificate of the authority cannot be read.",
            remedy="give its root certificate as PEM, which begins with -----BEGIN CERTIFICATE-----"
            " (`openssl x509 -inform DER -in FILE -out ca.pem` makes one).",
        ) from None


def _nonce(asked: bytes) -> int | None:
    # The package reads requests, but gives the function no public name.
    from rfc3161_client._rust import parse_timestamp_request

    try:
        return parse_timestamp_request(asked).nonce
    except ValueError:
        raise ConfigError(
            "The request cannot be read.",
            remedy="give the file written by `audit sign --time-stamp-request`.",
        ) from None


def _granted(client: ModuleType, answer: bytes) -> TimeStampResponse:
    try:
        response: TimeStampResponse = client.decode_timestamp_response(ordered(answer))
    except ValueError:
        raise LedgerError(
            "This cannot be read as a time-stamp response (RFC 3161, DER).",
            remedy="use the file as the authority sent it, or check it with `openssl ts -verify`.",
        ) from None
    if response.status != GRANTED:
        raise _void(
            f"the authority did not grant the request as it was made (status {response.status})",
            "make a new request, or ask another authority.",
        )
    return response


def _check_what(response: TimeStampResponse, statement: bytes, nonce: int | None) -> None:
    """Whether the token is over this head and answers the request."""
    imprint = response.tst_info.message_imprint
    digest = hashlib.sha256(statement).digest()
    if imprint.hash_algorithm != SHA256 or imprint.message != digest:
        raise _void("it is over another digest than that of this head", _OTHER_ANSWER)
    if nonce is not None and response.tst_info.nonce != nonce:
        raise _void("it answers another request (the nonce is another)", _OTHER_ANSWER)


def _signer(response: TimeStampResponse) -> x509.Certificate:
    """The certificate that the token names as its signer's, which has to be for time stamping.

    Exactly one may bear that name, so that the one looked at here is the one whose key is used.
    """
    infos = response.signed_data.signer_infos
    named = {(info.issuer, info.serial_number) for info in infos}
    held = [x509.load_der_x509_certificate(der) for der in response.signed_data.certificates]
    found = [own for own in held if (own.issuer, own.serial_number) in named]
    if len(infos) != 1 or len(found) != 1:
        raise _void("it does not hold the one certificate that signed it", _OTHER_COPY)
    if not _is_for_time_stamping(found[0]):
        raise _void("its certificate is not for time stamping", "use a time-stamping authority.")
    return found[0]


def _is_for_time_stamping(certificate: x509.Certificate) -> bool:
    """Whether its one extended use is time stamping, critical (RFC 3161, section 2.3)."""
    try:
        use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return use.critical and list(use.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def _accuracy(response: TimeStampResponse) -> timedelta | None:
    # None where the authority says nothing, though the package's types do not show it.
    stated = response.tst_info.accuracy or None
    if stated is None:
        return None
    return timedelta(
        seconds=stated.seconds or 0,
        milliseconds=stated.millis or 0,
        microseconds=stated.micros or 0,
    )


def _unverified(reason: str) -> LedgerError:
    if "certificate verify error" in reason:
        return _void(
            "its certificate does not lead to a root that was given, or was not valid at that time",
            "give the root certificate of this authority.",
        )
    return _void("its signature does not fit: it was changed after it was signed", _OTHER_COPY)


def _void(reason: str, remedy: str) -> LedgerError:
    return LedgerError(f"The time stamp is not valid: {reason}.", remedy=remedy)
