"""The text of an HL7 v2 message: its character set (MSH-18) and its escape sequences.

HL7 v2.5.1, chapter 2: section 2.7 (escape sequences), table 0211 (character sets).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CODECS = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    **{f"8859/{number}": f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "ISO IR14": "shift_jis",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    # Not of the table, and sent all the same.
    "UTF-8": "utf-8",
    "ISO IR192": "utf-8",
    **{f"ISO-8859-{number}": f"iso8859-{number}" for number in (1, 2, 5, 7, 9, 15)},
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
}
"""MSH-18 to the codec; ASCII is often said where UTF-8 is meant, and is a part of it."""

_UNDECLARED = ("", "ASCII")


def codec_of(name: str) -> str | None:
    """The codec of a character set by its name, however it is punctuated; None for others."""
    return _BY_LETTERS.get(_letters(name))


def declares(name: str) -> bool:
    """Whether MSH-18 says more than that a sender has not thought about it."""
    return name.strip().upper() not in _UNDECLARED


def _letters(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


_BY_LETTERS = {_letters(name): codec for name, codec in CODECS.items()}

_MOST_BLANKS = 80
_UNSEEN = {number: None for number in range(32) if chr(number) not in "\t\n"} | {127: None}


@dataclass(frozen=True)
class Marks:
    """The characters that structure a message: MSH-1 and MSH-2.

    Attributes:
        field, component, repetition, escape, part: "" where MSH-2 is too short to name it. A part
            is what the standard calls a sub-component.
        codec: of the message, for hexadecimal escapes.
    """

    field: str
    component: str
    repetition: str = ""
    escape: str = ""
    part: str = ""
    codec: str = "utf-8"


_SEQUENCE = r"[FSTREPHN]|X(?:[0-9A-Fa-f]{2}){1,2000}|Z\w{0,60}"
_SEQUENCE += r"|\.(?:br|sp|fi|nf|in|ti|sk|ce) ?[+-]?\d{0,3}"


def unescaped(text: str, marks: Marks) -> str:
    r"""A text as it is meant: `\T\` is the mark of parts, `\.br\` a new line, `\X0D0A\` bytes.

    Highlighting, indents and locally defined sequences are left out. A backslash that begins no
    sequence of the standard, as in a path of Windows, stays. Control characters do not.
    """
    mark = re.escape(marks.escape)
    if marks.escape and marks.escape in text:
        sequence = re.compile(f"{mark}({_SEQUENCE}){mark}", re.ASCII)
        text = sequence.sub(lambda found: _meant(found[0], found[1], marks), text)
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)


def _meant(written: str, name: str, marks: Marks) -> str:
    letters = {
        "F": marks.field,
        "S": marks.component,
        "T": marks.part,
        "R": marks.repetition,
        "E": marks.escape,
        "P": "#",
    }
    if name[0] == "X":
        return _of_bytes(bytes.fromhex(name[1:]), marks.codec, written)
    if name[0] == ".":
        count = name[3:].strip(" +-")
        return _laid_out(name[1:3], min(int(count or 1), _MOST_BLANKS))
    return letters.get(name, "")


def _of_bytes(data: bytes, codec: str, written: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return written


def _laid_out(command: str, count: int) -> str:
    if command in ("br", "ce"):
        return "\n"
    return {"sp": "\n", "sk": " "}.get(command, "") * count


_ESCAPES = str.maketrans(
    {
        "\\": "\\E\\",
        "|": "\\F\\",
        "^": "\\S\\",
        "&": "\\T\\",
        "~": "\\R\\",
        **{chr(code): " " for code in (*range(10), *range(11, 32), 127)},
    }
)
NEW_LINE = "\\.br\\"


def escaped(text: str, new_line: str = " ") -> str:
    r"""A text for a message with the usual marks `|^~\&`: `\T\` for `&`.

    Args:
        text: as it is meant.
        new_line: in place of one; `NEW_LINE` where the field is of formatted text.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return new_line.join(line.translate(_ESCAPES) for line in lines)
