"""The server of the page: a free port, a token, and an end on Ctrl-C."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.errors import InputError, OutputError
from huggins.view.app import create_app

if TYPE_CHECKING:
    from huggins.view.session import Session

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Server:
    """A page served from this process.

    Parameters
    ----------
    session
        What it shows.
    host, port
        Where it listens; port 0 takes a free one.
    embeddable
        Whether it may be shown in a frame of a notebook.
    token
        What every request must carry; a new one if not given.

    Raises
    ------
    OutputError
        If the port is taken.
    """

    def __init__(
        self,
        session: Session,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        embeddable: bool = False,
        token: str = "",
    ) -> None:
        if not 0 <= port < 65536:
            raise InputError(f"a port is a number from 0 to 65535, not {port}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(128)  # who asks before all is ready waits
        except OSError as error:
            self._socket.close()
            raise OutputError(
                f"{host}:{port}: cannot listen there ({error.strerror}): name another --port"
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self.token = token or secrets.token_urlsafe(24)
        shown = f"[{host}]" if ":" in host else host
        names = {shown, *(_LOOPBACK if host in _LOOPBACK else ())}
        if host in ("0.0.0.0", "::"):  # noqa: S104 (asked for by the user)
            names |= {socket.gethostname(), socket.getfqdn(), *_LOOPBACK, *_addresses()}
            shown = socket.getfqdn()
        self.url = f"http://{shown}:{self.port}/?token={self.token}"
        hosts = {f"{name}:{self.port}" for name in names}
        self._session = session
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        #: Whether only this machine can reach it.
        self.private = host in _LOOPBACK
        self._app = create_app(
            session, self.token, hosts, embeddable=embeddable, cookie=f"huggins_{self.port}"
        )

    def run(self) -> None:
        """Serve until the process is interrupted, or `stop` is called."""
        import uvicorn

        config = uvicorn.Config(
            self._app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2,
            server_header=False, date_header=False,
        )  # fmt: skip
        session = self._session

        class Ending(uvicorn.Server):
            """Ends the streams of events first, which would else never end."""

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                session.tell({"type": "end"})
                await super().shutdown(sockets)

        self._server = server = Ending(config)
        if self._stopped:
            server.should_exit = True
        try:
            server.run(sockets=[self._socket])
        except KeyboardInterrupt:  # which uvicorn raises again when all is closed
            pass
        finally:
            self._socket.close()

    def start(self) -> None:
        """Serve from a thread that ends with the process."""
        self._thread = threading.Thread(target=self.run, name="huggins-view", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End serving."""
        self._stopped = True
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def open_browser(self) -> None:
        """Show the page in the user's browser, where there is one."""
        threading.Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()


def server_of(session: Session, host: str, port: int) -> Server:
    """Return a server at the address that the same set had the last time, where that is free.

    A page that is still open then goes on by itself when the server is back. Port and token are
    kept in a file that only the user can read.
    """
    place = _state(session)
    known: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(place.read_text(encoding="utf-8"))
    token = str(known.get("token", ""))
    token = token if len(token) >= 32 and token.isascii() else ""
    last = known.get("port")
    try:
        usual = last if not port and type(last) is int and 0 < last < 65536 else port
        server = Server(session, host, usual, token=token)
    except OutputError:
        if port:
            raise
        server = Server(session, host, token=token)
    content = json.dumps({"port": server.port, "token": server.token})
    with contextlib.suppress(OSError):  # then the next address is another one
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(place, "w", opener=_private, encoding="utf-8") as file:
            file.write(content)
    return server


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _state(session: Session) -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = hashlib.sha256(str(session.inspections.path.absolute()).encode()).hexdigest()[:16]
    return Path(home) / "huggins" / "view" / f"{name}.json"


def announce(url: str) -> None:
    """Print the page's address as the first line of standard output."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _addresses() -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
