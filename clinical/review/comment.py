"""What every comment of a reader must satisfy."""

from __future__ import annotations

from clinical.errors import ReviewError

MAX_COMMENT = 2000


def check_comment(comment: str, *, needed: bool) -> None:
    """Refuse a comment that is too long, broken, or missing where it is needed.

    Raises:
        ReviewError: with the rule and what to do; never with the comment itself.
    """
    if len(comment) > MAX_COMMENT:
        raise ReviewError(
            f"The comment has more than {MAX_COMMENT} characters.", remedy="shorten it."
        )
    if needed and not comment.strip():
        raise ReviewError(
            'The reason "other" needs a comment.', remedy="give the reason in the comment."
        )
    if any("\ud800" <= character <= "\udfff" for character in comment):  # half a character
        raise ReviewError("The comment is not valid Unicode.", remedy="type it again.")
