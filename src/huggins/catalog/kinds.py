"""Survey tables recognised by their columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from huggins.catalog import pipelines, quasars
from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk, Table


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of survey table.

    Attributes
    ----------
    name
        As in the column CATALOG and the option ``--kind``.
    needs, may
        Columns that it must have, and those that are read if it has them.
    take
        Converts rows to columns of the table of targets.
    """

    name: str
    needs: tuple[str, ...]
    may: tuple[str, ...]
    take: Callable[[Chunk, Words], dict[str, NDArray[Any]]]

    def lacks(self, table: Table) -> list[str]:
        """Return the columns that it must have and a table does not."""
        return [name for name in self.needs if name not in table.names]


#: All kinds; a table is of the first whose columns it has.
KINDS: Final = (
    Kind("DR16Q_Superset", quasars.DR16Q_SUPERSET_NEEDS, quasars.DR16Q_MAY, quasars.dr16q),
    Kind("DR16Q", quasars.DR16Q_NEEDS, quasars.DR16Q_MAY, quasars.dr16q),
    Kind("DR14Q", quasars.DR14Q_NEEDS, quasars.DR14Q_MAY, quasars.dr14q),
    Kind(
        "DR12Q_Superset",
        quasars.DR12Q_SUPERSET_NEEDS,
        quasars.DR12Q_SUPERSET_MAY,
        quasars.dr12q_superset,
    ),
    Kind("DR12Q", quasars.DR12Q_NEEDS, quasars.DR12Q_MAY, quasars.dr12q),
    Kind("SDSS-V", pipelines.SDSS5_NEEDS, pipelines.SDSS5_MAY, pipelines.sdss5),
    Kind("specObj", pipelines.SPECOBJ_NEEDS, pipelines.SPECOBJ_MAY, pipelines.specobj),
    Kind("specObj", pipelines.CAS_NEEDS, pipelines.CAS_MAY, pipelines.specobj),
    Kind("DESI", pipelines.DESI_NEEDS, pipelines.DESI_MAY, pipelines.desi),
)


def named(name: str, table: Table) -> Kind:
    """Return a kind by its name, whatever its case.

    Of several with this name it is the one whose columns the table has, else the first.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    fitting = [kind for kind in KINDS if kind.name.lower() == name.strip().lower()]
    if fitting:
        return min(fitting, key=lambda kind: bool(kind.lacks(table)))
    raise InputError(
        f"--kind: {name!r} is no kind of survey table: known are "
        f"{', '.join(dict.fromkeys(kind.name for kind in KINDS))}"
    )


def recognise(table: Table) -> Kind:
    """Return the kind of a table.

    Raises
    ------
    InputError
        If no kind's columns are all there.
    """
    nearest = min(KINDS, key=lambda kind: len(kind.lacks(table)) / len(kind.needs))
    if not nearest.lacks(table):
        return nearest
    raise InputError(
        f"{table.path}: not a survey table that is known; nearest is {nearest.name}, but it "
        f"has no {_listed(nearest.lacks(table))}; it has "
        f"{_listed(table.names)}. Say which column is which with --map class=NAME and so on"
    )


def check(table: Table, kind: Kind) -> None:
    """Check that a table has the columns that a kind needs.

    Raises
    ------
    InputError
        If it does not.
    """
    lacking = kind.lacks(table)
    if lacking:
        raise InputError(
            f"{table.path}: as {kind.name} it needs the columns {', '.join(lacking)}, which it "
            f"does not have; it has {_listed(table.names)}"
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:40])
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")
