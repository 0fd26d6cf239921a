"""`predictions.parquet`: one row per case, label, method and repeat, for independent analysis.

Column names are those of MEDS-evaluation (subject_id, prediction_time, boolean_value,
predicted_boolean_probability, predicted_boolean_value), with ours beside them. Two things differ
from its schema: subject_id is text, as patient pseudonyms are, and a time or an outcome that is not
known is null.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS, hidden, untaught
from pipelines.folds.splits import Fold, Indices
from pipelines.folds.temporal import decided
from pipelines.study import subgroup_columns
from pipelines.study.thresholds import Chosen
from pipelines.training.dataset import CachedCase

Values = NDArray[np.float64]

SCHEMA = pa.schema(
    [
        ("case_id", pa.string()),
        ("patient_id", pa.string()),
        ("subject_id", pa.string()),
        ("prediction_time", pa.timestamp("us", tz="UTC")),
        ("label", pa.string()),
        ("method", pa.string()),
        ("repeat", pa.int32()),
        ("fold", pa.string()),
        ("boolean_value", pa.bool_()),
        ("predicted_boolean_probability", pa.float64()),
        ("predicted_boolean_value", pa.bool_()),
        ("recalibrated_probability", pa.float64()),
        ("inputs", pa.string()),
        ("site", pa.string()),
        ("sex", pa.string()),
        ("age_years", pa.float64()),
    ]
)
_BLOCK = 2000
_ORDER = [(name, "ascending") for name in ("case_id", "label", "method", "repeat")]


def judged_methods(tested: OutOfFold) -> list[str]:
    """Methods that stand for themselves, not for the model with a modality taken away."""
    names = tested.dataset.modalities
    inner = {taken(name) for name in names for taken in (hidden, untaught)}
    return [method for method in tested.scores if method not in inner]


def to_bytes(tested: OutOfFold, chosen: Sequence[Chosen]) -> bytes:
    """All predictions of tested cases as a Parquet file; the same bytes for the same predictions.

    Rows are sorted by case, label, method and repeat, and written one block of cases after the
    other, so that only the file itself grows with the cohort. A method that does not depend on the
    seed has one repeat. `predicted_boolean_value` and `recalibrated_probability` are there for the
    model, in its first repeat.
    """
    sink = io.BytesIO()
    cases = tested.dataset.cases
    ordered = sorted(range(len(cases)), key=lambda row: cases[row].case.case_id)
    with pq.ParquetWriter(sink, SCHEMA, version="2.6", compression="zstd") as writer:
        for start in range(0, len(ordered), _BLOCK):
            block = np.array(ordered[start : start + _BLOCK], dtype=np.intp)
            writer.write_table(_block(tested, chosen, block))
    return sink.getvalue()


def _block(tested: OutOfFold, chosen: Sequence[Chosen], block: Indices) -> pa.Table:
    """The rows of these cases."""
    parts = [
        _part(tested, chosen, method, repeat, column, block)
        for method in judged_methods(tested)
        for repeat in range(len(tested.scores[method]))
        for column in range(len(tested.dataset.diagnoses))
    ]
    return pa.concat_tables(parts).sort_by(_ORDER)


def _part(
    tested: OutOfFold,
    chosen: Sequence[Chosen],
    method: str,
    repeat: int,
    column: int,
    block: Indices,
) -> pa.Table:
    dataset = tested.dataset
    scores, labels = tested.scores[method][repeat][:, column], dataset.labels[:, column]
    rows = block[~np.isnan(scores[block])]
    names = _folds(tested.folds[repeat], rows)
    ours = method == OURS and repeat == 0
    cuts = chosen[column].cuts if ours else np.full(len(labels), np.nan)
    mended = chosen[column].recalibrated if ours else np.full(len(labels), np.nan)
    count = len(rows)
    values: dict[str, Any] = {
        **_facts([dataset.cases[i] for i in rows]),
        "label": [dataset.diagnoses[column]] * count,
        "method": [method] * count,
        "repeat": [repeat] * count,
        "fold": names,
        "boolean_value": [None if np.isnan(y) else bool(y) for y in labels[rows]],
        "predicted_boolean_probability": scores[rows],
        "predicted_boolean_value": list(_alerts(scores[rows], cuts[rows])),
        "recalibrated_probability": pa.array(mended[rows], from_pandas=True),
    }
    return pa.table({name: values[name] for name in SCHEMA.names}, schema=SCHEMA)


def _facts(cases: Sequence[CachedCase]) -> dict[str, list[Any]]:
    return {
        "case_id": [cached.case.case_id for cached in cases],
        "patient_id": [cached.case.patient_id for cached in cases],
        "subject_id": [cached.case.patient_id for cached in cases],
        "prediction_time": [decided(cached.case) for cached in cases],
        "inputs": [subgroup_columns.inputs(cached) for cached in cases],
        "site": [cached.case.site or None for cached in cases],
        "sex": [subgroup_columns.sex(cached) or None for cached in cases],
        "age_years": [subgroup_columns.age(cached) for cached in cases],
    }


def _folds(folds: Sequence[Fold], rows: Indices) -> list[str]:
    """The name of the fold that tested each row."""
    names = np.full(len(rows), "", dtype=object)
    for fold in folds:
        names[np.isin(rows, fold.test)] = fold.name
    return [str(name) for name in names]


def _alerts(scores: Values, cuts: Values) -> Iterator[bool | None]:
    for score, cut in zip(scores, cuts, strict=True):
        yield None if np.isnan(cut) else bool(score >= cut)
