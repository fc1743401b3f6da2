"""The work of each worker: a part of the data set from a chunk of the inputs."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.dataset.labels import Label, from_pipeline, labels_in
from huggins.dataset.parts import About, part_path, writing
from huggins.dataset.schema import COLUMNS, LATE
from huggins.errors import ReadError
from huggins.formats import open_file
from huggins.prepare import SEED, STANDARD
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from huggins.spectrum import Spectrum

_log = logging.getLogger(__name__)

# Spectra that are rebinned at a time, and rows of a block of a part.
_BATCH: Final = 128
_BLOCK: Final = 1024
# A chunk ends with the file that brings it here.
_FILES: Final = 512
_BYTES: Final = 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Options:
    """Options that the content of the file depends on.

    Attributes
    ----------
    layout
        ``huggins`` or ``seed``.
    labels
        Folder of the labels of a table (`huggins.dataset.labels`); empty: the pipeline's.
    min_trust
        Least trust of a label.
    air
        Whether text files give air wavelengths.
    """

    layout: str = "huggins"
    labels: str = ""
    min_trust: int = 0
    air: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive inputs.

    Attributes
    ----------
    number
        Its position.
    paths
        The inputs.
    digest
        Of their names and sizes.
    root
        Folder that the paths are relative to, for workers on other machines.
    """

    number: int
    paths: tuple[str, ...]
    digest: str
    root: str = ""


def chunks(paths: Iterable[str]) -> Iterator[Chunk]:
    """Divide inputs into chunks, which depend on the inputs only."""
    root = str(Path.cwd())
    some: list[str] = []
    size = number = 0
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            length = os.stat(path).st_size  # noqa: PTH116 (five million times)
        except (OSError, ValueError):
            length = 0
        some.append(path)
        size += length
        digest.update(f"{path}\0{length}\0".encode("utf-8", "surrogateescape"))
        if len(some) >= _FILES or size >= _BYTES:
            yield Chunk(number, tuple(some), digest.hexdigest(), root)
            some, size, number = [], 0, number + 1
            digest = hashlib.blake2b(digest_size=16)
    if some:
        yield Chunk(number, tuple(some), digest.hexdigest(), root)


