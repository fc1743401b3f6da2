"""Many spec files in one container per plate; `huggins.formats.pack` describes and reads it."""

from __future__ import annotations

import contextlib
import filecmp
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.dataset.rows import RowLayout, row_layout
from huggins.dataset.shrink import WDISP, Small, plain, read_small
from huggins.errors import OutputError, ReadError
from huggins.fits import Fits, Source
from huggins.fits.cards import (
    BLOCK,
    CARD,
    card,
    keyword,
    padded,
    padded_header,
    split,
    without_checksums,
)
from huggins.formats import open_file
from huggins.formats.pack import SCHEMA
from huggins.runs.files import cannot_write
from huggins.runs.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Most spectra of one container: the fibres of the largest plates.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Key:
    """What the spectra of one container share: plate, night, and the layout of their tables."""

    plate: int
    mjd: int
    header: bytes
    rows: bytes

    @property
    def name(self) -> str:
        """Name of the container, without number and extension."""
        return f"pack-{self.plate:04d}-{self.mjd}"


def key_of(path: str, small: Small) -> tuple[Key, RowLayout]:
    """Return the container that a spectrum belongs to, and the layout of its row."""
    item = next(open_file(path))
    spectrum = item.spectrum if isinstance(item, ReadError) else item
    plate = spectrum.plate if spectrum is not None else None
    mjd = spectrum.mjd if spectrum is not None else None
    # NAXIS2, the number of pixels, differs between the spectra.
    header = b"".join(c for c in split(small.header) if not c.startswith(b"NAXIS2  ="))
    rows = row_layout(without_checksums(small.row_header))
    return Key(plate or 0, mjd or 0, header, rows.alike), rows


@dataclass(slots=True)
class Packed:
    """A container, written or found to exist, and the files in it."""

    path: Path
    sources: list[str]
    before: int
    after: int


def pack(
    paths: Iterable[str], folder: Path, *, wdisp: bool = False
) -> Iterator[Packed | ReadError]:
    """Write spec files into containers.

    A container holds consecutive files of one plate and night; a plate that comes back later
    gets another one. Each is read back from disk and compared with the files before it gets its
    name, and none with other content is overwritten.

    Parameters
    ----------
    paths
        Spec files, those of a plate together.
    folder
        Where the containers go.
    wdisp
        Whether to keep the resolution too.

    Yields
    ------
    Packed or ReadError
        A container, or a file that is left out because it is no spec file.

    Raises
    ------
    OutputError
        If a container cannot be written or differs from the files, which are left unchanged.
    """
    current: _Writer | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            try:
                small = read_small(path, wdisp=wdisp)
                key, rows = key_of(path, small)
            except ReadError as error:
                yield error
                continue
            if current is not None and (current.key != key or len(current.sources) >= MOST):
                yield current.finish()
                current = None
            if current is None:
                current = _Writer(folder, key, small)
            current.add(path, small, rows)
        if current is not None:
            yield current.finish()
            current = None
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        if current is not None:
            current.abandon()


def _sweep(folder: Path, name: str) -> None:
    """Remove what runs that were killed have left of a container."""
    for left in folder.glob(f".{name}.*.tmp"):
        number = left.name.split(".")[-2]
        if not number.isdecimal() or _runs(int(number)):
            continue
        # Of a process on another machine, which writes to the same folder, it is locked.
        with contextlib.suppress(OSError), left.open("ab", buffering=0) as file:
            if lock(file):
                left.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        return True
    return True


