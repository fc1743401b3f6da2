"""Requests to web servers, over connections that stay open from one file to the next."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.client
import socket
import ssl
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from huggins import __version__
from huggins.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENT: Final = f"huggins/{__version__} (+https://pypi.org/project/huggins/)"
_CHUNK: Final = 1 << 16
# Statuses that pass: the request can simply be made again.
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)
_MOVED: Final = (301, 302, 303, 307, 308)
_ABSENT: Final = (404, 410)
_HOPS_MAX: Final = 8
# A server that sends less than this for three timeouts is taken for one that says nothing.
_SLOWEST: Final = 100.0  # bytes/s


class PassingError(DownloadError):
    """A fault that may be gone at the next attempt.

    Attributes
    ----------
    after : float
        Seconds that the server asks to wait for (Retry-After); 0 where it does not.
    """

    after: float = 0.0


class AbsentError(DownloadError):
    """The server has no such file."""


class Answer:
    """What a server answered; its content is still to come.

    Attributes
    ----------
    url : str
        Where it came from in the end.
    status : int
        200, 206 or 416.
    """

    def __init__(self, url: str, response: http.client.HTTPResponse, timeout: float) -> None:
        self.url = url
        self.status = response.status
        self._response = response
        self._timeout = timeout

    def header(self, name: str) -> str:
        """Return a header's value, empty where there is none."""
        return self._response.getheader(name) or ""

    @property
    def length(self) -> int | None:
        """Bytes to come, None where the server does not say."""
        return self._response.length

    def chunks(self) -> Iterator[bytes]:
        """Yield the content as it comes; `PassingError` where the connection breaks."""
        received = 0
        mark, marked = time.monotonic(), 0
        while True:
            try:
                chunk = self._response.read1(_CHUNK)
            except (OSError, ValueError, http.client.HTTPException) as error:
                why = "it said nothing more" if isinstance(error, TimeoutError) else error
                raise PassingError(
                    f"the connection broke after {received} bytes: {why}", self.url
                ) from error
            if not chunk:
                _drain(self._response)
                return
            received += len(chunk)
            yield chunk
            now = time.monotonic()
            if now - mark > 3 * self._timeout:
                if received - marked < _SLOWEST * (now - mark):
                    raise PassingError(
                        f"the connection broke after {received} bytes: it had become slower "
                        f"than {_SLOWEST:g} bytes/s",
                        self.url,
                    )
                mark, marked = now, received


