"""The page as one file without a server: scripts, styles and data are inside.

The scripts stay the modules that they are: an import map gives each a ``data:`` URL. Spectra
are compressed one by one, and the browser unpacks the one that is looked at.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins import __version__
from huggins.errors import HugginsError, InputError
from huggins.view.features import of_rows, principal_plane
from huggins.view.open import open_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from huggins.view.background import Classification
    from huggins.view.results import Results
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


@contextmanager
def opened(
    results: Results,
    *,
    inspections: Path | None = None,
    model: str = "huggins",
    classification: Classification | None = None,
) -> Iterator[Session]:
    """Open a set to be written as a page; no file of inspections is made."""
    with tempfile.TemporaryDirectory() as folder:
        kept = inspections
        if kept is None or not kept.exists():
            kept = Path(folder) / "none.sqlite"
        session = open_session(
            results, inspections=kept, model=model, classification=classification
        )
        with closing(session):
            yield session


def spectra_of(session: Session, rows: Iterable[int]) -> list[dict[str, Any]]:
    """Return everything about some rows; ``{"failed": why}`` of those that cannot be shown."""
    return [_spectrum(session, row) for row in rows]


def report_of(session: Session, spectra: Sequence[dict[str, Any]] | None = None) -> str:
    """Return the page of a set as one HTML document.

    Parameters
    ----------
    session
        The set, all of it classified.
    spectra
        What `spectra_of` returns for all its rows, where that is known already.

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
    if spectra is None:
        every = [packed(_spectrum(session, row)) for row in range(count)]
    else:
        every = [packed(spectrum) for spectrum in spectra]
    columns = {}
    for column in session.about()["columns"]:
        values = session.column(column["name"])
        columns[column["name"]] = _base64(values) if isinstance(values, bytes) else values
    plane = principal_plane(of_rows(session.results, count, session.model, lambda done: None))
    return document(
        {
            "session": session.about(),
            "columns": columns,
            "spectra": every,
            "thumbnails": session.thumbnails(list(range(count))),
            "map": _base64(plane.astype("<f8").tobytes()),
            "inspections": session.inspected()["rows"],
        }
    )


def document(data: dict[str, Any]) -> str:
    """Return the page with scripts, styles and data inside."""
    modules = module_map(path.name for path in sorted(_STATIC.glob("*.js")))
    page = re.sub(r'<link rel="modulepreload" [^>]*>\n', "", static("index.html"))
    icon = _base64((_STATIC / "icon.svg").read_bytes())
    for old, new in (
        (
            '<meta charset="utf-8">',
            f'<meta charset="utf-8">\n{GENERATOR}\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        ),
        *(
            (
                f'<link rel="stylesheet" href="static/{name}">',
                f"<style>\n{static(name)}</style>",
            )
            for name in ("colours.css", "style.css")
        ),
        ('href="static/icon.svg"', f'href="data:image/svg+xml;base64,{icon}"'),
        (
            '<script type="module" src="static/app.js"></script>',
            f"{modules}\n"
            f'<script type="application/json" id="embedded">{as_json(data)}</script>\n'
            '<script type="module">import "huggins/app.js";</script>',
        ),
    ):
        assert page.count(old) == 1, old
        page = page.replace(old, new)
    return page


def _spectrum(session: Session, row: int) -> dict[str, Any]:
    try:
        detail = session.detail(row)
        for number, solution in enumerate(detail["solutions"]):
            if number >= _MODELS and number != detail["shown"]:
                solution["model"] = None
        return detail | {"why": session.why(row)}
    except HugginsError as error:
        return {"failed": str(error)} | session.known(row)


def static(name: str) -> str:
    """Return a file of the page."""
    return (_STATIC / name).read_text(encoding="utf-8")


def module_map(names: Iterable[str]) -> str:
    """Return the import map that gives modules of the page as ``data:`` URLs."""
    modules = {f"huggins/{name}": _url(_bare(static(name))) for name in names}
    return f'<script type="importmap">{as_json({"imports": modules})}</script>'


def _bare(script: str) -> str:
    """Import by the names of the import map: `data:` URLs have no neighbours."""
    return re.sub(r'from "\./([\w.]+)"', r'from "huggins/\1"', script)


def _url(text: str) -> str:
    return f"data:text/javascript;base64,{_base64(text.encode())}"


def as_json(value: Any) -> str:
    """Return JSON that ends no script element, whatever its texts hold."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def packed(value: Any) -> str:
    """Return compressed JSON as text."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _base64(gzip.compress(text.encode(), 6, mtime=0))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
