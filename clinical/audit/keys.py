"""The Ed25519 key (RFC 8032) that signs the ledger: a file in the workspace, never in the database.

The file is PKCS #8 in PEM, readable by its owner only, and made on first need. A key is named by
its digest, the SHA-256 of its 32 public bytes. While keys change hands there are two files for a
moment; which of them counts is said by the ledger, so that a crash in between is mended by the
next reader.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from clinical import canonical
from clinical.errors import LedgerError

KEY_FILE = "ledger.key"
NEXT_FILE = "ledger.key.next"


def load(folder: Path, digest: str | None) -> Ed25519PrivateKey:
    """The key of that digest, from `folder`; with None, the key of a ledger that has none yet.

    Call it inside a write transaction: it may give a new key its place.

    Raises:
        LedgerError: if it is not there, is no key, or others can read its file.
    """
    current, following = folder / KEY_FILE, folder / NEXT_FILE
    if digest is None:
        return _read(current) if current.exists() else _make(current)
    for path in (current, following):
        if path.exists() and key_digest(public_hex(key := _read(path))) == digest:
            if path == following:
                _settle(following, current)
            return key
    raise LedgerError(
        f"{current} is not the key that signs this ledger (its digest begins with {digest[:16]}).",
        remedy="restore the key file from a backup; without it nothing more can be recorded here.",
    )


def make_next(folder: Path) -> Ed25519PrivateKey:
    """A new key beside the current one; it counts once the ledger names it.

    Raises:
        LedgerError: if it cannot be written.
    """
    return _make(folder / NEXT_FILE)


def drop_next(folder: Path) -> None:
    """Forget a new key that the ledger did not come to name."""
    (folder / NEXT_FILE).unlink(missing_ok=True)


def present(folder: Path) -> set[str]:
    """Digests of the keys in `folder`: one, or two while keys change hands.

    Raises:
        LedgerError: if there is none, or one cannot be read, is no key, or others can read it.
    """
    paths = [folder / name for name in (KEY_FILE, NEXT_FILE) if (folder / name).exists()]
    if not paths:
        raise LedgerError(
            f"The key file {folder / KEY_FILE} is missing.",
            remedy="restore it from a backup, or give the digest of the key (`--key`).",
        )
    return {key_digest(public_hex(_read(path))) for path in paths}


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, 64 hexadecimal digits."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def key_digest(public: str) -> str:
    """Digest that names a public key given in hexadecimal; that of nothing if it is no such text.

    It never raises, because it is asked about keys that may have been tampered with.
    """
    return canonical.sha256(_raw(public))


def sign(key: Ed25519PrivateKey, statement: bytes) -> str:
    """The signature of `statement`, 128 hexadecimal digits."""
    return key.sign(statement).hex()


def signed(public: str, signature: str, statement: bytes) -> bool:
    """Whether the key `public` made `signature` for `statement`; both hexadecimal."""
    try:
        Ed25519PublicKey.from_public_bytes(_raw(public)).verify(_raw(signature), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def _raw(text: str) -> bytes:
    # Lower case only: a digit in another case would be another text with the same meaning.
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return b""
    return raw if raw.hex() == text else b""


def _make(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(f"The key file {path} cannot be created", error) from None
    return key


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LedgerError(
                f"The key file {path} can be read by users other than its owner.",
                remedy=f"run `chmod 600 {path}`, then `triptych audit rotate-key`, because somebody"
                " may have copied it.",
            )
        return _parse(path.read_bytes())
    except OSError as error:
        raise LedgerError(
            f"The key file {path} cannot be read: {error.strerror}.",
            remedy="run Triptych as the owner of the workspace.",
        ) from None
    except ValueError:
        raise LedgerError(
            f"{path} is not an Ed25519 key.", remedy="restore the key file from a backup."
        ) from None


def _parse(data: bytes) -> Ed25519PrivateKey:
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def _settle(following: Path, current: Path) -> None:
    try:
        following.replace(current)
        _sync(current.parent)
    except OSError as error:
        raise _unwritable(f"The new key cannot replace {current}", error) from None


def _unwritable(what: str, error: OSError) -> LedgerError:
    return LedgerError(
        f"{what}: {error.strerror}.",
        remedy="make the folder of the workspace writable for the user who records in it.",
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
