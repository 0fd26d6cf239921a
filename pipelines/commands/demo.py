"""The demonstration: the embedded cohort assessed, recorded, verified, exported and summed up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from clinical.audit.verify import Verdict, verify
from clinical.cohorts.sources import source
from clinical.errors import LedgerError
from clinical.export.bundle import export
from clinical.model import card
from clinical.model.model import load
from clinical.workspace.database import opened
from pipelines.assessing import results
from pipelines.assessing.batch import ACTOR, Run, assess_cohort
from pipelines.assessing.refusals import refusals
from pipelines.jobs.executors import Workers
from pipelines.jobs.progress import bar
from pipelines.study.judged_assessments import Evaluation, evaluate

SAMPLE_DATA = Path(str(resources.files("sample_data"))) / "cohort"


@dataclass(frozen=True)
class Demonstration:
    """What `demo` made, and where.

    Attributes:
        counts: what became of the cases.
        evaluation: how the suggestions compare with the simulated truth.
        verdict: of the ledger after the export.
        refused: model that ships and has to be added to the reasons for which it would say nothing
            of the cases, with their numbers.
        workspace, record: where they lie.
        seconds: wall time.
    """

    counts: results.Counts
    evaluation: Evaluation
    verdict: Verdict
    refused: Mapping[str, Mapping[str, int]]
    workspace: Path
    record: Path
    seconds: float


def demonstrate(out: Path, *, jobs: int = 1) -> Demonstration:
    """Run the demonstration into `out`; an earlier one there is added to, never overwritten.

    Raises:
        LedgerError: if the ledger does not verify.
    """
    started = time.monotonic()
    workspace = out / "workspace"
    counts = assess_cohort(
        Run(SAMPLE_DATA, "folder", None, out / "assessments", workspace, Workers(jobs=jobs))
    )
    evaluation = evaluate(out / "assessments", source("folder"), SAMPLE_DATA)
    with opened(workspace) as engine:
        with bar() as progress:
            task = progress.add_task("export", total=counts.assessed, note="")
            exported = export(
                engine,
                out / "record.zip",
                actor=ACTOR,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        with engine.connect() as connection:
            verdict = verify(connection)
    if not verdict.intact:
        raise LedgerError(
            f"The ledger is broken{verdict.where}: {verdict.reason}",
            remedy=f"keep {workspace} as it is and find out who changed it",
        )
    refused = {
        one.name: refusals(load(one.folder), "folder", SAMPLE_DATA)[1] for one in card.on_request()
    }
    return Demonstration(
        counts,
        evaluation,
        verdict,
        refused,
        workspace,
        exported.out,
        time.monotonic() - started,
    )
