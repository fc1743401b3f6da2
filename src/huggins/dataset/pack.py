"""Many spec files in one container a plate; `huggins.formats.pack` describes and reads it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins import __version__
from huggins.dataset.rows import Rows, rows_of, with_widths
from huggins.dataset.shrink import (
    Small,
    padded,
    padded_header,
    plain,
    read_small,
    without_checksums,
)
from huggins.errors import OutputError, ReadError
from huggins.fits.cards import BLOCK, CARD, keyword
from huggins.formats import open_file
from huggins.formats.pack import SCHEMA

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


def key_of(path: str, small: Small) -> tuple[Key, Rows]:
    """Return the container that a spectrum belongs to, and the layout of its row."""
    item = next(open_file(path))
    spectrum = item.spectrum if isinstance(item, ReadError) else item
    plate = spectrum.plate if spectrum is not None else None
    mjd = spectrum.mjd if spectrum is not None else None
    # NAXIS2, the number of pixels, is the spectrum's own.
    header = b"".join(
        small.header[at : at + CARD]
        for at in range(0, len(small.header), CARD)
        if not small.header.startswith(b"NAXIS2  =", at)
    )
    rows = rows_of(without_checksums(small.row_header))
    return Key(plate or 0, mjd or 0, header, rows.alike), rows


@dataclass(slots=True)
class Packed:
    """A container that has been written or was there, and the files in it."""

    path: Path
    sources: list[str]
    before: int
    after: int


def pack(
    paths: Iterable[str], folder: Path, *, wdisp: bool = False
) -> Iterator[Packed | ReadError]:
    """Write files of spectra into containers.

    A container holds files that follow one another and are of one plate and night; a plate
    that comes back later gets another one. Each is read back from disk and compared with the
    files before it gets its name, which is never that of a container with other content.

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
        A container, or a file that is none of a spectrum and is left out.

    Raises
    ------
    OutputError
        If a container cannot be written, or is no true copy. The files are left as they were.
    """
    current: _Writer | None = None
    try:
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
                current = _Writer(folder, key, small, wdisp=wdisp)
            current.add(path, small, rows)
        if current is not None:
            yield current.finish()
            current = None
    finally:
        if current is not None:
            current.abandon()


class _Writer:
    """A container that is being written: pixels go to disk as they come."""

    def __init__(self, folder: Path, key: Key, first: Small, *, wdisp: bool) -> None:
        self.key = key
        self.sources: list[str] = []
        self._folder = folder
        self._wdisp = wdisp
        self._row_header = without_checksums(first.row_header)
        self._widths: tuple[int, ...] = ()  # of the texts in the rows: the widest of each
        # Primary header, row and its layout, pixels.
        self._smalls: list[tuple[bytes, bytes, Rows, int]] = []
        self._pixels = 0
        self._temporary = folder / f".{key.name}.{os.getpid()}.tmp"
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("w+b")
            self._file.write(self._primary())
            self._at = self._file.tell()
            self._file.write(padded_header(first.header))

    def add(self, path: str, small: Small, rows: Rows) -> None:
        """Write a spectrum's pixels behind those before."""
        with self._writing():
            self._file.write(small.pixels.tobytes())
        self._pixels += len(small.pixels)
        self._smalls.append((small.primary, small.row, rows, len(small.pixels)))
        held = self._widths or rows.widths
        self._widths = tuple(map(max, zip(held, rows.widths, strict=True)))
        self.sources.append(path)

    def finish(self) -> Packed:
        """Write the tables behind the pixels, compare, and give the container its name."""
        with self._writing():
            self._file.write(b"\0" * (-self._file.tell() % BLOCK))
            if self._row_header:
                rows = b"".join(
                    layout.widened(row, self._widths) for _, row, layout, _ in self._smalls
                )
                wide = with_widths(self._row_header, self._widths)
                header = _with_rows(wide, len(self._smalls))
                self._file.write(padded_header(header) + padded(rows))
            self._file.write(self._index())
            self._file.seek(self._at)  # only now is it known how many pixels there are
            self._file.write(_with_rows(self._own_header(), self._pixels))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            after = self._temporary.stat().st_size
            check(self._temporary, self.sources, wdisp=self._wdisp)
            path = self._place()
            if path.exists():
                self._temporary.unlink()
            else:
                self._temporary.replace(path)
        before = sum(Path(source).stat().st_size for source in self.sources)
        return Packed(path, self.sources, before, after)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _own_header(self) -> bytes:
        """Cards of the layout, with NAXIS2 put back where the standard wants it."""
        cards = self.key.header
        return cards[: 4 * CARD] + _card("NAXIS2", "0") + cards[4 * CARD :]

    def _place(self) -> Path:
        """Return the name of a container of this content, there already or free."""
        number = 1
        while True:
            end = f"-{number}" if number > 1 else ""
            path = self._folder / f"{self.key.name}{end}.fits"
            if not path.exists() or _same(path, self._temporary):
                return path
            number += 1

    def _primary(self) -> bytes:
        cards = [
            _card("SIMPLE", "T"),
            _card("BITPIX", "8"),
            _card("NAXIS", "0"),
            _card("EXTEND", "T"),
            _card("HUGPACK", str(SCHEMA)),
            _card("PLATE", str(self.key.plate)),
            _card("MJD", str(self.key.mjd)),
            f"CREATOR = 'huggins {__version__}'".ljust(CARD).encode("ascii"),
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
            "XTENSION= 'BINTABLE'".ljust(CARD).encode("ascii"),
            *(
                _card(key, str(value))
                for key, value in (
                    ("BITPIX", 8),
                    ("NAXIS", 2),
                    ("NAXIS1", dtype.itemsize),
                    ("NAXIS2", len(table)),
                    ("PCOUNT", 0),
                    ("GCOUNT", 1),
                    ("TFIELDS", 4),
                )
            ),
            *(
                f"{key:8}= '{value:8}'".ljust(CARD).encode("ascii")
                for i, (name, form) in enumerate(zip(dtype.names or (), forms, strict=True), 1)
                for key, value in ((f"TTYPE{i}", name), (f"TFORM{i}", form))
            ),
            "EXTNAME = 'SPECTRA '".ljust(CARD).encode("ascii"),
        ]
        return padded_header(b"".join(cards)) + padded(table.tobytes())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._clear()
            raise OutputError(
                f"{self._folder}: {self.key.name} cannot be written: "
                f"{error.strerror or error}; the files are left"
            ) from error
        except OutputError:
            self._clear()
            raise

    def _clear(self) -> None:
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)


