"""Keys in a PKCS#11 token, such as a smart card or a hardware security module.

The private half is made in the token and cannot be read from it: every signature is asked for, and
checked before it counts. A session is opened for each, so that a token that was taken out is missed
at once. Ed25519 in PKCS#11 is CKM_EDDSA (version 3.0, section 2.3.14), which not every token has.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clinical import canonical
from clinical.audit import token_pin
from clinical.audit.signer import KeyPlace, Signer
from clinical.errors import LedgerError

if TYPE_CHECKING:
    from pkcs11 import PublicKey, Session, SignMixin, Token

KIND = "token"
LABEL = "triptych ledger"
ED25519 = bytes.fromhex("06032b6570")  # object identifier 1.3.101.112 in DER (RFC 8410)
RAW = 32  # bytes of a public key

# Whether somebody is signed in belongs to the whole process, not to a session: one at a time.
_ONE_AT_A_TIME = RLock()


@dataclass(frozen=True)
class _Named:
    label: str
    module: Path
    pin_file: Path | None


def place(label: str, module: Path, pin_file: Path | None = None) -> KeyPlace:
    """The token of that label.

    Args:
        label: of the token.
        module: library of its maker, such as `/usr/lib/softhsm/libsofthsm2.so`.
        pin_file: holds its PIN; without one it is asked for.
    """
    named = _Named(label, module.absolute(), pin_file.absolute() if pin_file else None)
    setting = {"kept": KIND, "token": label, "module": str(named.module)}
    if named.pin_file:
        setting["pin_file"] = str(named.pin_file)
    return KeyPlace(
        name=f"the token {label}",
        make=partial(_make, named),
        find=partial(_find, named),
        remove=partial(_remove, named),
        setting=setting,
    )


def _make(named: _Named) -> Signer:
    from pkcs11 import Attribute, KeyType, Mechanism

    with _session(named, rw=True) as session:
        curve = session.create_domain_parameters(
            KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519}, local=True
        )
        public, _ = curve.generate_keypair(
            mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            store=True,
            label=LABEL,
            id=secrets.token_bytes(16),
        )
        return _signer(named, _raw(public))


def _find(named: _Named, digest: str) -> Signer:
    with _session(named) as session:
        return _signer(named, _raw(_public(session, named, digest)))


def _remove(named: _Named, digest: str) -> None:
    from pkcs11 import Attribute

    with _session(named, rw=True) as session:
        for public in _publics(session):
            if canonical.sha256(_raw(public)) == digest:
                for half in list(session.get_objects({Attribute.ID: public.id})):
                    half.destroy()


def _signer(named: _Named, public: bytes) -> Signer:
    return Signer(public.hex(), partial(_sign, named, public))


def _sign(named: _Named, public: bytes, statement: bytes) -> str:
    from pkcs11 import Attribute, Mechanism, ObjectClass

    with _session(named) as session:
        half = _public(session, named, canonical.sha256(public))
        private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=half[Attribute.ID])
        signature = cast("SignMixin", private).sign(statement, mechanism=Mechanism.EDDSA)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, statement)
    except InvalidSignature:
        raise LedgerError(
            f"The token {named.label} gave a signature that is not that of its key.",
            remedy="have the token looked at; nothing was recorded.",
        ) from None
    return signature.hex()


def _public(session: Session, named: _Named, digest: str) -> PublicKey:
    for found in _publics(session):
        if canonical.sha256(_raw(found)) == digest:
            return found
    raise LedgerError(
        f"The token {named.label} does not hold the key that signs this ledger"
        f" (its digest begins with {digest[:16]}).",
        remedy="put in the token that does; without it nothing more can be recorded here.",
    )


def _publics(session: Session) -> list[PublicKey]:
    from pkcs11 import Attribute, KeyType, ObjectClass

    wanted = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.KEY_TYPE: KeyType.EC_EDWARDS}
    return [cast("PublicKey", found) for found in session.get_objects(wanted)]


def _raw(public: PublicKey) -> bytes:
    """The bytes of a public key; some tokens give them bare, others as an octet string in DER."""
    from pkcs11 import Attribute

    return bytes(public[Attribute.EC_POINT])[-RAW:]


@contextmanager
def _session(named: _Named, *, rw: bool = False) -> Iterator[Session]:
    """Signed in to the token; whatever it answers is said in a sentence."""
    try:
        from pkcs11 import PKCS11Error
    except ImportError:
        raise LedgerError(
            f"The signing key is in the token {named.label}, and the package that asks it is not"
            " installed.",
            remedy='run `pip install "triptych[token]"`.',
        ) from None
    with _ONE_AT_A_TIME:
        try:
            with _signed_in(named, rw) as session:
                yield session
        except PKCS11Error as error:
            raise LedgerError(
                f"The token {named.label} did not do what was asked ({type(error).__name__}).",
                remedy="see that it is in its place and can make Ed25519 signatures (CKM_EDDSA).",
            ) from None


@contextmanager
def _signed_in(named: _Named, rw: bool) -> Iterator[Session]:
    import pkcs11

    token = _token(named)
    pin = token_pin.known(named.label, named.pin_file)
    try:
        session = token.open(rw=rw, user_pin=pin)
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
        raise token_pin.refused(named.label, pin) from None
    except pkcs11.PinLocked:
        raise LedgerError(
            f"The token {named.label} is locked after too many wrong PINs.",
            remedy="have its security officer set a new PIN.",
        ) from None
    token_pin.accepted(named.label, pin)
    with session:
        yield session


def _token(named: _Named) -> Token:
    import pkcs11

    try:
        library = pkcs11.lib(str(named.module))
    except pkcs11.PKCS11Error:
        raise LedgerError(
            f"{named.module} cannot be loaded as the library of a PKCS#11 token.",
            remedy="install what the maker of the token gives, and name its file with --module.",
        ) from None
    try:
        return library.get_token(token_label=named.label)
    except pkcs11.NoSuchToken:
        there = "is not there"
    except pkcs11.MultipleTokensReturned:
        there = "is there more than once"
    raise LedgerError(
        f"The token {named.label} {there}.",
        remedy="put in the one that holds the key; without it nothing more can be recorded here.",
    )
