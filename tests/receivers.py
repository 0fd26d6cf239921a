"""Receivers in this process: a DICOM archive, a FHIR server and an HL7 listener, to send to."""

from __future__ import annotations

import http.server
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.uid import Comprehensive3DSRStorage, ParametricMapStorage, SecondaryCaptureImageStorage
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from waiting import SECONDS

OBJECTS = (Comprehensive3DSRStorage, ParametricMapStorage, SecondaryCaptureImageStorage)


@contextmanager
def archive(
    port: int = 0,
    *,
    classes: tuple[str, ...] = OBJECTS,
    answer: Callable[[int], int] = lambda _: 0x0000,
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[int, list[str]]]:
    """A C-STORE provider; its port, and the SOP instances that it took, in order.

    Args:
        port: to listen on; 0: any that is free.
        classes: SOP classes that it takes.
        answer: number of the request, from 1, to the status of its answer.
        tls: encrypts it.
    """
    taken: list[str] = []
    asked = 0

    def store(event: evt.Event) -> int:
        nonlocal asked
        asked += 1
        status = answer(asked)
        if status == 0:
            taken.append(str(event.dataset.SOPInstanceUID))
        return status

    entity = ApplicationEntity(ae_title="PACS")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
    for sop_class in classes:
        entity.add_supported_context(sop_class)
    handlers: list[Any] = [(evt.EVT_C_STORE, store)]
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=handlers, ssl_context=tls
    )
    if server is None:
        raise RuntimeError("a server that does not block is missing")
    try:
        yield server.socket.getsockname()[1], taken
    finally:
        server.shutdown()


@contextmanager
def fhir_server(
    answer: Callable[[int], int] = lambda _: 200,
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A FHIR server, as `web_server`, that writes nothing beside its status."""
    with web_server(lambda number: (answer(number), b""), tls) as (base, taken):
        yield f"{base}/fhir", taken


@contextmanager
def web_server(
    answer: Callable[[int], tuple[int, bytes]], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An HTTP server; its base, and header and body of what was POSTed and answered with 200.

    Args:
        answer: number of the request, from 1, to status and body of its answer.
        tls: encrypts it.
    """
    taken: list[tuple[dict[str, str], bytes]] = []
    asked = 0

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal asked
            asked += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            status, told = answer(asked)
            if status == 200:
                headers = {key.lower(): value for key, value in self.headers.items()}
                taken.append(({**headers, "path": self.path}, body))
            self.send_response(status)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        scheme = "https" if tls else "http"
        where = f"{scheme}://{'localhost' if tls else '127.0.0.1'}:{server.server_port}"
        yield from _served(server, where, taken, tls)


@contextmanager
def listener(
    answer: Callable[[bytes], bytes],
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[int, list[bytes]]]:
    """An MLLP receiver; its port, and the messages that came.

    Args:
        answer: control identifier of a message to what is sent back, without MLLP's own marks.
    """
    taken: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            data = b""
            while not data.endswith(b"\x1c\r"):
                more = self.request.recv(4096)
                if not more:  # the sender has left
                    return
                data += more
            message = data.strip(b"\x0b\x1c\r")
            taken.append(message)
            control = message.split(b"\r")[0].split(b"|")[9]
            self.wfile.write(b"\x0b" + answer(control) + b"\x1c\r")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        yield from _served(server, int(server.server_address[1]), taken, tls)


def _served(
    server: socketserver.TCPServer, where: Any, taken: list[Any], tls: ssl.SSLContext | None
) -> Iterator[Any]:
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield where, taken
    finally:
        server.shutdown()
        thread.join()
