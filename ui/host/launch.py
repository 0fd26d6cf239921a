"""Start the page: in this process (`serve`) or beside it (`start`)."""

from __future__ import annotations

import argparse
import http.client
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from clinical.access import accounts
from clinical.access.roles import ROLES, Role
from clinical.audit import heads, keys
from clinical.errors import ConfigError, TriptychError
from clinical.exchange import cds_settings
from clinical.model import card
from clinical.review import protocol
from clinical.workspace.database import folder_of, opened, writing
from clinical.workspace.place import Place, as_options, place_of
from ui.host.public_address import public_address

ADDRESS = "127.0.0.1"
HEALTH = "/_stcore/health"
START_SECONDS = 60.0
STOP_SECONDS = 60.0  # an end records who was signed in and what was refused
IDLE_MINUTES = 15.0
LONGEST_IDLE = 8 * 60.0  # minutes
DEMONSTRATION_READER = "dr.demo"


@dataclass(frozen=True)
class Choices:
    """What is served, where, and to whom.

    Attributes:
        workspace: an existing one.
        port: 1 to 65535.
        reader: None where everybody signs in; a name for a demonstration without sign-in, in which
            everybody reads under that name.
        role: of the demonstration.
        idle_minutes: minutes without interaction after which a session ends.
        oidc: TOML file with an [auth] section, to sign in with an organisation's account too.
        studies: folder of finished studies, for the page that shows them.
        model: folder of a checkpoint beside the one that ships, for its card and for what-if.
        public_address: that readers open, where a proxy on this machine adds TLS.
        metrics_token: file with what a scrape of the figures has to carry; None tells no figures.
        cds_hooks: TOML file with a [cds_hooks] table: record systems that may ask for cards.
    """

    workspace: Place
    port: int = 8501
    reader: str | None = None
    role: Role = "reader"
    idle_minutes: float = IDLE_MINUTES
    oidc: Path | None = None
    studies: Path | None = None
    model: Path | None = None
    public_address: str | None = None
    metrics_token: Path | None = None
    cds_hooks: Path | None = None


@dataclass(frozen=True)
class RunningPage:
    """A page served by another process.

    Attributes:
        address: what to open in a browser.
        process: the server.
    """

    address: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def address_of(port: int) -> str:
    """The address of the page on `port`."""
    return f"http://{ADDRESS}:{port}"


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with closing(socket.socket()) as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def preferred_port(port: int) -> int:
    """`port` if nothing listens on it, else another free loopback port."""
    return free_port() if _refusal(port) else port


def serve(chosen: Choices, *, open_browser: bool = False) -> None:
    """Serve the page on loopback until interrupted; prints the address first.

    Args:
        chosen: what to serve.
        open_browser: open the default browser once the page answers.

    Raises:
        ConfigError: if the port is taken or not a port, the demonstration has no name, nobody has
            an account, the idle time cannot be used, or the OIDC file cannot be.
        ModelError: if the folder of the model holds none.
        LedgerError: if the signing key is kept elsewhere and cannot be used.
        StoreError: if the workspace cannot be opened.
    """
    _check(chosen)
    _check_key(chosen.workspace)
    from ui.access.oidc import provider
    from ui.host import (
        app,
        monitoring,
    )  # Streamlit takes a second to import: refuse bad choices first.

    reader, port = chosen.reader, chosen.port
    public = public_address(chosen.public_address) if chosen.public_address else None
    served = app.application(
        chosen.workspace,
        port=port,
        idle=60 * chosen.idle_minutes,
        demonstration=app.Demonstration(reader, chosen.role) if reader is not None else None,
        provider=provider(chosen.oidc) if chosen.oidc is not None else None,
        studies=chosen.studies,
        model=chosen.model,
        public=public,
        bearer=monitoring.token(chosen.metrics_token) if chosen.metrics_token else None,
        cards=cds_settings.read(chosen.cds_hooks) if chosen.cds_hooks else None,
    )
    opened_at = public.origin if public else address_of(port)
    print(f"Triptych is open at {opened_at} (Ctrl+C stops it)", flush=True)
    if reader is not None:
        print(f"Demonstration: everyone who opens this page reads as {reader}.", flush=True)
    if open_browser:
        threading.Thread(target=_open_when_up, args=(port,), daemon=True).start()
    served.run(config=app.options(port, public))


