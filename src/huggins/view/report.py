"""The page as one file without a server: scripts, styles and data are inside.

The scripts stay the modules that they are: an import map gives each a ``data:`` URL. Spectra
are compressed one by one, and the browser unpacks the one that is looked at.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins import __version__
from huggins.errors import HugginsError, InputError
from huggins.view.features import of_rows, principal_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.view.session import Session

#: Spectra in one report: about 0.1 MB each.
MOST: Final = 500
#: By this a report is known as an output of huggins.
GENERATOR: Final = f'<meta name="generator" content="huggins {__version__}">'
_STATIC: Final = Path(__file__).with_name("static")
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
# Solutions of the fit whose models are kept.
_MODELS: Final = 2


def report_of(session: Session, advance: Callable[[int], None] | None = None) -> str:
    """Return the page of a set as one HTML document.

    Parameters
    ----------
    session
        The set, all of it classified.
    advance
        Told how many spectra are done.

    Raises
    ------
    InputError
        If there are no spectra, or more than `MOST`.
    """
    count = len(session.results)
    if not count:
        raise InputError(f"{session.results.source}: there are no spectra to report")
    if count > MOST:
        raise InputError(
            f"{session.results.source}: {count:,} spectra, a report holds at most {MOST}: "
            "choose some with --where, or look at all with `huggins view`"
        )
    spectra = []
    for row in range(count):
        spectra.append(_packed(_spectrum(session, row)))
        if advance is not None:
            advance(row + 1)
    columns = {}
    for column in session.about()["columns"]:
        values = session.column(column["name"])
        columns[column["name"]] = _base64(values) if isinstance(values, bytes) else values
    plane = principal_plane(of_rows(session.results, count, session.model, lambda done: None))
    return document(
        {
            "session": session.about(),
            "columns": columns,
            "spectra": spectra,
            "thumbnails": session.thumbnails(list(range(count))),
            "map": _base64(plane.astype("<f8").tobytes()),
            "inspections": session.inspected()["rows"],
        }
    )


def document(data: dict[str, Any]) -> str:
    """Return the page with scripts, styles and data inside."""
    modules = {
        f"huggins/{path.name}": _url(_bare(path.read_text(encoding="utf-8")))
        for path in sorted(_STATIC.glob("*.js"))
    }
    style = (_STATIC / "style.css").read_text(encoding="utf-8")
    page = (_STATIC / "index.html").read_text(encoding="utf-8")
    icon = _base64((_STATIC / "icon.svg").read_bytes())
    for old, new in (
        (
            '<meta charset="utf-8">',
            f'<meta charset="utf-8">\n{GENERATOR}\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        ),
        ('<link rel="stylesheet" href="static/style.css">', f"<style>\n{style}</style>"),
        ('href="static/icon.svg"', f'href="data:image/svg+xml;base64,{icon}"'),
        (
            '<script type="module" src="static/app.js"></script>',
            f'<script type="importmap">{_json({"imports": modules})}</script>\n'
            f'<script type="application/json" id="embedded">{_json(data)}</script>\n'
            '<script type="module">import "huggins/app.js";</script>',
        ),
    ):
        assert page.count(old) == 1, old
        page = page.replace(old, new)
    return page


def _spectrum(session: Session, row: int) -> dict[str, Any]:
    try:
        detail = session.detail(row)
        for solution in detail["solutions"][_MODELS:]:
            solution["model"] = None
        return detail | {"why": session.why(row)}
    except HugginsError as error:
        return {"failed": str(error)}


def _bare(script: str) -> str:
    """Import by the names of the import map: `data:` URLs have no neighbours."""
    return re.sub(r'from "\./([\w.]+)"', r'from "huggins/\1"', script)


def _url(text: str) -> str:
    return f"data:text/javascript;base64,{_base64(text.encode())}"


def _json(value: Any) -> str:
    """JSON that ends no script element, whatever its texts hold."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _packed(value: Any) -> str:
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _base64(gzip.compress(text.encode(), 6, mtime=0))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