def check(container: Path, sources: list[str], *, wdisp: bool = False) -> None:
    """Compare a container with the files that it was made of.

    Raises
    ------
    OutputError
        If any pixel, row of the pipeline, or what the readers make of them differs.
    """
    from huggins.fits import Fits
    from huggins.fits.source import Source

    wrong = OutputError(
        f"{container}: what was written is not what was meant: check the disk; the files are "
        "left"
    )
    try:
        items = open_file(container)
        with Source(container) as opened:
            fits = Fits(opened)
            pixels, last = fits.hdu(1), fits.hdu(2)
            if pixels is None:
                raise wrong
            at = pixels.start
            widths = rows_of(last.header).widths if last is not None else ()
            for i, source in enumerate(sources):
                small = read_small(source, wdisp=wdisp)
                held = opened.read(at, small.pixels.size)
                at += small.pixels.size
                row = b""
                meant = b""
                if small.row_header and last is not None:
                    meant = rows_of(without_checksums(small.row_header)).widened(
                        small.row, widths
                    )
                    row = opened.read(last.start + i * len(meant), len(meant))
                if held != small.pixels.tobytes() or row != meant:
                    raise wrong
                item = next(items, None)
                if item is None or _read(item) != _read(next(open_file(source))):
                    raise wrong
        if next(items, None) is not None:
            raise wrong
    except ReadError as error:
        raise OutputError(f"{container}: cannot be read back ({error.what})") from error


def _read(item: Any) -> Any:
    return item.what if isinstance(item, ReadError) else plain(item)


def _same(one: Path, two: Path) -> bool:
    """Whether two files hold the same bytes."""
    if one.stat().st_size != two.stat().st_size:
        return False
    with one.open("rb") as first, two.open("rb") as second:
        while True:
            chunk = first.read(1 << 20)
            if chunk != second.read(1 << 20):
                return False
            if not chunk:
                return True


def _with_rows(cards: bytes, rows: int) -> bytes:
    """Return a table's cards with another number of rows; NAXIS2 is the fifth card."""
    assert keyword(cards, "NAXIS2") is not None
    card = b"NAXIS2  = %20d" % rows + cards[4 * CARD + 30 : 5 * CARD]
    return cards[: 4 * CARD] + card + cards[5 * CARD :]


def _card(key: str, value: str) -> bytes:
    return f"{key:8}= {value:>20}".ljust(CARD).encode("ascii")


def _ascii(name: str) -> bytes:
    return name.encode("ascii", "backslashreplace")
