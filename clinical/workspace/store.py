"""The store of cases and assessments, each identified by its digest.

Every function works inside the caller's transaction (`clinical.workspace.database.writing` for the
puts), so that what is stored and the audit event about it commit together. Content is never
overwritten: putting something again changes nothing, except which record of a case is its current
one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, delete, func, select

from clinical import canonical
from clinical.case import assessment as assessments
from clinical.case import case as cases
from clinical.case.assessment import Assessment
from clinical.case.case import Case
from clinical.case.shapes import digests_of
from clinical.errors import StoreError
from clinical.workspace import pixels
from clinical.workspace.database import upsert
from clinical.workspace.layout import ASSESSMENTS, CASES, WORKLIST
from clinical.workspace.worklist_row import most_probable, own, row_of, shown

_AGAIN = "assess the case again, or restore the workspace from a backup."


@dataclass(frozen=True)
class WorklistEntry:
    """What the list of cases shows of one case and its latest assessment, if it has one.

    Attributes:
        case_id: the case.
        assessment_digest: its latest assessment; "" where it is to be read without a model.
        decision_time: of the case, or None.
        used, missing: modality names present and absent; none is missing without a model.
        top: most probable diagnosis that is not withheld and its probability, or None.
        dangerous: the same among the diagnoses the caller named as dangerous, or None; what other
            models say of the case counts, too.
        flagged: the input is outside what the model was trained on.
        conflicts: how many sentences of conflict the assessment holds.
    """

    case_id: str
    assessment_digest: str
    decision_time: datetime | None
    used: tuple[str, ...]
    missing: tuple[str, ...]
    top: tuple[str, float] | None
    dangerous: tuple[str, float] | None
    flagged: bool
    conflicts: int


def put_case(connection: Connection, case: Case) -> str:
    """Store `case` with its pixels and make it the current record of its case_id.

    Returns:
        The input digest: what an assessment of this case names.

    Raises:
        StoreError: if a text in the case is not valid Unicode or a number is not finite.
    """
    record = written(cases.as_json(case))
    digest = canonical.sha256(record)
    inputs = cases.input_digest(case)
    current = connection.execute(_current(case.case_id, None)).one_or_none()
    if current is not None and current.record_digest == digest:
        return inputs
    for shape in case.inputs.values():
        for array in shape.arrays:
            pixels.put(connection, array)
    position = current.position + 1 if current else 1
    row = {
        "record_digest": digest,
        "case_id": case.case_id,
        "input_digest": inputs,
        "position": position,
        "decision_time": case.decision_time.isoformat() if case.decision_time else None,
        "record": record.decode(),
    }
    statement = upsert(connection, CASES).values(**row)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["record_digest"], set_={"position": position}
        )
    )
    return inputs


def get_case(
    connection: Connection,
    case_id: str,
    *,
    with_pixels: bool = True,
    input_digest: str | None = None,
) -> Case:
    """The current record of a case, or the one that an assessment saw.

    Args:
        connection: reads the workspace.
        case_id: the case.
        with_pixels: False leaves array inputs out, which is quick.
        input_digest: `Assessment.input_digest`, to get the inputs of that assessment.

    Raises:
        StoreError: if there is no such case, or its pixels are missing or corrupted.
    """
    row = connection.execute(_current(case_id, input_digest)).one_or_none()
    if row is None:
        raise StoreError(f"The workspace holds no case {case_id}.", remedy=_AGAIN)
    data = json.loads(row.record)
    values: dict[str, NDArray[np.float32]] = {}
    if with_pixels:
        for shape in data["inputs"].values():
            for digest in digests_of(shape):
                values[digest] = pixels.get(connection, digest)
    return cases.from_json(data, values)


def patient_of(connection: Connection, case_id: str) -> str | None:
    """The patient of a case in the workspace, or None where there is no such case."""
    row = connection.execute(_current(case_id, None)).one_or_none()
    return json.loads(row.record)["patient_id"] if row else None


def record_of(connection: Connection, case_id: str) -> str | None:
    """Digest of the current record of a case, or None where there is no such case."""
    row = connection.execute(_current(case_id, None)).one_or_none()
    return str(row.record_digest) if row else None


def versions(connection: Connection, case_id: str) -> dict[str, str]:
    """Digests of the current version of a case: "input" of its inputs, "record" of all of it.

    Raises:
        StoreError: if there is no such case.
    """
    row = connection.execute(_current(case_id, None)).one_or_none()
    if row is None:
        raise StoreError(f"The workspace holds no case {case_id}.", remedy=_AGAIN)
    return {"input": str(row.input_digest), "record": str(row.record_digest)}


def unlist(connection: Connection, case_id: str) -> None:
    """Let the list of cases show a case as one without an assessment; its assessments stay."""
    connection.execute(delete(WORKLIST).where(WORKLIST.c.case_id == case_id))


def case_ids(connection: Connection) -> list[str]:
    """All cases that have an assessment, by case_id."""
    return list(
        connection.execute(select(WORKLIST.c.case_id).order_by(WORKLIST.c.case_id)).scalars()
    )


def put_assessment(
    connection: Connection, assessment: Assessment, beside: Sequence[Assessment] = ()
) -> str:
    """Store `assessment` and make it the latest of its case. Its case must be stored already.

    Args:
        connection: of a transaction.
        assessment: that readers begin with.
        beside: what other models made of the same inputs; stored already.

    Returns:
        The assessment digest.

    Raises:
        StoreError: if the case with these inputs is not in the workspace.
    """
    case = connection.execute(_current(assessment.case_id, assessment.input_digest)).one_or_none()
    if case is None:
        raise StoreError(
            f"The workspace does not hold the inputs that case {assessment.case_id} was assessed "
            "with.",
            remedy="store the case before its assessment.",
        )
    record = written(assessments.as_json(assessment))
    digest = canonical.sha256(record)
    connection.execute(
        upsert(connection, ASSESSMENTS)
        .values(digest=digest, case_id=assessment.case_id, record=record.decode())
        .on_conflict_do_nothing()
    )
    others = [pair for other in beside for pair in shown(other)]
    row = row_of(assessment, digest, case.decision_time, others)
    statement = upsert(connection, WORKLIST).values(case_id=assessment.case_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=row))
    return digest


def get_assessment(connection: Connection, digest: str) -> Assessment:
    """The assessment with this digest.

    Raises:
        StoreError: if it is missing, or was changed since it was stored.
    """
    query = select(ASSESSMENTS.c.record).where(ASSESSMENTS.c.digest == digest)
    record = connection.execute(query).scalar_one_or_none()
    if record is None:
        raise StoreError(f"The workspace holds no assessment {digest}.", remedy=_AGAIN)
    return _read_assessment(record, digest)


def latest_assessment(connection: Connection, case_id: str) -> tuple[str, Assessment] | None:
    """Digest and assessment last put for a case, or None."""
    query = (
        select(ASSESSMENTS.c.digest, ASSESSMENTS.c.record)
        .join(WORKLIST, WORKLIST.c.assessment_digest == ASSESSMENTS.c.digest)
        .where(WORKLIST.c.case_id == case_id)
    )
    row = connection.execute(query).one_or_none()
    return (row.digest, _read_assessment(row.record, row.digest)) if row else None


def require_assessment(connection: Connection, case_id: str) -> tuple[str, Assessment]:
    """`latest_assessment` of a case that has to have one.

    Raises:
        StoreError: if it has none.
    """
    found = latest_assessment(connection, case_id)
    if found is None:
        raise StoreError(f"Case {case_id} has no assessment.", remedy="assess it first.")
    return found


def worklist(
    connection: Connection,
    *,
    dangerous: Collection[str] = (),
    only: Collection[str] | None = None,
) -> list[WorklistEntry]:
    """All cases by decision time, oldest first, without reading whole assessments.

    Args:
        connection: reads the workspace.
        dangerous: diagnoses that must not wait; fills `WorklistEntry.dangerous`.
        only: case_ids to look up, a few hundred at most; all cases if left out.
    """
    query = select(WORKLIST).order_by(WORKLIST.c.decision_time, WORKLIST.c.case_id)
    unread = select(CASES.c.case_id).where(CASES.c.case_id.not_in(select(WORKLIST.c.case_id)))
    if only is not None:
        query = query.where(WORKLIST.c.case_id.in_(sorted(only)))
        unread = unread.where(CASES.c.case_id.in_(sorted(only)))
    assessed = [_entry(row._mapping, dangerous) for row in connection.execute(query)]
    return sorted([*assessed, *_unassessed(connection, unread)], key=_in_time)


def records(
    connection: Connection, only: Collection[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """case_id and current record (`case.as_json`) of every case, without its pixels.

    Args:
        connection: reads the workspace.
        only: case_ids to look up, a few hundred at most; all cases if left out.
    """
    query = select(CASES.c.case_id)
    if only is not None:
        query = query.where(CASES.c.case_id.in_(sorted(only)))
    for row in connection.execute(_current_of(query)):
        yield row.case_id, json.loads(row.record)


def shown_probabilities(connection: Connection) -> dict[str, dict[str, float]]:
    """case_id to diagnosis to probability in its latest assessment; what is withheld is not there.

    Of every assessed case, without reading whole assessments.
    """
    rows = connection.execute(select(WORKLIST.c.case_id, WORKLIST.c.probabilities))
    return {row.case_id: dict(own(json.loads(row.probabilities))) for row in rows}


def _in_time(entry: WorklistEntry) -> tuple[str, str]:
    # Text, because some sources give times with a zone and some without.
    return entry.decision_time.isoformat() if entry.decision_time else "", entry.case_id


def _current(case_id: str, input_digest: str | None) -> Select[Any]:
    query = select(CASES).where(CASES.c.case_id == case_id)
    if input_digest is not None:
        query = query.where(CASES.c.input_digest == input_digest)
    return query.order_by(CASES.c.position.desc()).limit(1)


def written(value: Mapping[str, Any]) -> bytes:
    """What is stored of a value, as canonical JSON.

    Raises:
        StoreError: if a text in it is not valid Unicode or a number is not finite.
    """
    try:
        return canonical.dumps(value)
    except ValueError:
        raise StoreError(
            "A record holds a number that is not finite or a text that is not valid Unicode.",
            remedy="correct the source and read the case again.",
        ) from None


def _read_assessment(record: str, digest: str) -> Assessment:
    if canonical.sha256(record.encode()) != digest:
        raise StoreError(f"Assessment {digest} was changed.", remedy="run `triptych audit verify`.")
    return assessments.from_json(json.loads(record))


def _entry(row: Mapping[Any, Any], dangerous: Collection[str]) -> WorklistEntry:
    every = json.loads(row["probabilities"])
    time = row["decision_time"]
    return WorklistEntry(
        row["case_id"],
        row["assessment_digest"],
        datetime.fromisoformat(time) if time else None,
        tuple(json.loads(row["used"])),
        tuple(json.loads(row["missing"])),
        most_probable(own(every)),
        most_probable([(name, value) for name, value, *_ in every if name in dangerous]),
        row["flagged"],
        row["conflicts"],
    )


def _unassessed(connection: Connection, wanted: Select[Any]) -> list[WorklistEntry]:
    """Cases among the `wanted` case_ids, with the names of their inputs."""
    return [
        WorklistEntry(
            row.case_id,
            "",
            datetime.fromisoformat(row.decision_time) if row.decision_time else None,
            tuple(json.loads(row.record)["inputs"]),
            (),
            None,
            None,
            False,
            0,
        )
        for row in connection.execute(_current_of(wanted))
    ]


def _current_of(wanted: Select[Any]) -> Select[Any]:
    """The current record of every case among the `wanted` case_ids."""
    current = (
        select(CASES.c.case_id, func.max(CASES.c.position).label("position"))
        .where(CASES.c.case_id.in_(wanted))
        .group_by(CASES.c.case_id)
        .subquery()
    )
    return select(CASES.c.case_id, CASES.c.decision_time, CASES.c.record).join(
        current,
        (CASES.c.case_id == current.c.case_id) & (CASES.c.position == current.c.position),
    )
