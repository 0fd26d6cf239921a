"""Uploaded files in the memory of the server: let go of as soon as they are kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def release(uploads: Iterable[Any]) -> None:
    """Forget the content of uploaded files; a field that still shows them has nothing to give."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return
    manager = runtime.get_instance().uploaded_file_mgr
    if isinstance(manager, MemoryUploadedFileManager):
        for one in uploads:
            manager.remove_file(context.session_id, getattr(one, "file_id", ""))


def held() -> int:
    """Bytes of uploads that are held for all sessions."""
    if not runtime.exists():
        return 0
    manager = runtime.get_instance().uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager):
        return 0
    stored = [list(files.values()) for files in list(manager.file_storage.values())]
    return sum(len(file.data) for files in stored for file in files)