class _Writer:
    """A container being written: pixels go to disk as they come."""

    def __init__(self, folder: Path, key: Key, first: Small) -> None:
        self.key = key
        self.sources: list[str] = []
        self._folder = folder
        self._row_header = without_checksums(first.row_header)
        self._widths: tuple[int, ...] = ()  # largest width of each text in the rows
        # Primary header, row and its layout, number of pixels.
        self._smalls: list[tuple[bytes, bytes, RowLayout, int]] = []
        self._temporary = folder / f".{key.name}.{os.getpid()}.tmp"
        _sweep(folder, key.name)
        self._file = self._temporary.open("w+b")
        lock(self._file)

    def add(self, path: str, small: Small, rows: RowLayout) -> None:
        """Append the pixels of a spectrum."""
        if not self._smalls:
            self._file.write(self._primary() + padded_header(small.header))
        self._file.write(small.pixels.tobytes())
        self._smalls.append((small.primary, small.row, rows, len(small.pixels)))
        self._widths = tuple(
            map(max, zip(self._widths or rows.widths, rows.widths, strict=True))
        )
        self.sources.append(path)

    def finish(self) -> Packed:
        """Append the other tables, verify the container, and give it its name."""
        file = self._file
        file.write(b"\0" * (-file.tell() % BLOCK))
        if self._row_header:
            rows = b"".join(layout.row(row, self._widths) for _, row, layout, _ in self._smalls)
            wide = row_layout(self._row_header).header(self._widths)
            header = _with_rows(wide, len(self._smalls))
            file.write(padded_header(header) + padded(rows))
        file.write(self._index())
        file.seek(len(self._primary()))  # only now the number of pixels is known
        file.write(self._pixel_cards())
        file.flush()
        os.fsync(file.fileno())
        file.close()
        after = self._temporary.stat().st_size
        check(self._temporary, self.sources)
        path = self._place()
        if path.exists():
            self._temporary.unlink()
        else:
            self._temporary.replace(path)
        before = sum(Path(source).stat().st_size for source in self.sources)
        return Packed(path, self.sources, before, after)

    def abandon(self) -> None:
        """Remove the temporary file."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _pixel_cards(self) -> bytes:
        """Return the cards of the pixels' table, NAXIS2 in the place of the standard."""
        pixels = sum(count for _, _, _, count in self._smalls)
        cards = self.key.header
        return cards[: 4 * CARD] + card("NAXIS2", pixels) + cards[4 * CARD :]

    def _place(self) -> Path:
        """Return the path of an existing container of the same content, or a free one."""
        number = 1
        while True:
            end = f"-{number}" if number > 1 else ""
            path = self._folder / f"{self.key.name}{end}.fits"
            if not path.exists() or filecmp.cmp(path, self._temporary, shallow=False):
                return path
            number += 1

    def _primary(self) -> bytes:
        cards = [
            card("SIMPLE", True),
            card("BITPIX", 8),
            card("NAXIS", 0),
            card("EXTEND", True),
            card("HUGPACK", SCHEMA),
            card("PLATE", self.key.plate),
            card("MJD", self.key.mjd),
            card("CREATOR", f"huggins {__version__}"),
        ]
        return padded_header(b"".join(cards))

    def _index(self) -> bytes:
        names = [_ascii(Path(source).name) for source in self.sources]
        primaries = [primary for primary, _, _, _ in self._smalls]
        widths = (max(map(len, names)), max(map(len, primaries)))
        dtype = np.dtype(
            [
                ("FILE", f"S{widths[0]}"),
                ("FIRST", ">i8"),
                ("PIXELS", ">i4"),
                ("PRIMARY", f"S{widths[1]}"),
            ]
        )
        table: Any = np.zeros(len(names), dtype)
        table["FILE"], table["PRIMARY"] = names, primaries
        table["PIXELS"] = [pixels for _, _, _, pixels in self._smalls]
        table["FIRST"] = np.cumsum(table["PIXELS"], dtype=np.int64) - table["PIXELS"]
        forms = (f"{widths[0]}A", "1K", "1J", f"{widths[1]}A")
        cards = [
            card("XTENSION", "BINTABLE"),
            card("BITPIX", 8),
            card("NAXIS", 2),
            card("NAXIS1", dtype.itemsize),
            card("NAXIS2", len(table)),
            card("PCOUNT", 0),
            card("GCOUNT", 1),
            card("TFIELDS", 4),
        ]
        for i, (name, form) in enumerate(zip(dtype.names or (), forms, strict=True), 1):
            cards += [card(f"TTYPE{i}", name), card(f"TFORM{i}", form)]
        cards.append(card("EXTNAME", "SPECTRA"))
        return padded_header(b"".join(cards)) + padded(table.tobytes())


def check(container: Path, sources: list[str]) -> None:
    """Compare a container with its source files.

    Raises
    ------
    OutputError
        If the pixels, the pipeline's rows, or the spectra that are read from them differ.
    """
    wrong = OutputError(
        f"{container}: what was written differs from the files: check the disk; they are left"
    )
    try:
        items = open_file(container)
        with Source(container) as opened:
            fits = Fits(opened)
            pixels, last = fits.hdu(1), fits.hdu(2)
            if pixels is None:
                raise wrong
            at = pixels.start
            widths = row_layout(last.header).widths if last is not None else ()
            for i, source in enumerate(sources):
                small = read_small(source, wdisp=WDISP in pixels)
                held = opened.read(at, small.pixels.size)
                at += small.pixels.size
                row = meant = b""
                if small.row_header and last is not None:
                    layout = row_layout(without_checksums(small.row_header))
                    meant = layout.row(small.row, widths)
                    row = opened.read(last.start + i * len(meant), len(meant))
                if held != small.pixels.tobytes() or row != meant:
                    raise wrong
                item = next(items, None)
                if item is None or plain(item) != plain(next(open_file(source))):
                    raise wrong
        if next(items, None) is not None:
            raise wrong
    except ReadError as error:
        raise OutputError(f"{container}: cannot be read back ({error.what})") from error


def _with_rows(cards: bytes, rows: int) -> bytes:
    """Return a table's cards with another number of rows; NAXIS2 is the fifth card."""
    assert keyword(cards, "NAXIS2") is not None
    naxis2 = b"NAXIS2  = %20d" % rows + cards[4 * CARD + 30 : 5 * CARD]
    return cards[: 4 * CARD] + naxis2 + cards[5 * CARD :]


def _ascii(name: str) -> bytes:
    return name.encode("ascii", "backslashreplace")
