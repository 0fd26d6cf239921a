"""The installer on an empty Debian, as docs/operations.md has it.

debootstrap makes the root. Needs root, debootstrap and Debian's mirror, and takes minutes: `make
install-test`. pip inside is told what pip outside is told, and finds the folders that this names.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUITE = "bookworm"
PORT = 8501

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a root of its own"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is not installed"),
]


def run(*command: str | Path, into: str | None = None) -> str:
    found = subprocess.run(
        [str(word) for word in command], input=into, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


class Debian:
    """A root of its own, with the network and the pip of the machine around it."""

    def __init__(self, root: Path, borrowed: Sequence[Path]) -> None:
        self.root = root
        self._mounted = [Path("/proc"), Path("/dev"), *borrowed]
        for place in self._mounted:
            inside = root / place.relative_to("/")
            if place.is_dir():
                inside.mkdir(parents=True, exist_ok=True)
            else:
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.touch()
            run("mount", "--bind", place, inside)

    def __call__(self, *command: str, user: str = "", into: str | None = None) -> str:
        who = ["--userspec", f"{user}:{user}"] if user else []
        return run("chroot", *who, self.root, *command, into=into)

    def close(self) -> None:
        for place in reversed(self._mounted):
            with suppress(AssertionError):
                run("umount", "--lazy", self.root / place.relative_to("/"))


def borrowed() -> list[Path]:
    """Files and folders that pip's settings on this machine name."""
    settings = run(sys.executable, "-m", "pip", "config", "list")
    words = [
        word.strip("'\"")
        for line in settings.splitlines()
        for word in line.split("=", 1)[-1].split()
    ]
    places = [
        Path(word.strip("'\"").removeprefix("file://").removesuffix("/simple")) for word in words
    ]
    named = [place for place in places if place.is_absolute() and place.exists()]
    fixed = [Path("/etc/resolv.conf"), Path("/etc/pip.conf"), Path("/etc/xdg/pip")]
    return list(dict.fromkeys([*named, *(place for place in fixed if place.exists())]))


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    root = tmp_path_factory.mktemp("debian") / "root"
    run("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root)
    made = Debian(root, borrowed())
    release = root / "release"
    shutil.copytree(ROOT / "deploy", release / "deploy")
    shutil.copy(ROOT / "constraints.txt", release)
    run("make", "-C", ROOT, "wheel")
    wheel = max((ROOT / "dist").glob("triptych-*.whl"), key=lambda path: path.stat().st_mtime)
    shutil.copy(wheel, release)
    yield made
    made.close()


@pytest.mark.timeout(3600)
def test_from_an_empty_debian_to_the_page(debian: Debian) -> None:
    wheel = next((debian.root / "release").glob("*.whl")).name
    assert "Installed: triptych" in debian("/release/deploy/install.sh", f"/release/{wheel}")
    # Again, as an upgrade is: the settings that somebody made stay.
    settings = debian.root / "etc/triptych/page.env"
    settings.write_text(settings.read_text().replace("triptych.example", "ward.example"))
    debian("/release/deploy/install.sh", f"/release/{wheel}")
    assert "ward.example" in settings.read_text()
    assert (debian.root / "opt/triptych.before").is_dir()
    workspace = ["--workspace", "/var/lib/triptych/workspace"]
    debian("triptych", "audit", "create", *workspace, user="triptych")
    boss = ["account", "add", "boss", "--role", "administrator", "--password-stdin", *workspace]
    debian("triptych", *boss, user="triptych", into="three quiet herons\n")
    state = debian.root / "var/lib/triptych"
    held = [state, *(path for path in state.rglob("*") if path.is_file())]
    assert len(held) > 1
    assert [path.name for path in held if path.stat().st_mode & 0o077] == []
    address = "https://ward.example"
    serve = ["triptych", "serve", *workspace, "--public-address", address, "--port", str(PORT)]
    page = subprocess.Popen(
        ["chroot", "--userspec", "triptych:triptych", str(debian.root), *serve],
        stdout=subprocess.DEVNULL,
    )
    try:
        assert ready(page) == b'{"ready":true,"reason":""}'
    finally:
        page.terminate()
        page.wait(timeout=90)


def ready(page: subprocess.Popen[bytes]) -> bytes:
    """What /ready says once the page answers."""
    until = time.monotonic() + 300
    while page.poll() is None and time.monotonic() < until:
        with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", PORT)) as asked:
            asked.request("GET", "/ready")
            return asked.getresponse().read()
        time.sleep(0.2)
    raise AssertionError("the page does not answer")
