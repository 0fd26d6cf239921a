"""Passkeys that were asked to confirm a signature, and what they answered.

The page asks in the browser, and the answer comes by a small request of its own
(`ui.host.passkeys`), so that no run of the page is needed for it. It waits here until its reader
signs. What is asked names what is signed: where that changes, it is asked anew.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from clinical.audit.passkey import Assertion, Confirmation
from clinical.review import signature as signature_rules
from clinical.review.signature import Signature

MOST = 1000  # that wait; the oldest goes


@dataclass
class _Asked:
    nonce: str
    challenge: str
    answer: Assertion | None = None


_Key = tuple[str, ...]
_asked: OrderedDict[_Key, _Asked] = OrderedDict()
_lock = Lock()


def challenge(holder: str, signature: Signature) -> str:
    """What the passkey of this sign-in is asked; the same until something else is to be signed."""
    return _of(holder, signature).challenge


def answer(holder: str, challenge: str, assertion: Assertion) -> bool:
    """Keep an answer; False where nothing of the kind was asked of this sign-in."""
    with _lock:
        for key, asked in _asked.items():
            if key[0] == holder and asked.challenge == challenge:
                asked.answer = assertion
                return True
    return False


def answered(holder: str, signature: Signature) -> Confirmation | None:
    """The answer to what is to be signed now, or None."""
    with _lock:
        asked = _asked.get(_key(holder, signature))
    return Confirmation(asked.nonce, asked.answer) if asked and asked.answer else None


def forget(holder: str, signature: Signature) -> None:
    """What was signed is asked anew if it is to be signed again."""
    with _lock:
        _asked.pop(_key(holder, signature), None)


def _of(holder: str, signature: Signature) -> _Asked:
    key = _key(holder, signature)
    with _lock:
        if key not in _asked:
            nonce = secrets.token_hex(16)
            _asked[key] = _Asked(nonce, signature_rules.passkey_challenge(signature, nonce))
            while len(_asked) > MOST:
                _asked.popitem(last=False)
        return _asked[key]


def _key(holder: str, signature: Signature) -> _Key:
    return (
        holder,
        signature.case_id,
        signature.assessment_digest,
        signature.reader,
        signature.role,
        signature.meaning,
        signature.decisions,
    )
