"""Parts of a data set: the spectra of one chunk of the inputs, in one file on disk.

A part is a ZIP archive of numpy arrays, in blocks of rows, and of ``about.json``; it gets its
name when it is whole, so a part that is there is done.
"""

from __future__ import annotations

import json
import zipfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.runs.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Block = dict[str, NDArray[Any]]

_ABOUT = "about.json"


@dataclass(slots=True)
class About:
    """Contents of a part.

    Attributes
    ----------
    digest : str
        Of the inputs that it was made from.
    inputs : int
        Number of inputs.
    rows : list of int
        Spectra of each block.
    widths : dict of str to int
        Bytes of the longest text in each column of text.
    skipped : list of (str, int, str)
        File, index and reason of each spectrum that is left out.
    """

    digest: str
    inputs: int
    rows: list[int] = field(default_factory=list)
    widths: dict[str, int] = field(default_factory=dict)
    skipped: list[tuple[str, int, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Spectra in the part."""
        return sum(self.rows)


def part_path(folder: Path, number: int) -> Path:
    """Return the path of the part of a chunk."""
    return folder / f"{number:07d}.part"


@contextmanager
def writing(path: Path, about: About) -> Iterator[Callable[[Block], None]]:
    """Open a part for writing, and yield what adds a block of rows to it.

    Every block has the same columns; `about` is filled in as blocks are added.
    """
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def add(block: Block) -> None:
            number = len(about.rows)
            about.rows.append(len(next(iter(block.values()))))
            for name, values in block.items():
                if values.dtype.kind == "S":
                    about.widths[name] = max(about.widths.get(name, 1), values.dtype.itemsize)
                with archive.open(f"{number}/{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)

        yield add
        archive.writestr(_ABOUT, json.dumps(asdict(about)))


def read_about(path: Path) -> About | None:
    """Return the contents of a part; None if there is no complete part."""
    try:
        with zipfile.ZipFile(path) as archive:
            values = json.loads(archive.read(_ABOUT))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    values["skipped"] = [tuple(item) for item in values["skipped"]]
    return About(**values)


def read_blocks(path: Path, names: tuple[str, ...] | None = None) -> Iterator[Block]:
    """Yield the blocks of a part, or these columns of them."""
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name != _ABOUT]
        blocks: dict[str, list[str]] = {}
        for member in members:
            number, _, name = member.partition("/")
            blocks.setdefault(number, []).append(name.removesuffix(".npy"))
        for number, columns in blocks.items():
            block = {}
            for name in columns:
                if names is None or name in names:
                    with archive.open(f"{number}/{name}.npy") as file:
                        block[name] = np.lib.format.read_array(file, allow_pickle=False)
            yield block
