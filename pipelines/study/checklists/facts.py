"""What a finished study can report by itself: name, as in the checklists' tables, to function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.study.checklists import about_cohort as cohort
from pipelines.study.checklists import about_model as model
from pipelines.study.checklists import about_results as results
from pipelines.study.checklists.finished import Finished

Fact = Callable[[Finished], str]

_ALL: tuple[Fact, ...] = (
    cohort.cohort_source,
    cohort.data,
    cohort.retrospective,
    cohort.eligibility,
    cohort.reading,
    cohort.flow,
    cohort.split,
    cohort.disjoint,
    cohort.parts,
    cohort.training_and_test,
    cohort.images_across,
    cohort.no_image,
    cohort.outcomes,
    cohort.prevalence,
    cohort.unknown_outcomes,
    cohort.size,
    cohort.inputs,
    cohort.missing,
    cohort.sites,
    cohort.groups,
    cohort.training_rules,
    cohort.training_source,
    cohort.training_groups,
    cohort.timing,
    cohort.acquisition,
    model.model_name,
    model.title,
    model.objective,
    model.research_use,
    model.output,
    model.output_kind,
    model.threshold_cases,
    model.recalibration,
    model.ensemble,
    model.model_settings,
    model.training_settings,
    model.image_settings,
    model.seeds,
    model.software,
    model.code,
    model.study_file,
    model.predictions,
    model.files_kept,
    results.verdict,
    results.measures,
    results.uncertainty,
    results.discrimination,
    results.operating,
    results.crosstab,
    results.calibration,
    results.recalibrated,
    results.subgroups,
    results.by_inputs,
    results.by_site,
    results.by_fold,
    results.inside,
    results.elsewhere,
    results.fair_inside,
    results.fair_elsewhere,
    results.more_patients,
    results.gap_method,
    results.gaps,
    results.sets,
    results.guard_method,
    results.guards,
    results.next_study,
    results.limits,
)

FACTS: Mapping[str, Fact] = {fact.__name__: fact for fact in _ALL}
"""A fact gives sentences, or "" where the study's files do not know."""