def start(chosen: Choices) -> RunningPage:
    """Serve the page from a process of its own; returns when it answers.

    Raises:
        ConfigError: as `serve`, or if the server does not answer within a minute.
        StoreError: if the workspace cannot be opened.
    """
    _check(chosen)
    root = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
    }
    arguments = as_options(chosen.workspace) + [
        f"--{name.replace('_', '-')}={value}"
        for name, value in vars(chosen).items()
        if name != "workspace" and value is not None
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.host.launch", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    page = RunningPage(address_of(chosen.port), process)
    if not _answers(chosen.port, process):
        page.stop()
        raise ConfigError(
            f"The page did not answer on port {chosen.port}.",
            remedy="run `triptych serve` to see why, or choose another port with --port",
        )
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the server process: the fields of `Choices`, with its defaults."""
    parser = argparse.ArgumentParser(
        prog="ui.host.launch",
        description="Serve the reading page.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--keys", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--reader", help="demonstration without sign-in under this name")
    parser.add_argument("--role", choices=ROLES)
    parser.add_argument("--idle-minutes", type=float)
    parser.add_argument("--oidc", type=Path)
    parser.add_argument("--studies", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--public-address")
    parser.add_argument("--metrics-token", type=Path)
    parser.add_argument("--cds-hooks", type=Path)
    given = vars(parser.parse_args(arguments))
    try:
        place = place_of(given.pop("workspace"), given.pop("keys", None))
        serve(Choices(place, **given))
    except TriptychError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _check(chosen: Choices) -> None:
    if chosen.reader is not None and not chosen.reader.strip():
        raise ConfigError("A demonstration needs a reader.", remedy="give it a name")
    if not 1 <= chosen.port <= 65535:
        raise ConfigError(
            f"{chosen.port} is not a valid port.", remedy="choose one from 1024 to 65535"
        )
    if not 0 < chosen.idle_minutes <= LONGEST_IDLE:
        raise ConfigError(
            f"{chosen.idle_minutes:g} minutes is not a valid idle time.",
            remedy=f"choose one up to {LONGEST_IDLE:g} with --idle-minutes",
        )
    if chosen.model is not None:
        card.read(chosen.model)
    if chosen.cds_hooks is not None:
        cds_settings.read(chosen.cds_hooks)
    if chosen.public_address is not None:
        public_address(chosen.public_address)
        if chosen.reader is not None:
            raise ConfigError(
                "A demonstration has no sign-in, so it is not opened to a network.",
                remedy="leave out --public-address, or make accounts",
            )
    _check_accounts(
        chosen.workspace,
        needed=chosen.reader is None,
        public=chosen.public_address is not None,
    )
    if refusal := _refusal(chosen.port):
        raise ConfigError(
            f"Port {chosen.port} on {ADDRESS} cannot be used ({refusal.strerror}).",
            remedy="stop the other program, or choose another port with --port",
        )


def _check_accounts(workspace: Place, *, needed: bool, public: bool) -> None:
    with opened(workspace) as engine, engine.connect() as connection:
        usable = [a for a in accounts.everyone(connection) if not a.disabled]
        asks = protocol.in_force(connection).passkey
    if asks and public:
        raise ConfigError(
            "This workspace asks for a passkey at a signature, and passkeys are bound to localhost:"
            " nobody could sign at another address.",
            remedy="leave out --public-address, or run `triptych reading set-protocol` without it",
        )
    if needed and not usable:
        raise ConfigError(
            "Nobody can sign in: the workspace has no account.",
            remedy="create the first one with `triptych account add NAME --role administrator"
            f" {shlex.join(as_options(workspace))}`, or look around with --demonstration",
        )


def _check_key(workspace: Place) -> None:
    """A token that is not there is missed now, and not by the first who signs; a PIN that is typed
    is typed before the page opens.
    """
    with opened(workspace) as engine, writing(engine) as connection:
        if keys.place_of(folder_of(connection)):
            heads.signing_key(connection)


def _refusal(port: int) -> OSError | None:
    """Why the server could not bind `port`, or None if it could."""
    with closing(socket.socket()) as probe:
        # As the server binds: a port that is only waiting out its last connection is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            return error
    return None


def _answers(port: int, process: subprocess.Popen[bytes] | None = None) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with closing(http.client.HTTPConnection(ADDRESS, port, timeout=2)) as connection:
            try:
                connection.request("GET", HEALTH)
                if connection.getresponse().status == http.client.OK:
                    return True
            except OSError:
                time.sleep(0.1)
    return False


def _open_when_up(port: int) -> None:
    if _answers(port):
        webbrowser.open(address_of(port))


if __name__ == "__main__":
    sys.exit(main())
