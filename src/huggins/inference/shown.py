"""The astropy Table that `huggins.classify` returns, which prints what matters first."""

from __future__ import annotations

from functools import cache, partial
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from astropy.table import Table

#: Columns that are printed, in order, with their format; the second name is DESI's.
SHOWN: Final = (
    (("CLASS", "SPECTYPE"), None),
    (("SUBCLASS", "SUBTYPE"), None),
    (("PROB_CLASS",), ".3f"),
    # Adding 0 turns a rounded -0.0 into 0.0.
    (("Z",), lambda z: f"{round(float(z), 5) + 0.0:.5f}"),
    (("Z_ERR", "ZERR"), ".5f"),
    (("ZWARNING", "ZWARN"), None),
    (("SN_MEDIAN",), ".1f"),
    (("INDEX",), None),
    (("FILE",), None),
)
# Tables of at most so many columns are printed as they are: somebody has chosen these columns.
_CHOSEN: Final = 15
# Characters of a path that are printed: its end, and less of it in a narrow terminal, where
# the other columns need `_OTHERS`.
_PATH: Final = 30
_SHORTEST: Final = 10
_OTHERS: Final = 70


def __getattr__(name: str) -> Any:
    # `ResultsTable` is made when it is needed, as its base takes long to import; pickle finds
    # it here by its name.
    if name == "ResultsTable":
        return results_table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def shortened(path: str, length: int = _PATH) -> str:
    """Return the end of a path, behind an ellipsis where it is cut."""
    return path if len(path) <= length else f"…{path[-length:]}"


@cache
def results_table() -> type[Table]:
    """Return the class `ResultsTable`."""
    from astropy.table import Table

    class ResultsTable(Table):  # type: ignore[misc]
        """An astropy Table that differs in how it is printed, and in what it may carry.

        `print`, `repr` and notebooks show the columns of `SHOWN`, with the ends of paths, and
        say how many columns there are besides. ``pprint_all()`` shows all; the order of the
        columns is that of every file.

        Attributes
        ----------
        candidates : astropy.table.Table or None
            The most probable different redshifts of each spectrum, where they were asked for;
            parts and copies of the table do not carry it.
        """

        candidates: Table | None = None

        def __str__(self) -> str:
            table, more = _chosen(self, _room())
            if not more:
                return str(table)
            return "\n".join([*table.pformat(max_lines=None, max_width=-1), more])

        def __repr__(self) -> str:
            table, more = _chosen(self, _room())
            if not more:
                return str(super().__repr__())
            about = [type(self).__name__, f"length={len(self)}"]
            text = table._base_repr_(descr_vals=about, max_width=-1, show_dtype=False)
            return f"{text}\n{more}"

        def _repr_html_(self) -> str:
            table, more = _chosen(self, _PATH)
            html = str(table._repr_html_())
            return f"{html}<p>{more}</p>" if more else html

    def _chosen(table: Table, length: int) -> tuple[Table, str]:
        """Return what is printed, and a line on what is not (empty: nothing)."""
        formats = {
            name: how for names, how in SHOWN for name in names if name in table.colnames
        }
        hidden = len(table.colnames) - len(formats)
        if len(table.colnames) <= _CHOSEN or not formats:
            return Table(table, copy=False), ""
        shown = Table([table[n] for n in formats], names=list(formats), copy=False)
        for name, how in formats.items():
            if how is not None and shown[name].info.format is None:
                shown[name].info.format = how
        if "FILE" in formats:
            shown["FILE"].info.format = partial(shortened, length=length)
        return shown, f"... and {hidden} more columns"

    ResultsTable.__module__ = __name__
    ResultsTable.__qualname__ = "ResultsTable"
    return ResultsTable


def _room() -> int:
    """Return how many characters of a path fit into the terminal."""
    return min(max(get_terminal_size().columns - _OTHERS, _SHORTEST), _PATH)
