"""Assembly beside a receiver: a thread of its process puts cases together while it receives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clinical.errors import TriptychError
from clinical.exchange import assembling
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import open_chart
from clinical.exchange.desk import Desk
from clinical.exchange.hl7_told import Habits
from clinical.exchange.inbox import open_inbox
from clinical.exchange.kept_assessor import KeptAssessor
from clinical.workspace.database import opened
from clinical.workspace.place import Place


@contextmanager
def assembling_beside(
    root: Path,
    place: Place,
    checkpoint: Path | None,
    rules: Rules,
    habits: Habits,
    failed: Callable[[], None],
    watched: Path | None = None,
) -> Iterator[None]:
    """Work on an inbox for the length of the block.

    Args:
        root: folder of the inbox; it is made where there is none.
        place: the workspace that cases go to; a folder is made where there is none.
        checkpoint: of the model that assesses them; None: all that are installed are asked.
        rules: of assembly.
        habits: of the senders of HL7 v2.
        watched: a folder in which others put files, if there is one.
        failed: called if the work ends by itself, which it does only where it cannot go on.

    Raises:
        StoreError: if the inbox, the chart or the workspace cannot be opened.
        TriptychError: what ended the work, at the end of the block.
    """
    stop = threading.Event()
    faults: list[TriptychError] = []
    assessor = KeptAssessor(place, checkpoint)
    with (
        opened(place, create=isinstance(place, Path)) as engine,
        open_inbox(root, keep_free=0) as inbox,
        open_chart(root) as chart,
    ):
        desk = Desk(inbox, chart, engine, rules, habits, watched=watched)

        def work() -> None:
            try:
                assembling.run(desk, assessor, stop)
            except TriptychError as error:
                faults.append(error)
                failed()

        thread = threading.Thread(target=work, name="assembling")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
    if faults:
        raise faults[0]
