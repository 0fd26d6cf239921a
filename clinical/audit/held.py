"""Does the store hold what the ledger says, as it was, and show nothing that no event brought?

The rules are those of `clinical.audit.verifier`; this turns the rows of the store into the records
that it reads, and compares the tables that an export does not hold with the fold of the events:
which record of a case is the current one, and the list of cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select
from sqlalchemy.exc import OperationalError

from clinical import canonical
from clinical.audit import account_rows
from clinical.audit.verifier import Fault, Fields, Walk, name_of
from clinical.case import assessment as assessments
from clinical.case.shapes import digests_of, time_from_json
from clinical.workspace.layout import ASSESSMENTS, CASES, COMMENTS, WORKLIST
from clinical.workspace.pixels import holds
from clinical.workspace.worklist_row import Shown, probabilities, row_of
from clinical.workspace.worklist_row import shown as shown_of

AT_ONCE = 200  # rows read at a time


def check(connection: Connection, walk: Walk, *, pixels: bool) -> None:
    """Check the store against the events that were walked through; with `pixels`, images too.

    Raises:
        Fault: at the first record that is missing, was changed, or that no event brought.
    """
    patients, times, images = _check_cases(connection, walk)
    expected = _check_assessments(connection, walk, patients, times)
    for row in _rows(connection, select(COMMENTS)):
        salted = canonical.dumps({"salt": row.salt, "text": row.text})
        walk.take_comment(salted, row.digest)
    walk.check_held()
    _check_current(connection, walk)
    _check_worklist(connection, walk, expected)
    account_rows.check(connection, walk)
    if pixels:
        for digest, number in images.items():
            if not holds(connection, digest):
                raise Fault("an image of the case that it names is missing or was changed", number)


def _check_cases(
    connection: Connection, walk: Walk
) -> tuple[dict[str, str], dict[str, str | None], dict[str, int]]:
    """Patient and decision time of all inputs; image digest to the first event that names it."""
    patients: dict[str, str] = {}
    times: dict[str, str | None] = {}
    images: dict[str, int] = {}
    for row in _rows(connection, select(CASES).order_by(CASES.c.case_id, CASES.c.position)):
        found = _valued(walk.take_case, row.record, row.record_digest)
        called = name_of("input", row.case_id, row.input_digest)
        number = walk.named["input"].get(called, 0)
        if found is None:
            raise Fault(f"the store holds a case, {row.case_id}, that no event brought")
        time = time_from_json(found["decision_time"])
        shown = {"case_id": found["case_id"], "decision_time": time.isoformat() if time else None}
        inputs = canonical.digest({name: found[name] for name in ("decision_time", "inputs")})
        if {**shown, "input_digest": inputs} != {name: row._mapping[name] for name in _COLUMNS}:
            raise Fault("the row of the case that it names was changed in the store", number)
        patients[called], times[called] = found["patient_id"], row.decision_time
        for shape in found["inputs"].values():
            for digest in digests_of(shape):
                images.setdefault(digest, number)
    return patients, times, images


_COLUMNS = ("case_id", "decision_time", "input_digest")


def _check_assessments(
    connection: Connection, walk: Walk, patients: dict[str, str], times: dict[str, str | None]
) -> dict[str, Fields]:
    """The rows that the list of cases has to have, by case_id."""
    expected: dict[str, Fields] = {}
    others = {
        case_id: tuple(latest["beside"])
        for case_id, (_, latest) in walk.current.items()
        if latest.get("beside")
    }
    shown: dict[str, list[Shown]] = {}
    for row in _rows(connection, select(ASSESSMENTS)):
        found = _valued(walk.take_assessment, row.record, row.digest)
        if found is None:
            continue  # no event names it, and nothing shows it
        called = name_of("input", row.case_id, found["input_digest"])
        if row.case_id != found["case_id"]:
            number = walk.named["assessment"][row.digest]
            raise Fault("the row of the assessment that it names was changed in the store", number)
        if called in patients:
            known = {"case_id": found["case_id"], "patient_id": patients[called]}
            walk.check_patient(found, known)
        _, latest = walk.current.get(row.case_id, (0, {}))
        if row.case_id in others:
            shown[row.digest] = shown_of(assessments.from_json(found))
        if latest.get("assessment") == row.digest:
            read = assessments.from_json(found)
            expected[row.case_id] = row_of(read, row.digest, times.get(called))
    for case_id in others.keys() & expected.keys():
        own = shown[expected[case_id]["assessment_digest"]]
        beside = [pair for digest in others[case_id] for pair in shown.get(digest, ())]
        expected[case_id]["probabilities"] = probabilities(own, beside)
    return expected


def _valued(take: Any, record: str, digest: str) -> Any:
    try:
        return take(record.encode(), digest)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Fault("a record in the store is not what Triptych writes") from None


def _check_current(connection: Connection, walk: Walk) -> None:
    """The current record of each case is the one that its latest event is about."""
    highest = select(CASES.c.case_id, func.max(CASES.c.position).label("position"))
    latest = highest.group_by(CASES.c.case_id).subquery()
    joined = (CASES.c.case_id == latest.c.case_id) & (CASES.c.position == latest.c.position)
    query = select(CASES.c.case_id, CASES.c.record_digest, CASES.c.input_digest)
    for row in _rows(connection, query.join(latest, joined)):
        number, payload = walk.current.get(row.case_id, (0, {}))
        if not number:
            raise Fault(f"the store holds a case, {row.case_id}, that no event brought")
        digest = row.record_digest if "record" in payload else row.input_digest
        if digest != payload.get("record", payload["input"]):
            raise Fault("the store shows another record of the case than it is about", number)


def _check_worklist(connection: Connection, walk: Walk, expected: dict[str, Fields]) -> None:
    """The list of cases says what the latest assessment of each case says."""
    listed = set()
    for row in _rows(connection, select(WORKLIST)):
        number, _ = walk.current.get(row.case_id, (0, {}))
        wanted = expected.get(row.case_id)
        if wanted is None:
            raise Fault(f"the list of cases holds a case, {row.case_id}, that no event brought")
        if {**row._mapping} != {"case_id": row.case_id, **wanted}:
            raise Fault("the list of cases says something else than the assessment", number)
        listed.add(row.case_id)
    for case_id in sorted(expected.keys() - listed):
        raise Fault("its case is missing from the list of cases", walk.current[case_id][0])


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    try:
        yield from connection.execute(query.execution_options(yield_per=AT_ONCE))
    except OperationalError:
        raise Fault("a record in the store cannot be read as text") from None
