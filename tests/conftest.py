"""Fixtures that every test may use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from postgres_server import Server, running

if TYPE_CHECKING:
    from clinical.model.model import Model

# No example has a time limit, and every run tries the same ones: what is found by chance belongs to
# whoever looks for it, with --hypothesis-profile=chance.
for name, same in (("chance", False), ("same", True)):
    settings.register_profile(
        name, deadline=None, derandomize=same, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("same")

SHARED_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give a test no name: those of a ZIP hold the time of day, and workers that collect on
    either side of a second would not agree on which tests there are."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a PostgreSQL server, so that it can be left out."""
    for item in items:
        if isinstance(item, pytest.Function):
            chosen = item.callspec.params.get("workspace") if hasattr(item, "callspec") else None
            if "server" in item.fixturenames or chosen == "server":
                item.add_marker("server")


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit puts its page in place of `__main__`, and a process started later would run it."""
    own = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = own


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data sets; the test is skipped where it is absent."""
    if not (SHARED_DATA / "README.md").exists():
        pytest.skip("the public data sets are not beside this checkout (../shared/data)")
    return SHARED_DATA.resolve()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server; the test is skipped where Debian's package is not installed."""
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def model_of_two() -> Model:
    """A model trained in seconds on the made-up clinic with two diagnoses."""
    from clinic_of_two import STUDY, make_dataset

    from pipelines.folds.splits import hold_out
    from pipelines.training.train import train_model

    dataset = make_dataset()
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    return train_model(dataset, training, validation, STUDY).model


@pytest.fixture(scope="session")
def model_of_pairs() -> Model:
    """A model trained in seconds on the made-up clinic whose inputs tell of one another."""
    from clinic_of_pairs import STUDY, make_dataset

    from pipelines.folds.splits import hold_out
    from pipelines.training.train import train_model

    dataset = make_dataset(300, seed=1)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.2, seed=0)
    return train_model(dataset, training, validation, STUDY).model
