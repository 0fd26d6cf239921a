"""CDS Hooks beside the page: requests of record systems, which know no session and no cookie.

They are answered by `clinical.exchange.cds_hooks` before anything of the page is asked: their own
tokens say who asks, and no page of a browser has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine

from clinical.exchange import cds_hooks
from clinical.exchange.cds_patient import Listed
from clinical.exchange.cds_settings import Setup
from clinical.exchange.road import Refusals
from clinical.workspace.place import Place
from ui.host.asgi import Application, Message, Receive, Send
from ui.state import caseload


class Beside:
    """ASGI middleware that sends what is for CDS Hooks there, and all else on.

    Args:
        app: the page.
        hooks: what answers.
    """

    def __init__(self, app: Application, hooks: Application) -> None:
        self._app = app
        self._hooks = hooks

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope.get("path", "")
        is_theirs = path == cds_hooks.PATH or path.startswith(f"{cds_hooks.PATH}/")
        answers = self._hooks if scope["type"] == "http" and is_theirs else self._app
        await answers(scope, receive, send)


def application(
    engine: Engine, place: Place, setup: Setup, address: str, refusals: Refusals
) -> Application:
    """What answers for the workspace in `place`.

    Args:
        engine: of the workspace.
        place: of the workspace.
        setup: who may ask, and how patients are matched.
        address: origin under which clients know the page.
        refusals: counts what was refused.
    """

    def cases() -> Iterable[Listed]:
        return _listed(caseload.current(engine, place))

    return cds_hooks.application(engine, setup, address, cases, refusals.count)


def _listed(load: caseload.Caseload) -> Iterator[Listed]:
    for row in load.rows:
        entry = row.entry
        yield Listed(entry.case_id, row.patient, entry.decision_time, bool(entry.assessment_digest))
