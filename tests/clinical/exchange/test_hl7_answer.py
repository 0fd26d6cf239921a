"""What a sender hears: accepted when it is safe, and otherwise why not, by segment and field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.errors import StoreError
from clinical.exchange.hl7_answer import Answer, answered
from clinical.exchange.hl7_message import Message, parse

HEADER = r"MSH|^~\&|LAB^1.2^ISO|CLINIC|TRIPTYCH|WARD|20240531143000||{kind}|M\T\1|P|{version}"
ORDER = "OBR|1|P1|F1|24323-8^Panel^LN|||20240531120000"
GOOD = "OBX|1|NM|2823-3^Potassium^LN||5.4|mmol/L|||||F"
BAD = "OBX|2|ED|PDF^Report^L||x||||||F"


class Shelf:
    """Keeps what it is given, or fails as a full disk does."""

    def __init__(self, error: Exception | None = None) -> None:
        self.kept: list[tuple[bytes, str]] = []
        self.error = error

    def keep(self, data: bytes, sender: str) -> None:
        if self.error:
            raise self.error
        self.kept.append((data, sender))


def sent(
    *segments: str, kind: str = "ORU^R01^ORU_R01", version: str = "2.5.1", more: str = ""
) -> bytes:
    header = HEADER.format(kind=kind, version=version) + more
    return "\r".join((header, *segments)).encode()


def heard(data: bytes, shelf: Shelf) -> tuple[Answer, Message]:
    answer = answered(data, "192.0.2.7", shelf.keep)
    message = parse(answer.data)
    assert isinstance(message, Message)
    return answer, message


def errors(message: Message) -> list[tuple[str, str, str]]:
    """Where, which code, how grave."""
    found = message.named("ERR")
    return [
        (
            "^".join(one.first(2).part(at) for at in (1, 2, 3)).rstrip("^"),
            one.first(3).part(1),
            one.first(4).text,
        )
        for one in found
    ]


def test_a_message_that_is_safe_is_accepted() -> None:
    shelf, data = Shelf(), sent("PID|1||4711^^^H", ORDER, GOOD)

    answer, message = heard(data, shelf)

    assert shelf.kept == [(data, "192.0.2.7")]
    assert answer.code == "AA"
    header, msa = message.segments
    assert header.raw(9) == "ACK^R01^ACK"
    assert [header.raw(at) for at in (3, 4, 5, 6)] == [
        "TRIPTYCH",
        "WARD",
        "LAB^1.2^ISO",
        "CLINIC",
    ]
    assert (header.first(11).text, header.first(12).text) == ("P", "2.5.1")
    assert (msa.first(1).text, msa.first(2).text) == ("AA", "M&1")
    assert len(header.first(10).text) == 20


def test_parts_that_cannot_be_used_are_named_and_the_rest_is_accepted() -> None:
    shelf = Shelf()

    _, message = heard(sent("PID|1||4711^^^H", ORDER, GOOD, BAD), shelf)

    assert message.named("MSA")[0].first(1).text == "AA"
    assert errors(message) == [("OBX^2^2", "102", "W")]
    assert len(shelf.kept) == 1


@pytest.mark.parametrize(
    ("segments", "error"),
    [
        (("PID|1||", ORDER, GOOD), ("PID^1^3", "101", "E")),
        ((ORDER, GOOD), ("PID^1", "101", "E")),
        (("PID|1||4711^^^H", ORDER, BAD), ("OBX^1^2", "102", "E")),
    ],
)
def test_a_message_of_which_nothing_can_be_used_is_not_kept(
    segments: tuple[str, ...], error: tuple[str, str, str]
) -> None:
    shelf = Shelf()

    answer, message = heard(sent(*segments), shelf)

    assert (answer.code, shelf.kept) == ("AE", [])
    assert errors(message) == [error]


@pytest.mark.parametrize(
    ("kind", "version", "error"),
    [
        ("ORM^O01", "2.5.1", ("MSH^1^9", "200", "E")),
        ("ORU^R01", "3", ("MSH^1^12", "203", "E")),
    ],
)
def test_a_message_that_is_not_read_is_rejected(
    kind: str, version: str, error: tuple[str, str, str]
) -> None:
    shelf = Shelf()

    answer, message = heard(sent("PID|1||4711^^^H", kind=kind, version=version), shelf)

    assert (answer.code, shelf.kept) == ("AR", [])
    assert errors(message) == [error]


def test_what_could_not_be_kept_is_rejected_without_the_words_of_the_error() -> None:
    for error in (StoreError("The disk of /secret is full."), OSError(28, "no space", "/secret")):
        answer, message = heard(sent("PID|1||4711^^^H", ORDER, GOOD), Shelf(error))

        assert answer.code == "AR"
        assert errors(message) == [("MSH^1", "207", "E")]
        assert b"secret" not in answer.data


def test_older_senders_are_told_in_the_older_form() -> None:
    _, message = heard(sent("PID|1||", version="2.3.1"), Shelf())

    (error,) = message.named("ERR")
    assert error.first(1).component(1) == "PID"
    assert (error.first(1).part(2), error.first(1).part(3)) == ("1", "3")
    assert error.first(1).part(4) == "101"


@pytest.mark.parametrize(
    ("wishes", "good", "bad"),
    [
        ("|||", "AA", "AE"),
        ("|||AL|NE", "CA", "CE"),
        ("|||ER|NE", "", "CE"),
        ("|||SU|NE", "CA", ""),
        ("|||NE|AL", "AA", "AE"),
        ("|||NE|NE", "", ""),
    ],
)
def test_a_sender_may_ask_for_another_answer(wishes: str, good: str, bad: str) -> None:
    for pid, code in (("4711^^^H", good), ("", bad)):
        data = sent(f"PID|1||{pid}", ORDER, GOOD, more=wishes)

        answer = answered(data, "x", Shelf().keep)

        assert answer.data == b"" if not code else b"MSA|" + code.encode() in answer.data


def test_the_answer_is_in_the_character_set_of_the_message() -> None:
    text = sent("PID|1||4711^^^H", ORDER, GOOD, more="||||||8859/1").decode()
    data = text.replace("WARD", "Süd").encode("latin-1")

    answer = answered(data, "x", Shelf().keep)

    assert "|Süd|".encode("latin-1") in answer.data
    assert b"|8859/1\r" in answer.data


def test_an_answer_holds_nothing_of_the_patient() -> None:
    # As long as it takes not to stand in the time or the number of an answer by chance.
    data = sent("PID|1||47110815^^^H||Mustermann^Eva||19500228|F", ORDER, BAD, BAD)

    answer = answered(data, "x", Shelf().keep)

    assert not any(word in answer.data for word in (b"47110815", b"Muster", b"19500228"))
    assert all("4711" not in repr(one) for one in answer.refused)


def test_several_messages_in_one_block_are_rejected() -> None:
    one = sent("PID|1||4711^^^H", ORDER, GOOD)

    answer = answered(one + b"\r" + one, "x", Shelf().keep)

    assert answer.code == "AR"


def test_an_answer_names_at_most_fifty_faults() -> None:
    answer, message = heard(sent("PID|1||4711^^^H", ORDER, *[BAD] * 80), Shelf())

    assert len(answer.refused) == 80
    assert len(message.named("ERR")) == 50


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer_and_are_kept_only_when_accepted(data: bytes) -> None:
    for body in (data, b"MSH|^~\\&|" + data, sent("PID|1||4711^^^H", ORDER) + data):
        shelf = Shelf()

        answer = answered(body, "x", shelf.keep)

        assert bool(shelf.kept) == (answer.code == "AA")
        assert not answer.data or answer.data.startswith(b"MSH|^~\\&|")
