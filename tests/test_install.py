"""The installer on an empty Debian, as docs/operations.md has it.

debootstrap makes the root. Needs root, debootstrap and Debian's mirror, and takes minutes: `make
install-test`. pip inside is told what pip outside is told, and finds the folders that this names.

Whatever comes over a network is fetched first, and where that fails the test is skipped with the
reason: a mirror that is away says nothing of the installer. What fails after that is a fault.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest
from ports import reserved_port
from waiting import SECONDS, until

ROOT = Path(__file__).parents[1]
SUITE = "bookworm"
ROOM = 8 << 30
"""Bytes that the root takes with everything in it twice, and the wheels."""

pytestmark = [
    pytest.mark.wheel,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a root of its own"),
    pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is not installed"),
]


def run(*command: str | Path, **settings: str) -> str:
    """What a command prints, with these settings in its environment."""
    found = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


class Preparation:
    """What has to be there before the installer is tried; a step that fails skips the test.

    All steps together have `SECONDS`: a mirror that is slower is as good as away.
    """

    def __init__(self) -> None:
        self._until = time.monotonic() + SECONDS

    def __call__(self, what: str, command: Sequence[str | Path]) -> None:
        words = [str(word) for word in command]
        left = max(1.0, self._until - time.monotonic())
        try:
            found = subprocess.run(words, capture_output=True, text=True, timeout=left)
        except subprocess.TimeoutExpired:
            pytest.skip(f"cannot be prepared in {SECONDS:.0f} s: {what} took too long")
        if found.returncode:
            said = (found.stderr.strip() or found.stdout.strip()).splitlines()[-3:]
            pytest.skip(f"cannot be prepared: {what}: {' / '.join(said)[:500]}")


class Debian:
    """A root of its own, with the network and the pip of the machine around it.

    Folders of the machine are mounted for each command alone, where no other program sees them: no
    mount is left for somebody to delete through.
    """

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

    def command(self, *words: str, user: str = "") -> list[str]:
        """The command as this machine starts it; it becomes the process that is started."""
        mounts = [f'mount --bind "{place}" "{self.root}{place}"' for place in self._mounted]
        script = " && ".join([*mounts, 'exec chroot "$@"'])
        who = ["--userspec", f"{user}:{user}"] if user else []
        return ["unshare", "--mount", "sh", "-c", script, "sh", *who, str(self.root), *words]

    def __call__(self, *words: str, user: str = "", **settings: str) -> str:
        return run(*self.command(*words, user=user), **settings)


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


def packages() -> list[str]:
    """What the installer has apt install."""
    text = (ROOT / "deploy" / "install.sh").read_text(encoding="utf-8")
    found = re.search(r"--no-install-recommends \\\n([^>]*)>/dev/null", text)
    assert found
    return found[1].split()


def built(place: Path, prepare: Preparation) -> Path:
    """The wheel of this commit; what building it needs is fetched before."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = settings["build-system"]["requires"]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place]
    prepare(
        "the tools that build a wheel", [*pip, "--constraint", ROOT / "constraints.txt", *needed]
    )
    dist = place / "dist"
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place)}
    make = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", dist]
    run(*make, ROOT, **offline)
    return next(dist.glob("triptych-*.whl"))


