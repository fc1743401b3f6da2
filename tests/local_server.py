"""A web server on this machine that serves what a test gives it, as badly as a test asks."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """Serves `files` (path to bytes) and misbehaves by `faults` (path to a list of names).

    Each request for a path takes the first of its faults away: ``404``, ``503``, any other
    status, with a Retry-After behind a colon (``429:1``); ``truncate`` (half of the promised
    bytes); ``short`` (promises and sends half of the file, as if that were all of it);
    ``nolength`` (promises nothing, sends half, and closes); ``empty``; ``stall`` (says nothing
    for `stall_seconds`); ``pause`` (sends half, then says nothing for so long); ``drop``
    (closes without an answer); ``other`` (answers a Range with another piece).

    `moved` (path to address) redirects with status 301. With `etags` files carry an ETag and a
    Range is answered. `requests` lists paths, `headers` what came with them, `most` is the
    largest number of requests that were answered at one time, `connections` how many were
    opened.
    """

    def __init__(self, *, etags: bool = True) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.moved: dict[str, str] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.etags = etags
        self.stall_seconds = 1.0
        self.linger = 0.0  # seconds that every answer takes
        self.now = self.most = self.connections = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self):
                super().setup()
                with outer.lock:
                    outer.connections += 1

            def do_GET(self):
                with outer.lock:
                    outer.requests.append(self.path)
                    outer.headers.append(dict(self.headers))
                    outer.times.append(time.monotonic())
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                    pending = outer.faults.get(self.path, [])
                    fault = pending.pop(0) if pending else ""
                try:
                    time.sleep(outer.linger)
                    with contextlib.suppress(ConnectionError):
                        outer.answer(self, fault)
                finally:
                    with outer.lock:
                        outer.now -= 1

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                # A client that goes away in the middle is what the tests are about.
                if not isinstance(sys.exception(), ConnectionError):
                    super().handle_error(request, client_address)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False  # a request left over would be seen as a leak
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler, fault: str) -> None:
        path = handler.path.partition("?")[0]
        if fault == "stall":
            time.sleep(self.stall_seconds)
            fault = "drop"
        if fault == "drop":
            handler.close_connection = True
            return
        status, _, after = fault.partition(":")
        body = self.files.get(path)
        if path in self.moved and not fault:
            self._send(handler, 301, b"", Location=self.moved[path])
        elif status.isdigit() or body is None:
            more = {"Retry-After": after} if after else {}
            self._send(handler, int(status) if fault else 404, b"sorry", **more)
        else:
            self._send_file(handler, body, fault)

    def _send_file(self, handler: BaseHTTPRequestHandler, body: bytes, fault: str) -> None:
        if fault == "empty":
            body = b""
        if fault == "short":
            body = body[: len(body) // 2]
        etag = f'"{hashlib.sha1(body).hexdigest()}"'
        headers = {"ETag": etag} if self.etags else {}
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if self.etags and asked and handler.headers.get("If-Range") == etag:
            first = int(asked[1]) // 2 if fault == "other" else int(asked[1])
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            self._send(handler, 206, body[first:], fault, **headers)
        else:
            self._send(handler, 200, body, fault, **headers)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        fault: str = "",
        **headers: str,
    ) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if fault == "nolength":
            handler.send_header("Connection", "close")
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault in ("truncate", "nolength", "pause"):
            handler.wfile.write(body[: len(body) // 2])
            handler.close_connection = True
            if fault == "pause":
                time.sleep(self.stall_seconds)
        else:
            handler.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def unused_url() -> str:
    """An address on this machine where nobody answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_port
    server.server_close()
    return f"http://127.0.0.1:{port}"
