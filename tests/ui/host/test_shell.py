"""The scripts of the shell share one scope: a name that two declare stops the second."""

from __future__ import annotations

import re
from collections import Counter

from ui.host import shell
from ui.host.shell import STATIC

DECLARED = re.compile(r"^(?:const|let|class|(?:async )?function) (\w+)", re.MULTILINE)


def test_no_two_scripts_declare_one_name() -> None:
    paths = [route.path for route in shell.routes(("worklist",), watched=True)]
    scripts = [STATIC / path.lstrip("/") for path in paths if path.endswith(".js")]
    assert len(scripts) >= 8
    names = Counter(
        name for script in scripts for name in set(DECLARED.findall(script.read_text("utf-8")))
    )
    assert [name for name, times in names.items() if times > 1] == []
