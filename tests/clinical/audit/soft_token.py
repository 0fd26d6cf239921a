"""A token in software: SoftHSM 2, with a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from clinical.audit import pkcs11_token
from clinical.audit.signer import KeyPlace

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
PIN = "4711-heron"


@dataclass(frozen=True)
class SoftToken:
    """One token and the file with its PIN."""

    label: str
    module: Path
    pin_file: Path
    folder: Path

    @property
    def place(self) -> KeyPlace:
        return pkcs11_token.place(self.label, self.module, self.pin_file)

    @property
    def options(self) -> list[str]:
        return [
            "--token",
            self.label,
            "--module",
            str(self.module),
            "--pin-file",
            str(self.pin_file),
        ]

    def take_out(self) -> None:
        """What a token that is pulled out looks like: its slot holds none any more."""
        away = self.folder.with_name("away")
        away.mkdir(exist_ok=True)
        for part in self.folder.iterdir():
            part.rename(away / part.name)


def make(label: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    """A new token, the only one there; the test is skipped where there is no SoftHSM."""
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    module = next((Path(found) for found in MODULES if Path(found).exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed (apt-get install softhsm2)")
    tokens = folder / "tokens"
    tokens.mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
    initialise(label)
    start_again(module)
    pin_file = folder / "pin"
    pin_file.write_text(f"{PIN}\n", encoding="utf-8")
    pin_file.chmod(0o600)
    return SoftToken(label, module, pin_file, tokens)


def start_again(module: Path) -> None:
    """As in a new process: the library reads its settings, and what tokens there are."""
    import pkcs11

    pkcs11.unload(str(module))


def initialise(label: str) -> None:
    """Make a token in the next free slot."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label]
    subprocess.run(
        [*command, "--pin", PIN, "--so-pin", "12345678"], check=True, capture_output=True
    )
