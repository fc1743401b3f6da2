"""The web application: routes, and who may call them.

Only somebody who has the token from the URL may ask for data, the request must name this server
as its host (so that no foreign name can be bound to it), and none may come from another page.
The scripts and styles themselves hold no data and need no token.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from huggins.errors import HugginsError
from huggins.view.kept import NotReadyError
from huggins.view.results import UnknownRowError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from huggins.view.session import Session

_log = logging.getLogger(__name__)

_STATIC: Final = Path(__file__).with_name("static")
# Characters of an inspector's name.
_NAME_MAX: Final = 40
#: Largest body of a request, bytes: a plate of 1,000 spectra is smaller.
BODY_MAX: Final = 64 * 1024**2
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {frames}"
)


def create_app(
    session: Session,
    token: str,
    hosts: set[str],
    *,
    embeddable: bool = False,
    cookie: str = "huggins",
) -> Starlette:
    """Return the application for one set of spectra.

    Parameters
    ----------
    session
        The set.
    token
        What every request must carry, as ``?token=``, cookie or ``X-Huggins-Token``.
    hosts
        Values of the Host header that are accepted, ``name:port``.
    embeddable
        Whether pages of this machine may show it in a frame, as a notebook does.
    cookie
        Name under which browsers keep the token. Ports of one host share their cookies, so it
        should tell servers apart.
    """
    routes = _Routes(session)
    return Starlette(
        routes=[
            Route("/", routes.page),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/api/session", routes.about),
            Route("/api/columns/{name}", routes.column),
            Route("/api/spectrum/{row:int}", routes.spectrum),
            Route("/api/spectrum/{row:int}/model", routes.model),
            Route("/api/spectrum/{row:int}/why", routes.why),
            Route("/api/spectrum/{row:int}/similar", routes.similar),
            Route("/api/thumbnails", routes.thumbnails),
            Route("/api/map", routes.map),
            Route("/api/order", routes.order),
            Route("/api/inspections", routes.inspections),
            Route("/api/inspections", routes.inspect, methods=["POST"]),
            Route("/api/undo", routes.undo, methods=["POST"]),
            Route("/api/agreement", routes.agreement),
            Route("/api/export", routes.export, methods=["POST"]),
            Route("/api/import", routes.take_in, methods=["POST"]),
            Route("/api/classify", routes.classify, methods=["POST"]),
            Route("/api/figure/{row:int}", routes.figure),
            Route("/api/samp/{action}", routes.samp, methods=["POST"]),
            Route("/api/events", routes.events),
        ],
        middleware=[
            Middleware(Guard, token=token, hosts=hosts, embeddable=embeddable, cookie=cookie),
            Middleware(GZipMiddleware, minimum_size=2048, compresslevel=2),
        ],
        exception_handlers={
            HugginsError: _refused,
            HTTPException: _unknown,
            Exception: _failed,
        },
    )


class TooLargeError(HugginsError):
    """The body of a request is larger than is taken."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {BODY_MAX // 1024**2} MB: use `huggins classify` for such files"
        )


