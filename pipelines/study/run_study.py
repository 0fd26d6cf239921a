"""A study from its file: looked at in the first second, then carried out.

What carries it out brings PyTorch and MONAI along, which take longer to load than everything that
can be wrong with a study file takes to be found. It is therefore loaded after the look.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.jobs.executors import Workers
from pipelines.study import first_checks
from pipelines.study.design import load_design


def run_study(
    study_file: Path, out: Path, cohort: Path | None = None, *, workers: Workers | None = None
) -> str:
    """Run a study and write it into `out`.

    Args:
        study_file: see `pipelines.study.design`.
        out: folder for the results; a killed run resumes from what it holds.
        cohort: folder of the cohort, if not as in the study.
        workers: who does the trainings, or parts of the cohort; the results do not depend on it.

    Returns:
        The verdict, one sentence.

    Raises:
        ConfigError: if the study cannot be read, names what the cohort does not have, or asks for
            an extra that is not installed.
        CohortError: if the cohort cannot be read, or no case is left to learn from or to test.
        ModelError: if the study names a checkpoint that cannot be used.
    """
    design = load_design(study_file, cohort)
    first_checks.look(design)

    from pipelines.study.retrospective_study import carry_out

    return carry_out(design, study_file.read_bytes(), out, workers or Workers())
