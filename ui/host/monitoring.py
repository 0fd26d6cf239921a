"""What whoever keeps the server alive watches: whether it is ready, and figures for Prometheus.

Neither route knows a session, so neither tells of any case: counts, ages and bytes only. `/ready`
answers everybody on the machine with yes or no; `/metrics` exists where a token was given, which a
scrape has to carry as `Authorization: Bearer ...`.
"""

from __future__ import annotations

import hmac
import http
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from anyio import to_thread
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clinical.audit import ledger
from clinical.case.assessment import EventKind
from clinical.errors import ConfigError, StoreError
from clinical.exchange.road import Refusals
from clinical.workspace.layout import EVENTS
from clinical.workspace.place import Place
from ui.access import session
from ui.host.door import NOT_KEPT
from ui.state import assessing, caseload
from ui.state.worklist_order import Row

READY, METRICS = "/ready", "/metrics"
WAITING = frozenset({"unassessed", "unread"})
CAME: tuple[EventKind, ...] = ("ASSESSED", "IMPORTED")
LATEST = 200  # assessed cases by which drift is judged
LEAST_FREE = 200 * 2**20  # bytes; a film, its case and their events take less than a tenth of it
SHORTEST = 16  # characters of a token


def token(file: Path) -> str:
    """The token in a file.

    Raises:
        ConfigError: if it cannot be read, is short, or others than its owner may read it.
    """
    try:
        mode, held = file.stat().st_mode, file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"The token in {file} cannot be read.", remedy="name a text file with one line"
        ) from None
    if mode & 0o077:
        raise ConfigError(
            f"Others than its owner may use {file}.", remedy=f"run `chmod 600 {file}`"
        )
    if len(held) < SHORTEST or any(c.isspace() for c in held):
        raise ConfigError(
            f"The token in {file} has fewer than {SHORTEST} characters, or spaces between them.",
            remedy="write a random one, such as that of `openssl rand -hex 24`",
        )
    return held


def routes(
    engine: Engine, place: Place, bearer: str | None, refused: Refusals | None = None
) -> list[Route]:
    """The routes; without a token only whether the page is ready.

    Args:
        engine: of the workspace.
        place: of the workspace.
        bearer: what a scrape has to carry, or None.
        refused: what CDS Hooks refused since the start.
    """

    async def ready(_: Request) -> Response:
        reason = await to_thread.run_sync(hindrance, engine, place)
        status = http.HTTPStatus.SERVICE_UNAVAILABLE if reason else http.HTTPStatus.OK
        return JSONResponse({"ready": not reason, "reason": reason}, status, NOT_KEPT)

    made = [Route(READY, ready, methods=["GET"])]
    if bearer is None:
        return made
    registry = CollectorRegistry()
    registry.register(_Page(engine, place, refused or Refusals()))

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {bearer}".encode()):
            return Response(status_code=http.HTTPStatus.UNAUTHORIZED, headers=NOT_KEPT)
        try:
            text = await to_thread.run_sync(generate_latest, registry)
        except (SQLAlchemyError, StoreError):
            return Response(status_code=http.HTTPStatus.SERVICE_UNAVAILABLE, headers=NOT_KEPT)
        return Response(text, headers={**NOT_KEPT, "content-type": CONTENT_TYPE_LATEST})

    return [*made, Route(METRICS, metrics, methods=["GET"])]


def hindrance(engine: Engine, place: Place) -> str:
    """Why nobody can work now, in words without a name or a path; "" where somebody can."""
    try:
        with engine.connect() as connection:
            ledger.head(connection)
    except (SQLAlchemyError, StoreError):
        return "the workspace cannot be read"
    free = _free(place)
    if free is not None and free < LEAST_FREE:
        return "the disk of the workspace is nearly full"
    return ""


@dataclass(frozen=True)
class _Page:
    """The figures of one page, read anew by each scrape."""

    engine: Engine
    place: Place
    refused: Refusals

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: a registry would otherwise collect to learn the names."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Everything that `/metrics` tells."""
        load = caseload.current(self.engine, self.place)
        with self.engine.connect() as connection:
            kinds = _kinds(connection)
            since = _waiting_since(connection, load.rows)
        cases = GaugeMetricFamily("triptych_cases", "Cases by status of review.", labels=["status"])
        for status, number in sorted(Counter(row.status for row in load.rows).items()):
            cases.add_metric([status], number)
        yield cases
        urgent = GaugeMetricFamily(
            "triptych_cases_to_read", "Cases that nobody has read, by priority.", labels=["level"]
        )
        levels = Counter(row.level for row in load.rows if row.status in WAITING)
        for level, number in sorted(levels.items()):
            urgent.add_metric([level], number)
        yield urgent
        yield GaugeMetricFamily(
            "triptych_oldest_unread_seconds",
            "Since when the case has waited that nobody has read for longest; 0 where none waits.",
            value=max(0.0, time.time() - since) if since else 0.0,
        )
        yield GaugeMetricFamily(
            "triptych_unlike_training_share",
            f"Of the latest {LATEST} assessed cases, the share unlike what the model learnt from.",
            value=_unlike(load.rows),
        )
        events = CounterMetricFamily("triptych_events", "Events by kind.", labels=["kind"])
        for kind, number in sorted(kinds.items()):
            events.add_metric([kind], number)
        yield events
        hooks = CounterMetricFamily(
            "triptych_cds_hooks_refused",
            "Requests for cards, and feedback, that were refused.",
            labels=["reason"],
        )
        for reason, number in self.refused.so_far().items():
            hooks.add_metric([reason], number)
        yield hooks
        number, seconds = assessing.taken()
        yield SummaryMetricFamily(
            "triptych_assessment_seconds",
            "Assessments of cases that were added on the page.",
            count_value=number,
            sum_value=seconds,
        )
        yield GaugeMetricFamily("triptych_sessions", "Sign-ins that last.", value=session.number())
        free = _free(self.place)
        if free is not None:
            yield GaugeMetricFamily(
                "triptych_free_bytes", "On the disk of the workspace.", value=free
            )


def _kinds(connection: Connection) -> dict[str, int]:
    counted = select(EVENTS.c.kind, func.count()).group_by(EVENTS.c.kind)
    return {str(kind): int(number) for kind, number in connection.execute(counted)}


def _waiting_since(connection: Connection, rows: tuple[Row, ...]) -> float | None:
    """When the unread case came that came first, in seconds since 1970."""
    unread = {row.entry.case_id for row in rows if row.status in WAITING}
    if not unread:
        return None
    came = (
        select(EVENTS.c.case_id, func.min(EVENTS.c.time))
        .where(EVENTS.c.kind.in_(CAME))
        .group_by(EVENTS.c.case_id)
    )
    times = [str(time) for case_id, time in connection.execute(came) if case_id in unread]
    return datetime.fromisoformat(min(times)).timestamp() if times else None


def _unlike(rows: tuple[Row, ...]) -> float:
    assessed = [row for row in rows if row.entry.assessment_digest]
    latest = sorted(assessed, key=lambda row: row.moment)[-LATEST:]
    return sum(row.entry.flagged for row in latest) / len(latest) if latest else 0.0


def _free(place: Place) -> int | None:
    """Bytes, of a workspace in a folder; a server looks after its own disk."""
    return shutil.disk_usage(place).free if isinstance(place, Path) else None
