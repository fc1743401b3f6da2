"""Requests to web servers, over connections that stay open from one file to the next."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urljoin, urlsplit
from weakref import WeakSet

from huggins import __version__
from huggins.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from urllib3 import PoolManager

AGENT: Final = f"huggins/{__version__} (+https://pypi.org/project/huggins/)"
_CHUNK: Final = 1 << 16
# Transient statuses: the request can simply be repeated.
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)
_ABSENT: Final = (404, 410)
_REDIRECTS_MAX: Final = 8
# Below this rate over three timeouts a server counts as silent.
_SLOWEST: Final = 100.0  # bytes/s


class PassingError(DownloadError):
    """A transient fault, which may be gone at the next attempt.

    Attributes
    ----------
    after : float
        Seconds that the server asks to wait for (Retry-After); 0 where it does not.
    """

    after: float = 0.0


class AbsentError(DownloadError):
    """The server has no such file."""


class Answer:
    """The answer of a server, with its content still to come.

    Attributes
    ----------
    url : str
        The address after all redirections.
    status : int
        200, 206 or 416.
    """

    def __init__(self, url: str, response: Any, timeout: float) -> None:
        self.url = url
        self.status = response.status
        self._response = response
        self._timeout = timeout

    def header(self, name: str) -> str:
        """Return the value of a header, empty if it is missing."""
        return str(self._response.headers.get(name, ""))

    @property
    def length(self) -> int | None:
        """Bytes to come; None if the server does not say."""
        length: int | None = self._response.length_remaining
        return length

    def chunks(self) -> Iterator[bytes]:
        """Yield the content as it arrives; `PassingError` if the connection breaks."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        received = 0
        mark, marked = time.monotonic(), 0
        while True:
            try:
                chunk = self._response.read1(_CHUNK)
            except (HTTPError, OSError, ValueError, http.client.HTTPException) as error:
                why = "it said nothing more" if isinstance(error, ReadTimeoutError) else error
                raise self._broken(received, why) from error
            if not chunk:
                return
            received += len(chunk)
            yield chunk
            now = time.monotonic()
            if now - mark > 3 * self._timeout:
                if received - marked < _SLOWEST * (now - mark):
                    why = f"it had become slower than {_SLOWEST:g} bytes/s"
                    raise self._broken(received, why)
                mark, marked = now, received

    def _broken(self, received: int, why: object) -> PassingError:
        return PassingError(f"the connection broke after {received} bytes: {why}", self.url)


