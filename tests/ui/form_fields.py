"""The fields of the one form that is open on the page of a case."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def in_form(widgets: Iterable[Any], field: str) -> Any:
    """The widget of a field of the open form; its key ends in the name of the form, as a digest.

    Args:
        widgets: all of its kind on the page, such as `page.text_input`.
        field: name of the field, such as "comment".
    """
    (found,) = [one for one in widgets if re.fullmatch(f"{field}-[0-9a-f]{{8}}", one.key or "")]
    return found
