"""The certificates of a time stamp in the order of DER; nothing else moves."""

from __future__ import annotations

import pytest

from clinical.audit.answer_order import ordered


def element(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    size = len(body)
    long = size.to_bytes((size.bit_length() + 7) // 8, "big")
    head = bytes([size]) if size < 128 else bytes([0x80 | len(long)]) + long
    return bytes([tag]) + head + body


SMALL, LARGE = element(0x30, b"a"), element(0x30, b"b" * 200)


def answer(*certificates: bytes) -> bytes:
    """The bones of a TimeStampResp."""
    number, digests, content = b"\2\1\3", element(0x31), element(0x30, b"what is signed")
    signed = element(0x30, number, digests, content, element(0xA0, *certificates), element(0x31))
    token = element(0x30, element(0x06, b"oid"), element(0xA0, signed))
    return element(0x30, element(0x30, b"\2\1\0"), token)


def test_certificates_are_sorted() -> None:
    assert ordered(answer(LARGE, SMALL)) == answer(SMALL, LARGE)
    assert ordered(answer(SMALL, LARGE)) == answer(SMALL, LARGE)
    assert ordered(answer(SMALL)) == answer(SMALL)


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"no answer",
        element(0x30, element(0x30, b"\2\1\2")),  # a refusal, which has no token
        answer(LARGE, SMALL).replace(b"\x06\x03oid", b"\x04\x03oid"),
        answer(LARGE, SMALL[:-1]),  # the last one is cut short
        b"\x30\x80" + answer(LARGE, SMALL)[3:],  # of indefinite length
    ],
)
def test_what_has_another_form_stays_as_it_is(other: bytes) -> None:
    assert ordered(other) == other


def test_what_is_cut_anywhere_stays_as_it_is() -> None:
    whole = answer(LARGE, SMALL)
    for end in range(len(whole)):
        assert ordered(whole[:end]) == whole[:end]