class Client:
    """Makes requests, one at a time, and keeps a connection open to each host.

    Proxies are taken from the environment, as everywhere in Python (``https_proxy``).

    Parameters
    ----------
    timeout
        Seconds of silence after which a server is given up.
    """

    def __init__(self, timeout: float = 30.0) -> None:
        self.timeout = timeout
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._socket: socket.socket | None = None
        self._aborted = False
        self._trust: ssl.SSLContext | None = None

    @contextlib.contextmanager
    def get(self, url: str, headers: dict[str, str] | None = None) -> Iterator[Answer]:
        """Ask for a file; its content comes by `Answer.chunks`.

        Raises
        ------
        DownloadError
            If the server refuses (`AbsentError`: it has no such file), or cannot be reached
            (then `answered` is False).
        PassingError
            If it is busy.
        """
        asked = url
        for _ in range(_HOPS_MAX):
            key, response = self._request(url, headers or {})
            if response.status not in _MOVED:
                break
            location = response.getheader("Location") or ""
            if not _drain(response):
                self._drop(key)
            url = _target(asked, url, location)
        else:
            raise DownloadError(f"moved more than {_HOPS_MAX} times, lastly to {url}", asked)
        try:
            if response.status not in (200, 206, 416):
                _drain(response)
                raise _refusal(asked, url, response)
            yield Answer(url, response, self.timeout)
        finally:
            # What was not read to its end cannot be followed by another request.
            if not response.isclosed():
                self._drop(key)
                response.close()

    def abort(self) -> None:
        """Break off whatever is under way; may be called from another thread."""
        self._aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections."""
        for key in list(self._open):
            self._drop(key)

    def _request(
        self, url: str, headers: dict[str, str]
    ) -> tuple[tuple[str, str], http.client.HTTPResponse]:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise DownloadError("only http and https addresses can be fetched", url)
        key = (parts.scheme, parts.netloc)
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        for fresh in (False, True):
            reused = key in self._open
            try:
                connection, prefix, more = self._connection(key, parts)
                connection.request(
                    "GET",
                    prefix + urllib.parse.quote(path, safe="%/:=&?~+!$,;'@()*[]"),
                    headers={"User-Agent": AGENT, **more, **headers},
                )
                self._socket = connection.sock  # which the answer may take over
                return key, connection.getresponse()
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._drop(key)
                # A connection that had been idle may have been closed meanwhile.
                stale = isinstance(error, (ConnectionError, http.client.BadStatusLine))
                if reused and stale and not fresh and not self._aborted:
                    continue
                raise self._unreachable(url, error) from error
        raise AssertionError

    def _unreachable(self, url: str, error: Exception) -> DownloadError:
        if isinstance(error, TimeoutError):
            return DownloadError(f"no answer within {self.timeout:g} s", url, answered=False)
        if isinstance(error, http.client.RemoteDisconnected):
            return PassingError("the server closed the connection without an answer", url)
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return DownloadError(f"cannot be reached: {what}", url, answered=False)

    def _connection(
        self, key: tuple[str, str], parts: urllib.parse.SplitResult
    ) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        """Return a connection, what goes before the path, and further headers."""
        scheme, netloc = key
        host = str(parts.hostname)
        proxy = urllib.request.getproxies().get(scheme, "")
        if proxy and urllib.request.proxy_bypass(netloc):
            proxy = ""
        through = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        permit = _permit(through) if proxy else {}
        if key not in self._open:
            first, port = (through.hostname, through.port) if proxy else (host, parts.port)
            secure = scheme == "https"
            kind: Any = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            options = {"context": self._context()} if secure else {}
            connection = kind(first, port, timeout=self.timeout, **options)
            if proxy and secure:
                connection.set_tunnel(host, parts.port or 443, permit)
            self._open[key] = connection
        if proxy and scheme == "http":
            return self._open[key], f"http://{netloc}", permit
        return self._open[key], "", {}

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust

    def _drop(self, key: tuple[str, str]) -> None:
        connection = self._open.pop(key, None)
        if connection is not None:
            connection.close()


def _drain(response: http.client.HTTPResponse) -> bool:
    """Read the little that is left of an answer, so that another request may follow it."""
    if response.length is not None and response.length <= _CHUNK:
        with contextlib.suppress(OSError, http.client.HTTPException):
            response.read()
    return response.isclosed()


def _permit(proxy: urllib.parse.SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    words = f"{proxy.username}:{proxy.password or ''}"
    token = base64.b64encode(urllib.parse.unquote(words).encode()).decode()
    return {"Proxy-Authorization": f"Basic {token}"}


def _target(asked: str, url: str, location: str) -> str:
    """Return where a redirection leads."""
    target = urllib.parse.urljoin(url, location)
    if not location:
        raise DownloadError("the server says that the file has moved, but not where to", asked)
    if url.startswith("https:") and not target.startswith("https:"):
        raise DownloadError(f"moved to {target}, which is not protected by https", asked)
    return target


def _refusal(asked: str, url: str, response: http.client.HTTPResponse) -> DownloadError:
    where = "" if url == asked else f" at {url}, where it has moved"
    what = f"the server answers {response.status} {response.reason}{where}"
    if response.status in _ABSENT:
        return AbsentError(what, asked)
    if response.status in _BUSY:
        error = PassingError(what, asked)
        error.after = _seconds(response.getheader("Retry-After") or "")
        return error
    return DownloadError(what, asked)


def _seconds(text: str) -> float:
    """Return the seconds that a Retry-After header means: a number, or a date; 0 for neither.

    >>> _seconds("120")
    120.0
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(then.timestamp() - time.time(), 0.0)