def fetched(debian: Debian, wheel: str, prepare: Preparation) -> None:
    """Put the packages of Debian into the cache of apt, and those of Python into /release/wheels.

    The Python that chooses them is installed into a copy, so that the root is still empty.
    """
    prepare("Debian's packages", debian.command("apt-get", "update", "-qq"))
    get = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    prepare("Debian's packages", debian.command(*get, "--download-only", *packages()))
    copy = debian.root.with_name("copy")
    run("cp", "-a", debian.root, copy)
    inside = Debian(copy, borrowed())
    prepare("Python of Debian", inside.command(*get, "python3-venv"))
    prepare("Python of Debian", inside.command("python3", "-m", "venv", "/venv"))
    pip = ["/venv/bin/pip", "wheel", "--quiet", "--wheel-dir", "/release/wheels"]
    chosen = ["--constraint", "/release/constraints.txt", f"/release/{wheel}"]
    prepare("packages of Python", inside.command(*pip, *chosen))
    (copy / "release" / "wheels").rename(debian.root / "release" / "wheels")
    shutil.rmtree(copy)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Debian:
    place, prepare = tmp_path_factory.mktemp("debian"), Preparation()
    free = shutil.disk_usage(place).free
    if free < ROOM:
        pytest.skip(f"cannot be prepared: {free / 2**30:.0f} GB are free, not {ROOM / 2**30:.0f}")
    root = place / "root"
    empty = ["--variant=minbase", "--include=ca-certificates"]
    prepare("an empty Debian", ["unshare", "--mount", "debootstrap", *empty, SUITE, root])
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # nothing that is installed is started
    policy.chmod(0o755)
    made = Debian(root, borrowed())
    prepare("a root of its own", made.command("true"))
    release = root / "release"
    shutil.copytree(ROOT / "deploy", release / "deploy")
    shutil.copy(ROOT / "constraints.txt", release)
    wheel = built(place / "tools", prepare)
    shutil.copy(wheel, release)
    fetched(made, wheel.name, prepare)
    return made


OFFLINE: Mapping[str, str] = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/release/wheels"}


@pytest.mark.timeout(3600)
def test_from_an_empty_debian_to_the_page(debian: Debian) -> None:
    wheel = next((debian.root / "release").glob("*.whl")).name
    install = ("/release/deploy/install.sh", f"/release/{wheel}")
    assert "Installed: triptych" in debian(*install, **OFFLINE)
    # Again, as an upgrade is: the settings that somebody made stay.
    settings = debian.root / "etc/triptych/page.env"
    settings.write_text(settings.read_text().replace("triptych.example", "ward.example"))
    debian(*install, **OFFLINE)
    assert "ward.example" in settings.read_text()
    assert (debian.root / "opt/triptych.before").is_dir()
    proxy(debian)
    workspace = ["--workspace", "/var/lib/triptych/workspace"]
    debian("triptych", "audit", "create", *workspace, user="triptych")
    boss = ["triptych", "account", "add", "boss", "--role", "administrator", "--password-stdin"]
    spoken = f"echo three quiet herons | {' '.join([*boss, *workspace])}"
    debian("sh", "-c", spoken, user="triptych")
    state = debian.root / "var/lib/triptych"
    held = [state, *(path for path in state.rglob("*") if path.is_file())]
    assert len(held) > 1
    assert [path.name for path in held if path.stat().st_mode & 0o077] == []
    port = reserved_port()
    address = ["--public-address", "https://ward.example", "--port", str(port)]
    serve = debian.command("triptych", "serve", *workspace, *address, user="triptych")
    page = subprocess.Popen(serve, stdout=subprocess.DEVNULL)
    try:
        until(lambda: page.poll() is not None or ready(port), "the page answers")
        assert page.poll() is None
        assert ready(port) == b'{"ready":true,"reason":""}'
    finally:
        page.terminate()
        page.wait()


def proxy(debian: Debian) -> None:
    """nginx as Debian has it takes the file with the certificate of the hospital."""
    tls = "/etc/triptych/tls/page"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ward.example"]
    debian(*made, "-keyout", f"{tls}.key", "-out", f"{tls}.crt")
    (debian.root / "etc/nginx/sites-enabled/triptych").symlink_to("../sites-available/triptych")
    # The site that comes with nginx listens on IPv6, which not every machine has.
    (debian.root / "etc/nginx/sites-enabled/default").unlink(missing_ok=True)
    debian("nginx", "-t")


def ready(port: int) -> bytes:
    """What /ready says, or nothing while nobody answers."""
    with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", port)) as asked:
        asked.request("GET", "/ready")
        return asked.getresponse().read()
    return b""