class Guard:
    """Lets through who has the token, names this host and comes from this page."""

    def __init__(
        self, app: ASGIApp, token: str, hosts: set[str], *, embeddable: bool, cookie: str
    ) -> None:
        self.app, self._token, self._hosts, self._cookie = app, token, hosts, cookie
        frames = "'self' http://localhost:* http://127.0.0.1:*" if embeddable else "'none'"
        self._headers = [
            (b"content-security-policy", _POLICY.format(frames=frames).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from starlette.requests import Request

        request = Request(scope)
        refusal = self._refusal(request)
        given = request.query_params.get("token", "")

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
                if refusal is None and given:
                    cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
                    message["headers"].append((b"set-cookie", cookie.encode()))
            await send(message)

        if refusal is not None:
            status, text = refusal
            answer = JSONResponse({"error": text}, status)
            await answer(scope, receive, with_headers)
            return
        got = 0

        async def bounded() -> Any:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > BODY_MAX:  # of a body that came without its length
                raise TooLargeError
            return message

        await self.app(scope, bounded, with_headers)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        host = request.headers.get("host", "")
        if host not in self._hosts:
            return 403, f"{host!r} is not the name of this server: use the URL that it printed"
        origin = request.headers.get("origin")
        if origin is not None and origin.split("://")[-1] not in self._hosts:
            return 403, "requests from other pages are refused"
        token = (
            request.query_params.get("token")
            or request.headers.get("x-huggins-token")
            or request.cookies.get(self._cookie, "")
        )
        known = hmac.compare_digest(token.encode(), self._token.encode())
        if not known and not request.url.path.startswith("/static/"):
            return 403, "the token is missing: open the URL that `huggins view` printed"
        length = request.headers.get("content-length", "0")
        if not _is_number(length) or int(length) > BODY_MAX:
            return 413, str(TooLargeError())
        return None


class _Routes:
    def __init__(self, session: Session) -> None:
        self.session = session

    async def page(self, request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers={"cache-control": "no-store"})

    async def about(self, request: Request) -> Response:
        return await _json(self.session.about, _scanner(request))

    async def column(self, request: Request) -> Response:
        name = request.path_params["name"]
        data = await run_in_threadpool(self.session.column, name)
        if isinstance(data, bytes):
            return Response(data, media_type="application/octet-stream")
        return JSONResponse(data)

    async def spectrum(self, request: Request) -> Response:
        row = request.path_params["row"]
        try:
            return await _json(self.session.detail, row, _scanner(request))
        except HugginsError as error:  # what the table says of it can be shown all the same
            return JSONResponse({"error": str(error)} | self.session.known(row), _status(error))

    async def model(self, request: Request) -> Response:
        try:
            z = float(request.query_params["z"])
        except (KeyError, ValueError):
            return JSONResponse({"error": "z must be a number"}, 400)
        name = request.query_params.get("class", "")
        return await _json(self.session.model_at, request.path_params["row"], z, name)

    async def why(self, request: Request) -> Response:
        return await _json(self.session.why, request.path_params["row"])

    async def similar(self, request: Request) -> Response:
        count = _bounded(request.query_params.get("n", "24"), 1, 500)
        return await _json(self.session.similar, request.path_params["row"], count)

    async def thumbnails(self, request: Request) -> Response:
        words = [word for word in request.query_params.get("rows", "").split(",") if word]
        rows = [_bounded(word, 0, 10**9) for word in words[:64]]
        return await _json(self.session.thumbnails, rows)

    async def map(self, request: Request) -> Response:
        data = await run_in_threadpool(self.session.map)
        return Response(data, media_type="application/octet-stream")

    async def order(self, request: Request) -> Response:
        return await _json(self.session.worth, _scanner(request))

    async def inspections(self, request: Request) -> Response:
        return await _json(self.session.inspected, _scanner(request))

    async def inspect(self, request: Request) -> Response:
        return await _json(self.session.inspect, await _body(request), _scanner(request))

    async def undo(self, request: Request) -> Response:
        return await _json(self.session.undo, _scanner(request))

    async def agreement(self, request: Request) -> Response:
        return await _json(self.session.agreement)

    async def export(self, request: Request) -> Response:
        body = await _body(request)
        kind = request.query_params.get("format", "")
        name, content = await run_in_threadpool(
            self.session.export,
            kind,
            body.get("rows"),
            _scanner(request),
            merged=bool(body.get("merged")),
        )
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def take_in(self, request: Request) -> Response:
        name = request.query_params.get("name", "")
        return await _json(self.session.take_in, name, await request.body())

    async def classify(self, request: Request) -> Response:
        name = request.query_params.get("name", "dropped")
        return await _json(self.session.classify, name, await request.body())

    async def figure(self, request: Request) -> Response:
        kind = request.query_params.get("format", "png")
        content, media = await run_in_threadpool(
            self.session.figure, request.path_params["row"], kind
        )
        name = f"huggins-{request.path_params['row']}.{kind}"
        return Response(
            content,
            media_type=media,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def samp(self, request: Request) -> Response:
        body = await _body(request)
        return await _json(self.session.samp, request.path_params["action"], body)

    async def events(self, request: Request) -> Response:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=256)
        loop = asyncio.get_running_loop()

        def pass_on(event: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(_offer, queue, event)

        forget = self.session.listen(pass_on)

        async def lines() -> AsyncIterator[str]:
            try:
                yield ": connected\n\n"
                while True:
                    try:
                        event = await asyncio.wait_for(queue.get(), 15.0)
                        if event["type"] == "end":
                            return
                        yield f"data: {json.dumps(event)}\n\n"
                    except TimeoutError:
                        yield ": still here\n\n"
            finally:
                forget()

        return StreamingResponse(lines(), media_type="text/event-stream")


def _offer(queue: asyncio.Queue[dict[str, Any]], event: dict[str, Any]) -> None:
    if not queue.full():  # a page that does not listen any more
        queue.put_nowait(event)


async def _json(call: Callable[..., Any], *arguments: Any) -> Response:
    return JSONResponse(await run_in_threadpool(call, *arguments))


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, UnicodeDecodeError):
        raise HugginsError("the request holds no JSON") from None
    if not isinstance(body, dict):
        raise HugginsError("the request must be a JSON object")
    return body


def _is_number(word: str) -> bool:
    """Whether a word is a whole number, of no more digits than Python takes."""
    return word.isdecimal() and len(word) < 20


def _bounded(word: str, low: int, high: int) -> int:
    if not _is_number(word) or not low <= int(word) <= high:
        raise HugginsError(f"{word[:40]!r} is no number from {low} to {high}")
    return int(word)


def _scanner(request: Request) -> str:
    """Who asks, if the page says so; else the one who started the server."""
    name = unquote(request.headers.get("x-huggins-scanner", ""))
    return "".join(c for c in name if c.isprintable())[:_NAME_MAX].strip()


async def _refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, _status(error))


def _status(error: Exception) -> int:
    kinds = {UnknownRowError: 404, NotReadyError: 409, TooLargeError: 413}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), 400)


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"error": f"there is no {request.url.path} here"}, status)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s: %r", request.url.path, error, exc_info=error)
    return JSONResponse({"error": f"a mistake in huggins: report it: {error!r}"}, 500)
