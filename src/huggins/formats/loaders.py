"""Readers for specutils: `huggins.formats.memory` has the way from its objects to ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from huggins import formats
from huggins.errors import InputError, MissingExtraError, ReadError
from huggins.fits import Fits, Source
from huggins.formats import hdf5, pack
from huggins.formats.memory import from_object

if TYPE_CHECKING:
    from huggins.spectrum import Spectrum

#: Name of the format in specutils.
LABEL: Final = "huggins"
# Among the loaders that take a file, the one of the highest priority is asked.
_PRIORITY: Final = 10


def register_specutils() -> None:
    """Make specutils read the files of huggins, and with ``format="huggins"`` all it knows.

    Afterwards, ``SpectrumList.read(path)`` recognises containers (``huggins shrink --pack``)
    and the HDF5 files of ``huggins build`` and ``simulate``. ``SpectrumList.read(path,
    format="huggins")`` reads any file that `huggins.read` does, and takes its options;
    ``Spectrum.read`` reads one spectrum: that of a file, or the one that ``index`` or
    ``targetid`` names.

    specutils knows no entry points; with this call in a file ``~/.specutils/readers.py`` it is
    done whenever specutils is imported.

    Raises
    ------
    MissingExtraError
        If specutils is not installed.

    Examples
    --------
    >>> huggins.formats.register_specutils()  # doctest: +SKIP
    >>> specutils.SpectrumList.read("pack-7102-56666.fits")  # doctest: +SKIP
    """
    try:
        import specutils
        from specutils.io.registers import data_loader
    except ImportError as error:
        raise MissingExtraError("specutils", "dev") from error
    single = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D

    def read_list(source: Any, **options: Any) -> Any:
        return specutils.SpectrumList([s.to_specutils() for s in _read(source, options)])

    def read_one(source: Any, **options: Any) -> Any:
        spectra = _read(source, options)
        if len(spectra) != 1:
            raise InputError(
                f"{len(spectra)} spectra in this file: read them with SpectrumList.read, or "
                "one with index= or targetid="
            )
        return spectra[0].to_specutils()

    for kind, loader in ((specutils.SpectrumList, read_list), (single, read_one)):
        data_loader(
            LABEL,
            identifier=_is_ours,
            dtype=kind,
            extensions=["fits", "fits.gz", "h5", "hdf5"],
            priority=_PRIORITY,
            force=True,
            autogenerate_spectrumlist=False,
        )(loader)


def _read(source: Any, options: dict[str, Any]) -> list[Spectrum]:
    """Read a path, or an open file, as astropy hands on what it has recognised."""
    name = getattr(source, "name", source)
    if isinstance(name, str | os.PathLike) and os.path.exists(name):  # noqa: PTH110
        return formats.read(name, **options)
    if isinstance(source, str | os.PathLike):  # perhaps FILE[TARGETID]
        return formats.read(source, **options)
    if options:
        raise InputError(f"{', '.join(options)}: only for files that are named by their path")
    spectra = []
    for item in from_object(source, read=formats.open_bytes):
        if isinstance(item, ReadError):
            raise item
        spectra.append(item)
    return spectra


def _is_ours(origin: str, path: Any, *arguments: Any, **options: Any) -> bool:
    """Whether this is a container or an HDF5 file that huggins wrote."""
    if not isinstance(path, str | os.PathLike):
        return False
    with Source(path) as source:
        if source.fits:
            return pack.identify(Fits(source))
        return hdf5.identify(source) and hdf5.is_ours(source)
