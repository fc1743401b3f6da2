"""What is in the HDF5 file of spectra; ``docs/reference/dataset.md`` describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

#: Version of the file.
SCHEMA: Final = 1
#: Parts that the objects are shared out to, by number.
SPLITS: Final = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Column:
    """A dataset of one value a spectrum.

    Attributes
    ----------
    name
        Of the dataset.
    dtype
        As numpy spells it; empty for text, whose width is that of the longest.
    unknown
        What stands for a value that is not known.
    """

    name: str
    dtype: str
    unknown: Any

    @property
    def text(self) -> bool:
        """Whether it holds text."""
        return not self.dtype


#: Datasets beside ``flux`` and ``ivar``, in the file's order.
COLUMNS: Final = (
    Column("survey", "", ""),
    Column("plate", "i4", -1),
    Column("mjd", "i4", -1),
    Column("fiberid", "i4", -1),
    Column("targetid", "", ""),
    Column("specobjid", "", ""),
    Column("ra", "f8", float("nan")),
    Column("dec", "f8", float("nan")),
    Column("file", "", ""),
    Column("index", "i4", 0),
    Column("object", "", ""),
    Column("split", "i1", 0),
    Column("sn", "f4", float("nan")),
    Column("zwarning", "i4", 0),
    Column("pipe_class", "", ""),
    Column("pipe_subclass", "", ""),
    Column("pipe_z", "f8", float("nan")),
    Column("pipe_zwarning", "i4", -1),
    Column("class_index", "i1", -1),
    Column("class", "", ""),
    Column("z", "f8", float("nan")),
    Column("trust", "i1", 0),
)
#: Those that are known only when all spectra are there.
LATE: Final = ("split",)
