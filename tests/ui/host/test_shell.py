"""Scripts of the shell would share one scope, where a name that two declare stops the second."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.host import shell


def test_each_script_has_a_scope_of_its_own() -> None:
    routes = shell.routes(("worklist",), watched=True)
    client = TestClient(Starlette(routes=routes))
    scripts = [route.path for route in routes if route.path.endswith(".js")]
    assert len(scripts) >= 8
    for script in scripts:
        code = client.get(script).text.strip()
        assert code.startswith("(() => {")
        assert code.endswith("})();")
