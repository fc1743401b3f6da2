"""Parts of a self-contained web page."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.runs.ours import CREATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from huggins.evaluate.metrics import Confusion

# Dots an inch of a spectrum's picture: 12 inches wide, it fills the page.
_SPECTRUM_DPI: Final = 90


class Markup(str):
    """Text that is HTML already and must not be escaped."""

    __slots__ = ()


def html(value: object) -> str:
    """Return a value as HTML: `Markup` as it is, everything else escaped."""
    return value if isinstance(value, Markup) else escape(str(value))


def document(title: str, head: Markup, body: Sequence[tuple[str, str, Markup]]) -> str:
    """Return a whole page.

    Parameters
    ----------
    title
        Of the window.
    head
        What stands at the top.
    body
        Sections in order: short name for the links, heading, content.
    """
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{_anchor(short)}">{escape(short)}</a>' for short, _, _ in body)
    sections = "".join(
        f'<section id="{_anchor(short)}"><h2>{escape(heading)}</h2>{content}</section>\n'
        for short, heading, content in body
    )
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<meta name="generator" content="{CREATOR}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{style}</style></head><body>\n"
        f"<header><div>{head}</div></header>\n<nav><div>{links}</div></nav>\n"
        f"<main>\n{sections}</main></body></html>\n"
    )


def paragraph(text: object, kind: str = "") -> Markup:
    """Return a paragraph."""
    return Markup(f"<p{_class(kind)}>{html(text)}</p>")


def bullets(items: Iterable[object], kind: str = "") -> Markup:
    """Return a list."""
    inside = "".join(f"<li>{html(item)}</li>" for item in items)
    return Markup(f"<ul{_class(kind)}>{inside}</ul>")


def table(
    header: Sequence[object], rows: Iterable[Sequence[object]], *, text: Sequence[int] = ()
) -> Markup:
    """Return a table; the columns in `text` are aligned left and may be broken."""

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(
            f"<{tag}{_class('text' if i in text else '')}>{html(cell)}</{tag}>"
            for i, cell in enumerate(row)
        )

    lines = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return Markup(
        f'<div class="scroll"><table><thead><tr>{cells("th", header)}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def folded(title: str, content: Markup) -> Markup:
    """Return content that is shown when its title is clicked."""
    return Markup(f"<details><summary>{html(title)}</summary>{content}</details>")


def confusion(matrix: Confusion) -> Markup:
    """Return a confusion matrix by count and, beside it, as fractions of each row."""
    tables = (_confusion(matrix, fractions=fractions) for fractions in (False, True))
    return Markup(f'<div class="pair">{"".join(tables)}</div>')


def _confusion(matrix: Confusion, *, fractions: bool) -> Markup:
    """Return a confusion matrix as a coloured table.

    Rows are true classes, columns predicted ones; the last column is without a prediction.
    Classes without any spectrum have no row.
    """
    part = matrix.by_row()
    names = [*matrix.columns, *(["none"] if matrix.counts[:, -1].any() else [])]
    header = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = []
    for i, name in enumerate(matrix.rows):
        total = int(matrix.counts[i].sum())
        if not total:
            continue
        cells = []
        for j in range(len(names)):
            count, fraction = int(matrix.counts[i, j]), float(part[i, j])
            shown = f"{100.0 * fraction:.1f}" if fractions else str(count)
            style = _shade(fraction, names[j] == name)
            cells.append(f'<td style="{style}">{shown if count else ""}</td>')
        lines.append(
            f"<tr><th>{escape(name)}</th>{''.join(cells)}<td class='sum'>{total}</td></tr>"
        )
    corner = "true ↓ predicted → %" if fractions else "true ↓ predicted →"
    return Markup(
        f'<div class="scroll"><table class="confusion"><thead><tr><th class="corner">{corner}'
        f'</th>{header}<th class="corner">n</th></tr></thead><tbody>{"".join(lines)}</tbody>'
        "</table></div>"
    )


def drawing(figure: Figure, caption: object, *, alt: str) -> Markup:
    """Return a diagram as a vector picture inside the page."""
    import matplotlib as mpl

    text = io.StringIO()
    # A fixed salt, so that the same figures give the same page.
    with mpl.rc_context({"svg.hashsalt": "huggins"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return _picture("svg+xml", text.getvalue().encode(), caption, alt)


def photograph(figure: Figure, *, alt: str) -> Markup:
    """Return a spectrum as pixels: as vectors, its thousands of points would weigh more."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_SPECTRUM_DPI)
    return _picture("png", content.getvalue(), "", alt)


def _picture(kind: str, content: bytes, caption: object, alt: str) -> Markup:
    data = base64.b64encode(content).decode("ascii")
    below = f"<figcaption>{html(caption)}</figcaption>" if caption else ""
    return Markup(
        f'<figure><img alt="{escape(alt)}" src="data:image/{kind};base64,{data}">{below}'
        "</figure>"
    )


def _shade(fraction: float, on_diagonal: bool) -> str:
    """Style of a cell: blue on the diagonal, orange off it, the stronger the more."""
    if not fraction > 0:
        return "background:#f5f7fa"
    red, green, blue = (31, 78, 140) if on_diagonal else (200, 100, 31)
    depth = 0.12 + 0.88 * min(1.0, fraction) ** 0.7
    if not on_diagonal:
        depth = min(1.0, 0.1 + 1.4 * fraction**0.7)
    mixed = [round(255 + (c - 255) * depth) for c in (red, green, blue)]
    ink = "#fff" if depth > 0.55 else "#1f2833"
    return f"background:rgb({mixed[0]},{mixed[1]},{mixed[2]});color:{ink}"


def _anchor(short: str) -> str:
    return escape("-".join(short.lower().split()))


def _class(kind: str) -> Any:
    return f' class="{kind}"' if kind else ""
