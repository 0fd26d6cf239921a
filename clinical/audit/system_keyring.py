"""Keys in the keyring of the operating system: Keychain, Credential Locker, Secret Service.

The seed of a key (RFC 8032, 32 bytes, hexadecimal) is an entry of the service `triptych` under the
digest that names the key. The system gives it to whoever is signed in to the machine as that user,
which keeps it out of the folder of the workspace and of its copies; it is no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clinical import canonical
from clinical.audit.signer import KeyPlace, Signer, in_memory
from clinical.errors import LedgerError

KIND = "keyring"
SERVICE = "triptych"


def place() -> KeyPlace:
    """The keyring of the user who runs this."""
    return KeyPlace(
        name="the system keyring", make=_make, find=_find, remove=_remove, setting={"kept": KIND}
    )


def _make() -> Signer:
    key = Ed25519PrivateKey.generate()
    digest = canonical.sha256(key.public_key().public_bytes_raw())
    with _asked():
        import keyring

        keyring.set_password(SERVICE, digest, key.private_bytes_raw().hex())
    return _find(digest)  # some keyrings take an entry and keep nothing


def _find(digest: str) -> Signer:
    with _asked():
        import keyring

        seed = keyring.get_password(SERVICE, digest)
    try:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed or ""))
    except ValueError:
        key = None
    if key is None or canonical.sha256(key.public_key().public_bytes_raw()) != digest:
        raise LedgerError(
            "The system keyring does not hold the key that signs this ledger"
            f" (its digest begins with {digest[:16]}).",
            remedy="sign in to the machine as the user whose keyring does; without it nothing more"
            " can be recorded here.",
        )
    return in_memory(key)


def _remove(digest: str) -> None:
    with _asked():
        import keyring

        if keyring.get_password(SERVICE, digest) is not None:
            keyring.delete_password(SERVICE, digest)


@contextmanager
def _asked() -> Iterator[None]:
    """Whatever the keyring answers is said in a sentence."""
    try:
        from keyring.errors import KeyringError
    except ImportError:
        raise LedgerError(
            "The signing key is in the system keyring, and the package that asks it is not"
            " installed.",
            remedy='run `pip install "triptych[keyring]"`.',
        ) from None
    try:
        yield
    except KeyringError as error:
        raise LedgerError(
            f"The system keyring did not do what was asked ({type(error).__name__}).",
            remedy="unlock it, or sign in to the machine as the user whose keyring holds the key.",
        ) from None
