"""What signs the ledger, wherever its private half lies: three values and three functions.

A `Signer` is one key; a `KeyPlace` is where such keys can be made and found again, other than in a
file: a token (`clinical.audit.pkcs11_token`) or the keyring of the system
(`clinical.audit.system_keyring`). Whoever signs sees nothing else of either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """One Ed25519 key (RFC 8032).

    Attributes:
        public: its public half, 64 hexadecimal digits.
        sign: from a statement to its signature, 128 hexadecimal digits. Raises LedgerError if the
            private half cannot be used.
    """

    public: str
    sign: Callable[[bytes], str]


@dataclass(frozen=True)
class KeyPlace:
    """Where keys are kept other than in a file. Each function raises LedgerError.

    Attributes:
        name: for a person, such as "the token ward".
        make: a new key, kept there.
        find: the key of that digest.
        remove: the key of that digest is not kept there any more; nothing if it is not there.
        setting: what has to be known to find the place again. No secret.
    """

    name: str
    make: Callable[[], Signer]
    find: Callable[[str], Signer]
    remove: Callable[[str], None]
    setting: Mapping[str, str]


def in_memory(key: Ed25519PrivateKey) -> Signer:
    """The signer with a private key that this process holds."""
    return Signer(
        public=key.public_key().public_bytes_raw().hex(),
        sign=lambda statement: key.sign(statement).hex(),
    )
