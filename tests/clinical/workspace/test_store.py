"""The workspace: opening it, and getting back exactly what was put in."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from full_disk import room
from sqlalchemy import Engine, text

from clinical.audit.verify import verify
from clinical.case.assessment import OutOfDistribution, assessment_digest
from clinical.case.case import Case, as_json, input_digest
from clinical.case.shapes import Array, Arrays, Text, Texts
from clinical.errors import StoreError
from clinical.workspace import comments, store
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from pipelines.cli import main


def file_of(workspace: Engine) -> str:
    assert workspace.url.database
    return workspace.url.database


# Opening


def test_a_missing_workspace_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no triptych\.sqlite") as caught:
        open_workspace(tmp_path / "nowhere")
    assert caught.value.remedy
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, create: bool) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"a letter, not a database " * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_workspace(tmp_path, create=create)


@pytest.mark.parametrize("create", [True, False])
def test_the_database_of_another_program_is_left_alone(tmp_path: Path, create: bool) -> None:
    other = sqlite3.connect(tmp_path / DATABASE_NAME)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="not a Triptych workspace"):
        open_workspace(tmp_path, create=create)


def test_a_workspace_of_another_layout_is_refused(workspace: Engine, tmp_path: Path) -> None:
    raw = sqlite3.connect(file_of(workspace))
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(StoreError, match="layout 99"):
        open_workspace(tmp_path / "workspace")


def test_making_a_workspace_twice_keeps_what_is_in_it(tmp_path: Path, example: Any) -> None:
    for _ in range(2):
        engine = open_workspace(tmp_path / "odd ?name#%", create=True)
        with writing(engine) as connection:
            store.put_case(connection, example.case())
        engine.dispose()
    engine = open_workspace(tmp_path / "odd ?name#%")
    with engine.connect() as connection:
        assert store.get_case(connection, "case-1").case_id == "case-1"
    engine.dispose()


def test_it_is_durable_and_for_its_owner_only(workspace: Engine) -> None:
    with workspace.connect() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]
    assert Path(file_of(workspace)).stat().st_mode & 0o077 == 0


@pytest.mark.both_databases
def test_a_block_that_raises_leaves_nothing_behind(workspace: Engine, example: Any) -> None:
    def half_done() -> None:
        with writing(workspace) as connection:
            store.put_case(connection, example.case())
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_done()
    with workspace.connect() as connection, pytest.raises(StoreError):
        store.get_case(connection, "case-1")


# Round trips


@pytest.mark.both_databases
def test_a_case_comes_back_as_it_was(workspace: Engine, example: Any) -> None:
    case = example.case()
    with writing(workspace) as connection:
        digest = store.put_case(connection, case)
    with workspace.connect() as connection:
        back = store.get_case(connection, "case-1")
        light = store.get_case(connection, "case-1", with_pixels=False)
    assert digest == input_digest(case) == input_digest(back)
    assert as_json(back) == as_json(case)
    assert set(light.inputs) == {"measurements", "history", "notes"}


@pytest.mark.both_databases
def test_an_assessment_comes_back_as_it_was(workspace: Engine, example: Any) -> None:
    case = example.case()
    assessment = example.assessment(case)
    with writing(workspace) as connection:
        store.put_case(connection, case)
        digest = store.put_assessment(connection, assessment)
    with workspace.connect() as connection:
        assert store.get_assessment(connection, digest) == assessment
        assert store.latest_assessment(connection, "case-1") == (digest, assessment)
        assert store.latest_assessment(connection, "case-2") is None
    assert digest == assessment_digest(assessment)


@pytest.mark.both_databases
def test_putting_twice_changes_nothing(workspace: Engine, example: Any) -> None:
    case = example.case()
    for _ in range(2):
        with writing(workspace) as connection:
            store.put_case(connection, case)
            store.put_assessment(connection, example.assessment(case))
    with workspace.connect() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("cases", "pixels", "assessments", "worklist")
        ]
    assert counts == [1, 1, 1, 1]


@pytest.mark.both_databases
def test_the_last_record_put_is_current_and_the_inputs_of_each_assessment_stay(
    workspace: Engine, example: Any
) -> None:
    first, second = example.case(note="First."), example.case(note="Second.")
    with writing(workspace) as connection:
        for case in (first, second, first):
            store.put_case(connection, case)
            store.put_assessment(connection, example.assessment(case))
    with workspace.connect() as connection:
        current = store.get_case(connection, "case-1")
        earlier = store.get_case(connection, "case-1", input_digest=input_digest(second))
        latest = store.latest_assessment(connection, "case-1")
    assert input_digest(current) == input_digest(first)
    assert earlier.inputs["notes"] == second.inputs["notes"]
    assert latest is not None
    assert latest[1].input_digest == input_digest(first)


@pytest.mark.both_databases
def test_an_assessment_needs_its_case(workspace: Engine, example: Any) -> None:
    assessment = example.assessment(example.case())
    with writing(workspace) as connection, pytest.raises(StoreError, match="does not hold"):
        store.put_assessment(connection, assessment)


@pytest.mark.both_databases
def test_half_a_character_is_refused_without_showing_the_text(
    workspace: Engine, example: Any
) -> None:
    case = Case("case-9", "p", None, {"notes": Texts((Text("s", "secret \ud83d"),))})
    with writing(workspace) as connection, pytest.raises(StoreError, match="Unicode") as caught:
        store.put_case(connection, case)
    assert "secret" not in str(caught.value)


def test_spoiled_records_are_refused(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    raw = sqlite3.connect(file_of(workspace))
    raw.execute("UPDATE assessments SET record = replace(record, '0.83', '0.13')")
    raw.execute("UPDATE pixels SET data = substr(data, 1, 20)")
    raw.commit()
    raw.close()
    with workspace.connect() as connection:
        with pytest.raises(StoreError, match="was changed"):
            store.get_assessment(connection, digest)
        with pytest.raises(StoreError, match="were changed"):
            store.get_case(connection, "case-1")
        assert "notes" in store.get_case(connection, "case-1", with_pixels=False).inputs


@pytest.mark.both_databases
def test_two_comments_with_the_same_text_cannot_be_recognised_by_digest(
    workspace: Engine,
) -> None:
    with writing(workspace) as connection:
        one, two = (comments.put(connection, "Överväg CT 肺") for _ in range(2))
        assert comments.get(connection, one) == comments.get(connection, two)
        with pytest.raises(StoreError):
            comments.get(connection, "0" * 64)
    assert one != two


# Worklist


@pytest.mark.both_databases
def test_the_worklist_shows_what_is_not_withheld(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    with workspace.connect() as connection:
        (entry,) = store.worklist(
            connection, dangerous=("pneumothorax", "heart_failure", "pulmonary_embolism")
        )
    assert entry == store.WorklistEntry(
        "case-1",
        digest,
        example.noon,
        ("image", "measurements", "history", "notes"),
        ("ecg",),
        ("bacterial_pneumonia", 0.83),
        ("heart_failure", 0.22),
        True,
        1,
    )


@pytest.mark.both_databases
def test_the_worklist_follows_the_latest_assessment(workspace: Engine, example: Any) -> None:
    _, assessment = example.recorded(workspace)
    later = replace(
        assessment,
        suggestions=tuple(replace(s, withheld_because="No input.") for s in assessment.suggestions),
        conflicts=(),
        out_of_distribution=OutOfDistribution(0.2, False),
    )
    with writing(workspace) as connection:
        digest = store.put_assessment(connection, later)
    with workspace.connect() as connection:
        (entry,) = store.worklist(connection)
    assert (entry.assessment_digest, entry.top, entry.flagged) == (digest, None, False)


@pytest.mark.both_databases
def test_a_whole_image_survives(workspace: Engine) -> None:
    generator = np.random.default_rng(5)
    values = generator.integers(0, 4096, (64, 48)).astype(np.float32)
    case = Case("c", "p", None, {"image": Arrays((Array(values),))})
    with writing(workspace) as connection:
        store.put_case(connection, case)
        image = store.get_case(connection, "c").inputs["image"].arrays[0]
    assert isinstance(image, Array)
    np.testing.assert_array_equal(image.values, values)


def test_a_full_disk_is_said_and_nothing_that_was_recorded_is_lost(
    tmp_path: Path, example: Any
) -> None:
    folder = tmp_path / "workspace"
    engine = open_workspace(folder, create=True)
    kept: list[str] = []
    with room(400_000), pytest.raises(StoreError) as caught:
        fill(engine, example, kept)
    assert f"The workspace {folder / DATABASE_NAME} could not be written" in caught.value.message
    assert "make room" in caught.value.remedy
    assert len(kept) > 1
    example.recorded(engine, example.case("case-after"))
    with engine.connect() as connection:
        assert verify(connection, pixels=True).intact
        assert [store.get_case(connection, name).case_id for name in kept] == kept
    engine.dispose()


def test_a_database_without_room_says_so(tmp_path: Path, example: Any) -> None:
    engine = open_workspace(tmp_path, create=True)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="database or disk is full"):
        fill(engine, example, [])
    engine.dispose()


def fill(engine: Engine, example: Any, kept: list[str]) -> None:
    """Record cases until that fails; notes each that was acknowledged."""
    for number in range(1000):
        example.recorded(engine, example.case(f"case-{number}"))
        kept.append(f"case-{number}")


def test_a_damaged_file_is_said_in_one_sentence(
    tmp_path: Path, example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "workspace"
    engine = open_workspace(folder, create=True)
    for number in range(20):
        example.recorded(engine, example.case(f"case-{number}"))
    engine.dispose()
    file = folder / DATABASE_NAME
    whole = file.read_bytes()
    said = set()
    for place in range(4096, len(whole) - 200, len(whole) // 12):
        spoiled = bytes(byte ^ 0xFF for byte in whole[place : place + 200])
        file.write_bytes(whole[:place] + spoiled + whole[place + 200 :])
        code = main(["audit", "verify", "--workspace", str(folder), "--pixels"], {})
        caught = capsys.readouterr()
        found = {word for word in ("is damaged", "BROKEN") if word in caught.out + caught.err}
        assert (code == 1) == bool(found), "or nothing that is in use was hit"
        said |= found
    assert said == {"is damaged", "BROKEN"}
