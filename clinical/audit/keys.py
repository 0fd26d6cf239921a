"""The Ed25519 key (RFC 8032) that signs the ledger: a file in the workspace, never in the database.

The file is PKCS #8 in PEM, readable by its owner only, and made on first need. Instead of the key
it may say where the key is kept (`clinical.audit.signer.KeyPlace`); nothing else is looked at then.
A key is named by its digest, the SHA-256 of its 32 public bytes. While keys change hands there are
two files for a moment; which of them counts is said by the ledger, so that a crash in between is
mended by the next reader.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from clinical import canonical
from clinical.audit import pkcs11_token, system_keyring
from clinical.audit.signer import KeyPlace, Signer, in_memory
from clinical.errors import LedgerError

KEY_FILE = "ledger.key"
NEXT_FILE = "ledger.key.next"

_log = logging.getLogger("triptych.keys")


@dataclass(frozen=True)
class Kept:
    """What a key file says of a key that is kept elsewhere.

    Attributes:
        place: where.
        digest: of the key.
    """

    place: KeyPlace
    digest: str


def load(folder: Path, digest: str | None) -> Signer:
    """The key of that digest, from `folder`; with None, the key of a ledger that has none yet.

    Call it inside a write transaction: it may give a new key its place.

    Raises:
        LedgerError: if it is not there, is no key, cannot be used, or others can read its file.
    """
    current, following = folder / KEY_FILE, folder / NEXT_FILE
    if digest is None:
        return _read(current) if current.exists() else _make(current, None)
    for path in (current, following):
        if path.exists() and _digest(path) == digest:
            key = _read(path)
            if path == following:
                _settle(following, current)
            return key
    raise LedgerError(
        f"{current} is not the key that signs this ledger (its digest begins with {digest[:16]}).",
        remedy="restore the key file from a backup; without it nothing more can be recorded here.",
    )


def make_first(folder: Path, place: KeyPlace) -> Signer:
    """The key of a ledger that has none yet, kept elsewhere from the beginning.

    Raises:
        LedgerError: if there is a key already, or the new one cannot be made.
    """
    if (folder / KEY_FILE).exists():
        raise LedgerError(
            f"There is a key already, {folder / KEY_FILE}, and nothing is signed with it yet.",
            remedy="delete that file, which nothing needs, or record something first.",
        )
    return _make(folder / KEY_FILE, place)


def make_next(folder: Path, place: KeyPlace | None = None) -> Signer:
    """A new key beside the current one; it counts once the ledger names it.

    Args:
        folder: of the key files.
        place: where to keep it; None for the file itself.

    Raises:
        LedgerError: if it cannot be made.
    """
    drop_next(folder)
    return _make(folder / NEXT_FILE, place)


def drop_next(folder: Path) -> None:
    """Forget a new key that the ledger did not come to name."""
    following = folder / NEXT_FILE
    try:
        kept = kept_elsewhere(following)
    except LedgerError:
        kept = None
    following.unlink(missing_ok=True)
    _forget(kept)


def use(folder: Path, place: KeyPlace, digest: str) -> Signer:
    """From now on take the key of that digest from where it is kept already.

    Raises:
        LedgerError: if it is not there, or the key file holds another key.
    """
    current = folder / KEY_FILE
    found = place.find(digest)
    if current.exists() and _digest(current) != digest:
        raise LedgerError(
            f"{current} is another key than the one that signs this ledger.",
            remedy="move it away first; it may be of another workspace.",
        )
    _write(current, _setting(place, digest))
    return found


def kept_elsewhere(path: Path) -> Kept | None:
    """Where the key of this file is kept; None if in the file, or there is no file.

    Raises:
        LedgerError: if it cannot be read, or says nothing that can be understood.
    """
    data = _bytes(path) if path.exists() else b""
    return _kept(path, data) if data.startswith(b"{") else None


def place_of(folder: Path) -> KeyPlace | None:
    """Where the current key is kept; None if in a file, or there is none.

    Raises:
        LedgerError: as `kept_elsewhere`.
    """
    kept = kept_elsewhere(folder / KEY_FILE)
    return kept.place if kept else None


def present(folder: Path) -> set[str]:
    """Digests of the keys in `folder`: one, or two while keys change hands.

    Raises:
        LedgerError: if there is none, or one cannot be read or used, is no key, or others can read
            it.
    """
    paths = [folder / name for name in (KEY_FILE, NEXT_FILE) if (folder / name).exists()]
    if not paths:
        raise LedgerError(
            f"The key file {folder / KEY_FILE} is missing.",
            remedy="restore it from a backup, or give the digest of the key (`--key`).",
        )
    return {key_digest(_read(path).public) for path in paths}


def key_digest(public: str) -> str:
    """Digest that names a public key given in hexadecimal; that of nothing if it is no such text.

    It never raises, because it is asked about keys that may have been tampered with.
    """
    return canonical.sha256(_raw(public))


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


def _make(path: Path, place: KeyPlace | None) -> Signer:
    if place is None:
        key = Ed25519PrivateKey.generate()
        _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return in_memory(key)
    made = place.make()
    digest = key_digest(made.public)
    try:
        _write(path, _setting(place, digest))
    except LedgerError:
        _forget(Kept(place, digest))
        raise
    return made


def _write(path: Path, data: bytes) -> None:
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


def _read(path: Path) -> Signer:
    data = _bytes(path)
    if data.startswith(b"{"):
        kept = _kept(path, data)
        return kept.place.find(kept.digest)
    try:
        return _parse(data)
    except ValueError:
        raise LedgerError(
            f"{path} is not an Ed25519 key.", remedy="restore the key file from a backup."
        ) from None


def _digest(path: Path) -> str:
    """Digest of the key in a file, or that it says is kept elsewhere."""
    kept = kept_elsewhere(path)
    return kept.digest if kept else key_digest(_read(path).public)


def _bytes(path: Path) -> bytes:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise LedgerError(
                f"The key file {path} can be read by users other than its owner.",
                remedy=f"run `chmod 600 {path}`, then `triptych audit rotate-key`, because somebody"
                " may have copied it.",
            )
        return path.read_bytes()
    except OSError as error:
        raise LedgerError(
            f"The key file {path} cannot be read: {error.strerror}.",
            remedy="run Triptych as the owner of the workspace.",
        ) from None


def _parse(data: bytes) -> Signer:
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return in_memory(key)


def _setting(place: KeyPlace, digest: str) -> bytes:
    return json.dumps({**place.setting, "key": digest}, indent=2).encode() + b"\n"


def _kept(path: Path, data: bytes) -> Kept:
    try:
        said = json.loads(data)
        digest, kind = str(said["key"]), said["kept"]
        if kind == system_keyring.KIND:
            return Kept(system_keyring.place(), digest)
        if kind == pkcs11_token.KIND:
            pin_file = Path(said["pin_file"]) if "pin_file" in said else None
            return Kept(pkcs11_token.place(said["token"], Path(said["module"]), pin_file), digest)
    except (ValueError, KeyError, TypeError):
        pass
    raise LedgerError(
        f"{path} does not say where the key is kept.",
        remedy="restore the file from a backup, or run `triptych audit use-key`.",
    )


def _settle(following: Path, current: Path) -> None:
    old = kept_elsewhere(current)
    try:
        following.replace(current)
        _sync(current.parent)
    except OSError as error:
        raise _unwritable(f"The new key cannot replace {current}", error) from None
    _forget(old)


def _forget(kept: Kept | None) -> None:
    """Take a key that counts no more from where it is kept; nobody's work waits for that."""
    if kept is None:
        return
    try:
        kept.place.remove(kept.digest)
    except LedgerError as error:
        _log.warning("The old key %s is still in %s: %s", kept.digest, kept.place.name, error)


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
