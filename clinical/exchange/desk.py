"""Where cases are put together: the inbox, the chart, the workspace, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart
from clinical.exchange.hl7_told import USUAL, Habits
from clinical.exchange.inbox import Inbox


@dataclass(frozen=True, eq=False)
class Desk:
    """Where it is worked.

    Attributes:
        inbox, chart: what arrived, and what is known; in one folder.
        engine: of the workspace.
        rules: of assembly.
        habits: of the senders of HL7 v2.
        now: the clock.
        watched: a folder in which others put files, if there is one.
    """

    inbox: Inbox
    chart: Chart
    engine: Engine
    rules: Rules
    habits: Habits = USUAL
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    watched: Path | None = None
