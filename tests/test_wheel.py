"""The wheel holds all that the code reads, and works where there is nothing else.

The first tests compare pyproject.toml with the tree. Those marked `wheel` build it, install it into
an environment of its own, and run it in an empty folder as an ordinary user who may write to
neither the packages nor a home; `make wheel-test` runs them.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from waiting import SECONDS, until

ROOT = Path(__file__).parents[1]
PACKAGES = ("clinical", "pipelines", "sample_data", "ui")
BUILT_FROM = "ui/viewer/[!/]*.js"  # the page loads what ui/viewer/bundle has of them


def tracked() -> list[str]:
    """What a commit of the tree as it stands would hold."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def packaged() -> set[str]:
    """Every tracked file of the packages that the product needs where it runs."""
    own = {name for name in tracked() if name.split("/")[0] in PACKAGES}
    return {name for name in own if not (fnmatch(name, BUILT_FROM) and "/bundle/" not in name)}


def declared() -> dict[str, set[str]]:
    """Pattern of the package data to the files that it matches."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)["tool"]["setuptools"]["package-data"]
    return {
        f"{package}: {pattern}": {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / package).glob(pattern)
            if path.is_file()
        }
        for package, patterns in data.items()
        for pattern in patterns
    }


def test_every_data_file_in_the_packages_is_declared() -> None:
    data = {name for name in packaged() if not name.endswith(".py")}
    assert data - set.union(*declared().values()) == set()


def test_every_declared_pattern_matches_something() -> None:
    assert [pattern for pattern, files in declared().items() if not files] == []


def ordinary_user() -> dict[str, Any]:
    """For `subprocess`: nobody, where the tests run as root; else who runs them."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def interpreter() -> str:
    """WHEEL_PYTHON, this Python, or the system's: the first that an ordinary user may start."""
    base = getattr(sys, "_base_executable", sys.executable)
    for name in (os.environ.get("WHEEL_PYTHON"), base, "/usr/bin/python3"):
        found = shutil.which(name) if name else None
        check = [found, "-I", "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
        with contextlib.suppress(OSError):
            if found and subprocess.run(check, cwd="/", **ordinary_user()).returncode == 0:
                return found
    pytest.skip("no Python 3.11 or newer that an ordinary user may start")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that everybody can look into, unlike pytest's own."""
    found = Path(tempfile.mkdtemp(prefix="wheel-"))
    found.chmod(0o755)
    yield found
    subprocess.run(["chmod", "-R", "u+w", str(found)], check=True)
    shutil.rmtree(found)


def build(place: Path, name: str) -> Path:
    """Build from a copy of the tree, so that nothing an earlier build left gets in."""
    tree = place / name
    for file in tracked():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, tree / file)
    pip = [sys.executable, "-I", "-m", "pip", "wheel", "--quiet", "--no-deps"]
    pinned = {"SOURCE_DATE_EPOCH": "1800000000", "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    command = [*pip, "--wheel-dir", place / f"{name}-dist", tree]
    subprocess.run(command, check=True, env=os.environ | pinned)
    return next((place / f"{name}-dist").glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    """The wheel of the tree as it stands."""
    return build(place, "tree")


@pytest.fixture(scope="module")
def triptych(place: Path, wheel: Path) -> Path:
    """The command, installed with the pinned packages; nobody may write where it lies."""
    environment = place / "environment"
    subprocess.run([interpreter(), "-I", "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "-c", ROOT / "constraints.txt", wheel], check=True)
    subprocess.run(["chmod", "-R", "a-w", environment], check=True)
    return environment / "bin" / "triptych"


@pytest.fixture
def empty(place: Path) -> Path:
    """An empty folder that belongs to the ordinary user."""
    found = Path(tempfile.mkdtemp(prefix="empty-", dir=place))
    if user := ordinary_user():
        os.chown(found, user["user"], user["group"])
    return found


@pytest.fixture
def closed_home(place: Path) -> str:
    home = place / "home"
    home.mkdir(exist_ok=True)
    home.chmod(0o555)
    return str(home)


def bare(**variables: str) -> dict[str, str]:
    """An environment without what a developer's shell has set."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C", "OMP_NUM_THREADS": "2", **variables}


def run(command: list[Any], cwd: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, **ordinary_user(), check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


@pytest.mark.wheel
def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == packaged()


@pytest.mark.wheel
def test_the_demonstration_runs_with_a_closed_home(
    triptych: Path, empty: Path, closed_home: str
) -> None:
    said = run([triptych, "demo", "--no-ui"], empty, bare(LC_ALL="C", HOME=closed_home))
    assert "48 of 48 simulated cases assessed" in said
    verdict = run(
        [triptych, "audit", "verify", "--workspace", "runs/demo/workspace"], empty, bare()
    )
    assert "intact: 49 events" in verdict


@pytest.mark.wheel
def test_the_demonstration_runs_in_plain_ascii_without_a_home(triptych: Path, empty: Path) -> None:
    # LANG=C alone makes Python write UTF-8; these two take that back.
    ascii_only = bare(HOME="/nonexistent", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    said = run([triptych, "demo", "--no-ui"], empty, ascii_only)
    assert "48 of 48 simulated cases assessed" in said
    assert said.isascii()


@pytest.mark.wheel
def test_the_page_answers_from_the_wheel(triptych: Path, empty: Path, closed_home: str) -> None:
    environment = bare(LC_ALL="C", HOME=closed_home)
    simulate = [triptych, "simulate", "--cases", "2", "--rows", "128", "--out", "clinic"]
    run(simulate, empty, environment)
    workspace = ["--workspace", "workspace"]
    run([triptych, "reading", "import", "clinic", *workspace], empty, environment)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    serve = [triptych, "serve", *workspace, "--demonstration", "--port", str(port)]
    page = subprocess.Popen(
        serve, cwd=empty, env=environment, stdout=subprocess.DEVNULL, **ordinary_user()
    )
    try:
        assert wait_for(port, "/_stcore/health", page) == b"ok"
        assert b"<title>" in wait_for(port, "/", page)
    finally:
        page.terminate()
        page.wait()


def wait_for(port: int, path: str, server: subprocess.Popen[bytes]) -> bytes:
    """What the server answers, once it does."""

    def answered() -> bytes:
        assert server.poll() is None, f"the server ended with exit code {server.poll()}"
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        with contextlib.closing(asked), contextlib.suppress(ConnectionError):
            asked.request("GET", path)
            answer = asked.getresponse()
            if answer.status == http.client.OK:
                return answer.read()
        return b""

    return until(answered, f"an answer to {path}")


@pytest.mark.wheel
def test_a_wheel_that_is_built_twice_has_the_same_bytes(place: Path, wheel: Path) -> None:
    again = build(place, "another-tree")
    assert again.name == wheel.name
    assert (
        hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()
    )
