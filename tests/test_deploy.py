"""What is given to whoever runs a server says what the program does."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from authority import Authority

from clinical.exchange import receive_figures, receiving, sending
from pipelines.cli import app
from ui.host import monitoring

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
FIGURES = receive_figures.figures(
    {
        "received": 3,
        "removed": 0,
        "waiting": 1,
        "oldest_waiting_seconds": 7,
        "disk_free_bytes": 2**40,
        "set_aside": {"no image": 2},
        "refused_since_start": {},
    }
)
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def accepted(words: list[str]) -> None:
    """See that the program has this command with these options."""
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    known = {name for option in command.params for name in option.opts}
    assert not getattr(command, "commands", {}), words
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_starts_a_command_that_there_is(path: Path) -> None:
    started = unit(path)["Service"]["ExecStart"].replace("$", "")
    found = re.search(r"/opt/triptych/bin/triptych ([^']+)", started)
    assert found
    accepted(shlex.split(found[1]))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_has_no_right_that_it_does_not_need(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["User"] == "triptych"
    assert service["UMask"] == "0077"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("systemd/*")), ids=lambda path: path.name)
def test_systemd_understands_it(path: Path, tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("systemd is not installed")
    for other in DEPLOY.glob("systemd/*"):
        text = other.read_text(encoding="utf-8").replace("/opt/triptych/bin/triptych", "/bin/true")
        (tmp_path / other.name).write_text(text, encoding="utf-8")
    found = subprocess.run(
        [analyse, "verify", "--man=no", str(tmp_path / path.name)], capture_output=True, text=True
    )
    assert "Unknown" not in found.stderr
    assert path.name not in found.stderr


def test_nginx_understands_it(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    given = (DEPLOY / "nginx" / "triptych.conf").read_text(encoding="utf-8")
    made = Authority(tmp_path, "hospital").sign("triptych.example")
    here = given.replace("/etc/triptych/tls/page.crt", str(made.file))
    here = here.replace("/etc/triptych/tls/page.key", str(made.key))
    here = here.replace("listen 443 ssl", f"listen unix:{tmp_path}/line ssl")  # it is tried, too
    assert here.count(str(tmp_path)) == 3
    (tmp_path / "site.conf").write_text(here, encoding="utf-8")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {tmp_path}/{kind}; " for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; events {{}} http {{ {places} include {tmp_path}/site.conf; }}\n",
        encoding="utf-8",
    )
    found = subprocess.run(
        [nginx, "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "[warn]" not in found.stderr


def test_every_alarm_is_of_a_figure_that_there_is_and_has_its_paragraph() -> None:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    told = set(re.findall(r"\btriptych_\w+", Path(monitoring.__file__).read_text()))
    told |= {line.split()[2] for line in FIGURES.splitlines() if line.startswith("# TYPE")}
    assert len(rules) >= 7
    for rule in rules:
        for figure in re.findall(r"\btriptych_\w+", rule["expr"]):
            assert re.sub(r"_(total|count|sum)$", "", figure) in told
        assert f"**{rule['alert']}**" in OPERATIONS


def test_the_page_says_of_every_figure_what_it_is() -> None:
    told = set(re.findall(r'"(triptych_\w+)"', Path(monitoring.__file__).read_text()))
    assert told
    assert all(name in OPERATIONS for name in told)


def test_the_figures_of_a_receiver_are_those_of_its_status() -> None:
    assert 'triptych_receive_set_aside{reason="no image"} 2.0' in FIGURES
    assert "triptych_receive_oldest_waiting_seconds 7.0" in FIGURES
    named = {line.split()[2] for line in FIGURES.splitlines() if line.startswith("# TYPE")}
    assert len(named) == 7
    assert all(name in OPERATIONS for name in named)


def test_the_settings_that_are_given_can_be_used() -> None:
    """With what they show as a remark, too: a line that begins with `# [` and those after it."""
    for name, read in (("receive.toml", receiving.read), ("send.toml", sending.read)):
        assert read(DEPLOY / name)
    given = (DEPLOY / "send.toml").read_text(encoding="utf-8")
    shown = re.sub(r"^# (?=\[|[a-z_]+ = )", "", given, flags=re.MULTILINE)
    tables = {(kind, name) for kind in sending.KINDS for name in tomllib.loads(shown).get(kind, ())}
    assert tables == {("dicom", "pacs"), ("stow", "pacs"), ("fhir", "record")}
    for kind, name in tables:
        sending.KINDS[kind](**tomllib.loads(shown)[kind][name])


def test_the_containers_run_the_commands_of_the_program() -> None:
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    own = {name: one for name, one in services.items() if one["image"] == "triptych"}
    assert own
    for one in own.values():
        accepted(shlex.split(one["command"]))
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]
    assert re.search(r"^USER 10001$", (DEPLOY / "container" / "Containerfile").read_text(), re.M)


def test_the_installer_is_a_shell_script_that_ends_at_the_first_fault() -> None:
    text = (DEPLOY / "install.sh").read_text(encoding="utf-8")
    assert "set -eu" in text
    subprocess.run(["sh", "-n", str(DEPLOY / "install.sh")], check=True)
