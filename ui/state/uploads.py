"""Uploaded files in the memory of the server: let go of as soon as they are kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def release(uploads: Iterable[Any]) -> None:
    """Forget the content of uploaded files; a field that still shows them has nothing to give."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    manager = runtime.get_instance().uploaded_file_mgr
    for one in uploads:
        if file_id := getattr(one, "file_id", ""):
            manager.remove_file(context.session_id, file_id)
