"""Start the page: in this process (`serve`) or beside it (`start`)."""

from __future__ import annotations

import argparse
import http.client
import os
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

from clinical.database import open_workspace
from clinical.errors import ConfigError, TriptychError

ADDRESS = "127.0.0.1"
HEALTH = "/_stcore/health"
START_SECONDS = 60.0


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
            self.process.wait(timeout=10)
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


def serve(workspace: Path, *, port: int = 8501, reader: str, open_browser: bool = False) -> None:
    """Serve the page on loopback until interrupted; prints the address first.

    Args:
        workspace: folder of an existing workspace.
        port: 1 to 65535.
        reader: account name that decisions are recorded under.
        open_browser: open the default browser once the page answers.

    Raises:
        ConfigError: if the port is taken or not a port, or the reader has no name.
        StoreError: if `workspace` cannot be opened.
    """
    _check(workspace, port, reader)
    from ui import app  # Streamlit takes a second to import: refuse bad choices first.

    print(f"Triptych is open at {address_of(port)} (Ctrl+C ends it)", flush=True)
    if open_browser:
        threading.Thread(target=_open_when_up, args=(port,), daemon=True).start()
    app.application(workspace, reader).run(config=app.options(port))


def start(workspace: Path, *, port: int = 8501, reader: str) -> RunningPage:
    """Serve the page from a process of its own; returns when it answers.

    Raises:
        ConfigError: as `serve`, or if the server does not answer within a minute.
        StoreError: if `workspace` cannot be opened.
    """
    _check(workspace, port, reader)
    root = str(Path(__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
    }
    arguments = ["--workspace", str(workspace), "--port", str(port), "--reader", reader]
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.launch", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    page = RunningPage(address_of(port), process)
    if not _answers(port, process):
        page.stop()
        raise ConfigError(
            f"The page did not answer on port {port}.",
            remedy="run `triptych ui` to see why, or choose another port with --port",
        )
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the server process."""
    parser = argparse.ArgumentParser(prog="ui.launch", description="Serve the reading page.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--reader", required=True)
    chosen = parser.parse_args(arguments)
    try:
        serve(chosen.workspace, port=chosen.port, reader=chosen.reader)
    except TriptychError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _check(workspace: Path, port: int, reader: str) -> None:
    if not reader.strip():
        raise ConfigError("Decisions need a reader.", remedy="give an account name with --reader")
    if not 1 <= port <= 65535:
        raise ConfigError(f"{port} is not a port.", remedy="choose one from 1024 to 65535")
    open_workspace(workspace).dispose()
    if refusal := _refusal(port):
        raise ConfigError(
            f"Port {port} on {ADDRESS} cannot be used ({refusal.strerror}).",
            remedy="stop the other program, or choose another port with --port",
        )


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
