"""The JavaScript of the page: each file of tests/ui/javascript run by Node.js, and what was built.

`make check` runs the same files, and compares what was built with its sources.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted(Path(__file__).with_name("javascript").glob("*.test.js"))
BUILT = sorted((ROOT / "ui" / "viewer" / "bundle").glob("*.js"))
OLDEST = 18


@pytest.fixture(scope="module")
def node() -> str:
    """Node.js with the packages of the tests; they are skipped where either is not installed."""
    path = shutil.which("node")
    if path is None:
        pytest.skip(f"Node.js {OLDEST} or newer is not installed")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"Node.js is {told.strip()}; the tests need {OLDEST} or newer")
    if not (ROOT / "node_modules" / "jsdom").is_dir():
        pytest.skip("the packages of the JavaScript tests are not installed (make check does it)")
    return path


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name.removesuffix(".test.js"))
def test_in_node(node: str, file: Path) -> None:
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", file], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ℹ pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_each_component_of_the_viewer_was_built_as_one_module() -> None:
    assert [file.stem for file in BUILT] == ["carrier", "heat", "report", "viewer"]
    for file in BUILT:
        code = file.read_text("utf-8")
        assert not re.search(r"^import\b|\bimport\(", code, re.MULTILINE), file.name
        (exported,) = re.findall(r"^export \{(.*?)\};$", code, re.MULTILINE | re.DOTALL)
        assert f"{file.stem} as default" in exported


@pytest.mark.parametrize("file", BUILT, ids=lambda file: file.stem)
def test_what_was_built_names_no_address(file: Path) -> None:
    namespace = "http://www.w3.org/2000/svg"  # a name, not an address
    assert "http" not in file.read_text("utf-8").replace(namespace, "")


def test_the_packages_that_build_it_are_of_exact_versions_and_from_no_named_registry() -> None:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]

    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    packages = {name: package for name, package in locked.items() if name}
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
