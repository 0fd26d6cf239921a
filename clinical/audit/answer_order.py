"""Put the certificates of a time stamp into DER order without touching what is signed.

The certificates in a token are a SET that nothing signs (RFC 5652, section 5.1), and BER lets it
stand in any order. Authorities that send their chain, `openssl ts` among them, make use of that;
the strict reader that `clinical.audit.time_stamp` uses refuses it. Only whole certificates change
places here, so that every length stays as it is.
"""

from __future__ import annotations

SEQUENCE, SET, OBJECT, INTEGER, CONTEXT_0 = 0x30, 0x31, 0x06, 0x02, 0xA0

# The way to the certificates: at each step past these elements, then into the one of that tag.
# TimeStampResp, ContentInfo, its [0], SignedData, its [0] (RFC 3161, 2.4.2; RFC 5652, 3 and 5.1).
_WAY: tuple[tuple[tuple[int, ...], int], ...] = (
    ((), SEQUENCE),
    ((SEQUENCE,), SEQUENCE),
    ((OBJECT,), CONTEXT_0),
    ((), SEQUENCE),
    ((INTEGER, SET, SEQUENCE), CONTEXT_0),
)


def ordered(answer: bytes) -> bytes:
    """A TimeStampResp with its certificates sorted; the same bytes where it has another form."""
    try:
        start, end = _certificates(answer)
        elements = _elements(answer, start, end)
    except (ValueError, IndexError):
        return answer
    return answer[:start] + b"".join(sorted(elements)) + answer[end:]


def _certificates(data: bytes) -> tuple[int, int]:
    """Where the content of the certificates begins and ends."""
    start, end = 0, len(data)
    for passed, tag in _WAY:
        for other in passed:
            _, start = _content(data, start, end, other)
        start, end = _content(data, start, end, tag)
    return start, end


def _elements(data: bytes, start: int, end: int) -> list[bytes]:
    found = []
    while start < end:
        _, after = _content(data, start, end, data[start])
        found.append(data[start:after])
        start = after
    return found


def _content(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins and ends (X.690, section 8.1.3).

    Raises:
        ValueError: if it has another tag, no definite length, or does not end before `end`.
        IndexError: if the data ends in its head.
    """
    if data[start] != tag:
        raise ValueError("another tag")
    length, begins = data[start + 1], start + 2
    if length & 0x80:
        digits = length & 0x7F
        length = int.from_bytes(data[begins : begins + digits], "big")
        begins += digits
        if not digits:
            raise ValueError("no definite length")
    if begins + length > end:
        raise ValueError("longer than what it is in")
    return begins, begins + length
