"""The server of the page: a free port, a token, and an end on Ctrl-C."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import webbrowser
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
        self.token = secrets.token_urlsafe(24)
        shown = f"[{host}]" if ":" in host else host
        names = {shown, *(_LOOPBACK if host in _LOOPBACK else ())}
        if host in ("0.0.0.0", "::"):  # noqa: S104 (asked for by the user)
            names |= {socket.gethostname(), socket.getfqdn(), *_LOOPBACK, *_addresses()}
            shown = socket.getfqdn()
        self.url = f"http://{shown}:{self.port}/?token={self.token}"
        hosts = {f"{name}:{self.port}" for name in names}
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
        self._server = server = uvicorn.Server(config)
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


def announce(url: str) -> None:
    """Print the page's address as the first line of standard output."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _addresses() -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