class Client:
    """Makes requests from any number of threads, over connections that are used again.

    Proxies are taken from the environment, as everywhere in Python (``https_proxy``).

    Parameters
    ----------
    timeout
        Seconds of silence after which a server is given up.
    connections
        Connections that are kept open to each server.
    """

    def __init__(self, timeout: float = 30.0, connections: int = 1) -> None:
        self.timeout = timeout
        self._connections = connections
        self._managers: dict[str, PoolManager] = {}
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def get(self, url: str, headers: dict[str, str] | None = None) -> Iterator[Answer]:
        """Request a file; its content comes by `Answer.chunks`.

        Raises
        ------
        DownloadError
            If the server refuses (`AbsentError`: it has no such file), or cannot be reached
            (then `answered` is False).
        PassingError
            If it is busy.
        """
        from urllib3.exceptions import HTTPError

        target = url
        for _ in range(_REDIRECTS_MAX):
            response = self._request(url, target, headers or {})
            location = response.get_redirect_location()
            if location is False:
                break
            response.close()
            target = _moved(url, target, location)
        else:
            raise DownloadError(
                f"moved more than {_REDIRECTS_MAX} times, lastly to {target}", url
            )
        try:
            if response.status not in (200, 206, 416):
                with contextlib.suppress(HTTPError, OSError):
                    response.drain_conn()
                raise _refusal(url, target, response)
            yield Answer(target, response, self.timeout)
        finally:
            # What was not read to its end cannot be followed by another request.
            response.close()
            response.release_conn()

    def abort(self) -> None:
        """Break off whatever is under way; may be called from another thread."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections."""
        for manager in self._managers.values():
            manager.clear()

    def _note(self, opened: socket.socket) -> None:
        with self._lock:
            self._sockets.add(opened)

    def _request(self, asked: str, url: str, headers: dict[str, str]) -> Any:
        from urllib3.exceptions import HTTPError

        if urlsplit(url).scheme not in ("http", "https"):
            raise DownloadError("only http and https addresses can be fetched", url)
        try:
            return self._manager(url).request(
                "GET",
                url,
                headers={"User-Agent": AGENT, **headers},
                # Attempts are counted where a file is continued and a host is spared.
                retries=False,
                redirect=False,
                timeout=self.timeout,
                preload_content=False,
                decode_content=False,
                enforce_content_length=False,  # a short file is kept, to be continued
            )
        except (HTTPError, OSError, ValueError) as error:
            raise self._unreachable(asked, error) from error

    def _manager(self, url: str) -> PoolManager:
        """Return the pools of connections that lead to an address."""
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
        from urllib3.util import make_headers, parse_url

        scheme, host = urlsplit(url)[:2]
        proxy = urllib.request.getproxies().get(scheme, "")
        if urllib.request.proxy_bypass(host):
            proxy = ""
        if proxy not in self._managers:
            manager = PoolManager(maxsize=self._connections)
            if proxy:
                address = parse_url(proxy if "://" in proxy else f"http://{proxy}")
                permit = make_headers(proxy_basic_auth=unquote(address.auth or "") or None)
                manager = ProxyManager(
                    address.url, maxsize=self._connections, proxy_headers=permit
                )
            manager.pool_classes_by_scheme = {
                "http": _noting(HTTPConnectionPool, self._note),
                "https": _noting(HTTPSConnectionPool, self._note),
            }
            self._managers.setdefault(proxy, manager)
        return self._managers[proxy]

    def _unreachable(self, url: str, error: BaseException) -> DownloadError:
        from urllib3 import exceptions

        refused = isinstance(error, exceptions.NewConnectionError)  # a timeout by its type
        if isinstance(error, exceptions.TimeoutError) and not refused:
            return DownloadError(f"no answer within {self.timeout:g} s", url, answered=False)
        cause = _cause(error)
        if isinstance(cause, http.client.RemoteDisconnected):
            return PassingError("the server closed the connection without an answer", url)
        what = getattr(cause, "strerror", None) or str(cause) or type(error).__name__
        return DownloadError(f"cannot be reached: {what}", url, answered=False)


def _noting(pool: Any, note: Callable[[socket.socket], None]) -> Any:
    """Return a kind of pool that reports the sockets it opens: `Client.abort` needs them."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            note(self.sock)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _cause(error: Any) -> Any:
    """Return what is behind an error of urllib3: mostly one of the system's."""
    from urllib3.exceptions import HTTPError

    while isinstance(error, HTTPError):
        error = error.__cause__ or (error.args or ("",))[-1]
    return error


def _moved(asked: str, url: str, location: str | None) -> str:
    """Return where a redirection leads."""
    if not location:
        raise DownloadError("the server says that the file has moved, but not where to", asked)
    target = urljoin(url, location)
    if url.startswith("https:") and not target.startswith("https:"):
        raise DownloadError(f"moved to {target}, which is not protected by https", asked)
    return target


def _refusal(asked: str, target: str, response: Any) -> DownloadError:
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    where = "" if target == asked else f" at {target}, where it has moved"
    what = f"the server answers {response.status} {response.reason}{where}"
    if response.status in _ABSENT:
        return AbsentError(what, asked)
    if response.status in _BUSY:
        error = PassingError(what, asked)
        with contextlib.suppress(InvalidHeader):
            error.after = Retry().get_retry_after(response) or 0.0
        return error
    return DownloadError(what, asked)