def build_chunk(chunk: Chunk, folder: str, options: Options) -> About:
    """Make the part of a chunk.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    about = About(chunk.digest, len(chunk.paths))
    with writing(part_path(Path(folder), chunk.number), about) as add:
        waiting: list[dict[str, NDArray[Any]]] = []
        count = 0
        for spectra, labels in _batches(_labelled(chunk, options, about.skipped)):
            rows = _rows(spectra, labels, options, about.skipped)
            waiting.append(rows)
            count += len(rows["key"])
            if count >= _BLOCK:
                add(_joined(waiting))
                waiting, count = [], 0
        if count:
            add(_joined(waiting))
    return about


def _labelled(
    chunk: Chunk, options: Options, skipped: list[tuple[str, int, str]]
) -> Iterator[tuple[Spectrum, Label]]:
    """Yield the spectra that are taken, with their labels."""
    table = labels_in(options.labels) if options.labels else None
    for path in chunk.paths:
        for item in _opened(os.path.join(chunk.root, path), air=options.air):  # noqa: PTH118
            if isinstance(item, ReadError):
                skipped.append((path, item.index, " ".join(item.what.split())))
                continue
            label = from_pipeline(item) if table is None else table.of(item)
            item.file = path  # as the user gave it
            if isinstance(label, str):
                why = label
            elif label.trust < options.min_trust:
                why = f"trust {label.trust} in its label is below {options.min_trust}"
            elif options.layout == "seed" and label.index < 0:
                why = "its class is none of the 13, or not known"
            else:
                yield item, label
                continue
            skipped.append((path, item.index, why))


def _opened(path: str, *, air: bool) -> Iterator[Spectrum | ReadError]:
    try:
        yield from open_file(path, air=air)
    except Exception as error:
        # A mistake of ours in a reader. One odd file must not end a run of five million.
        _log.debug("%s: unexpected error", path, exc_info=True)
        yield ReadError(f"{error!r}, a mistake in huggins: report it", path)


def _batches(
    items: Iterator[tuple[Spectrum, Label]],
) -> Iterator[tuple[list[Spectrum], list[Label]]]:
    spectra: list[Spectrum] = []
    labels: list[Label] = []
    for spectrum, label in items:
        spectra.append(spectrum)
        labels.append(label)
        if len(spectra) == _BATCH:
            yield spectra, labels
            spectra, labels = [], []
    if spectra:
        yield spectra, labels


def _rows(
    spectra: list[Spectrum],
    labels: list[Label],
    options: Options,
    skipped: list[tuple[str, int, str]],
) -> dict[str, NDArray[Any]]:
    """Return a batch as columns, without the spectra that have nothing on the grid."""
    contract = SEED if options.layout == "seed" else STANDARD
    with np.errstate(over="ignore", invalid="ignore"):
        flux, ivar = contract.rebin(spectra)
        if options.layout == "seed":
            pixels = {"fluxes": contract.tensor(flux, ivar)[:, 0]}
        else:
            pixels = {"flux": flux.astype(np.float32), "ivar": ivar.astype(np.float32)}
    covered = np.asarray((ivar > 0).any(axis=1))
    good = covered.copy()
    for values in pixels.values():
        good &= np.isfinite(values).all(axis=1)
    for i in np.flatnonzero(~good).tolist():
        why = (
            "no good pixel on the grid"
            if not covered[i]
            else "flux or its inverse variance overflow single precision: give them in "
            "1e-17 erg/s/cm2/A"
        )
        skipped.append((spectra[i].file, spectra[i].index, why))
    taken = np.flatnonzero(good)
    columns: dict[str, NDArray[Any]] = {k: v[taken] for k, v in pixels.items()}
    rows = [_row(spectra[i], labels[i]) for i in taken.tolist()]
    for column in COLUMNS:
        if column.name in LATE:
            continue
        cells = [row[column.name] for row in rows]
        columns[column.name] = (
            np.array([_utf8(cell) for cell in cells], np.bytes_)
            if column.text
            else np.array(cells, column.dtype)
        )
    columns["key"] = np.array(
        [_key(spectra[i], flux[i]) for i in taken.tolist()], dtype=np.uint64
    )
    return columns


def _row(spectrum: Spectrum, label: Label) -> dict[str, Any]:
    pipeline = spectrum.pipeline
    return {
        "survey": spectrum.survey,
        "plate": _small(spectrum.plate),
        "mjd": _small(spectrum.mjd),
        "fiberid": _small(spectrum.fiberid),
        "targetid": spectrum.targetid or "",
        "specobjid": spectrum.specobjid or "",
        "ra": _real(spectrum.ra),
        "dec": _real(spectrum.dec),
        "file": spectrum.file,
        "index": spectrum.index,
        "object": label.object,
        "sn": spectrum.median_sn(),
        "zwarning": spectrum.zwarning,
        "pipe_class": pipeline.cls,
        "pipe_subclass": pipeline.subclass,
        "pipe_z": _real(pipeline.z),
        "pipe_zwarning": _small(pipeline.zwarning),
        "class_index": label.index,
        "class": label.cls,
        "z": label.z,
        "trust": label.trust,
    }


def _key(spectrum: Spectrum, flux: NDArray[np.float64]) -> int:
    """Return a number that two copies of one spectrum share, whatever file they are from.

    SDSS spectra are told by plate, night and fibre; others by their very pixels.
    """
    plate, mjd, fibre = spectrum.plate, spectrum.mjd, spectrum.fiberid
    if plate and mjd and fibre and spectrum.survey in ("SDSS", "BOSS", "EBOSS"):
        name = f"{plate}-{mjd}-{fibre}".encode()
    else:
        name = flux.astype(np.float32).tobytes()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")


def _joined(blocks: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _small(value: int | None) -> int:
    return value if value is not None and 0 <= value < 1 << 31 else -1


def _real(value: float | None) -> float:
    return float("nan") if value is None else value


#: Names of the classes, as an attribute of the file.
CLASS_NAMES: Final = " ".join(CLASSES)
