"""A web server on this machine that behaves as badly as a test asks."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """Serves `files` (path to bytes) and misbehaves by `faults` (path to a list of names).

    Each request for a path takes the first of its faults away: ``404``, ``503``, any other
    status; ``truncate`` (half of the promised bytes); ``empty``; ``stall`` (says nothing for
    `stall_seconds`); ``drop`` (closes without an answer).
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: list[str] = []
        self.stall_seconds = 1.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                pending = outer.faults.get(self.path, [])
                outer.answer(self, pending.pop(0) if pending else "")

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False  # a request left over would be seen as a leak
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler, fault: str) -> None:
        body = self.files.get(handler.path)
        if fault == "stall":
            time.sleep(self.stall_seconds)
            fault = "drop"
        if fault == "drop":
            return
        if fault.isdigit() or body is None:
            handler.send_error(int(fault) if fault else 404)
            return
        if fault == "empty":
            body = b""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(body[: len(body) // 2] if fault == "truncate" else body)

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
