"""Every error that a user can act on, in one small tree.

    TriptychError            printed as one message without a traceback; anything else is a bug
      ConfigError            a TOML file or a command-line choice that cannot be used
      CohortError            a cohort that cannot be read at all (single rows are `Problem` values)
      ImageError             an image that cannot become one canonical array
        ImageUnreadable      broken, truncated, hostile or over the time or memory limit
        ImageRefused         well formed, but not a single grayscale projection image
      WaveformError          a recording that cannot become one canonical electrocardiogram
      TermError              a code, unit or value that cannot be normalised
      ModelError             a checkpoint that cannot be loaded or does not fit its use
      StoreError             a workspace or an index that cannot be opened or does not hold what was
                             asked for
      ReviewError            a decision that the rules of review do not allow
      AccountError           an account that cannot be made, changed or used
        SignInRefused        a name and a password that open nothing
      AccessRefused          something that the role of an account does not allow
      LedgerError            an audit ledger that cannot be opened or appended to

Messages name file, row, column and remedy. They never hold a patient's name, a measured value or
free text, because messages are logged.
"""

from __future__ import annotations


class TriptychError(Exception):
    """Base of all errors that a user can act on."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} Remedy: {self.remedy}" if self.remedy else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # The keyword argument has to survive the trip back from a worker process.
        return (_rebuild, (type(self), self.message, self.remedy))


def _rebuild(kind: type[TriptychError], message: str, remedy: str) -> TriptychError:
    return kind(message, remedy=remedy)


class ConfigError(TriptychError):
    """A TOML file or a command-line choice that cannot be used."""


class CohortError(TriptychError):
    """A cohort that cannot be read at all."""


class ImageError(TriptychError):
    """An image that cannot become one canonical array."""


class ImageUnreadable(ImageError):
    """Broken, truncated, hostile, or over the time or memory limit."""


class ImageRefused(ImageError):
    """Well formed, but not a single grayscale projection image."""


class WaveformError(TriptychError):
    """A recording that cannot become one canonical electrocardiogram.

    Attributes:
        row: 1-based line of the table that it stands in (the header is line 1), or None.
        column: name of the column, or "".
    """

    def __init__(
        self, message: str, *, remedy: str = "", row: int | None = None, column: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.row = row
        self.column = column

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_waveform, (self.message, self.remedy, self.row, self.column))


def _rebuild_waveform(message: str, remedy: str, row: int | None, column: str) -> WaveformError:
    return WaveformError(message, remedy=remedy, row=row, column=column)


class TermError(TriptychError):
    """A code, unit or value that cannot be normalised."""


class ModelError(TriptychError):
    """A checkpoint that cannot be loaded or does not fit its use."""


class StoreError(TriptychError):
    """A workspace or an index that cannot be opened or does not hold what was asked for."""


class ReviewError(TriptychError):
    """A decision that the rules of review do not allow."""


class AccountError(TriptychError):
    """An account that cannot be made, changed or used."""


class SignInRefused(AccountError):
    """A name and a password that open nothing."""


class AccessRefused(TriptychError):
    """Something that the role of an account does not allow."""


class LedgerError(TriptychError):
    """An audit ledger that cannot be opened or appended to."""
