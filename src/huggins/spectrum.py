"""Spectrum: what every reader returns and every stage takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.errors import MissingExtraError, SpectrumError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Attributes of a spectrum that identify it, with their types.
IDENTITY: Final = {
    "file": str,
    "survey": str,
    "plate": int,
    "mjd": int,
    "fiberid": int,
    "targetid": str,
    "specobjid": str,
    "ra": float,
    "dec": float,
}


@dataclass(slots=True, eq=False)
class Pipeline:
    """Class and redshift of the survey's own pipeline, where the file has them."""

    cls: str = ""
    subclass: str = ""
    z: float | None = None
    zwarning: int | None = None


@dataclass(slots=True, eq=False)
class Spectrum:
    """One spectrum, and its identity as its file gives it.

    Attributes
    ----------
    loglam : ndarray of float64, shape (L,)
        log10 of the vacuum wavelength in Angstrom, strictly increasing; heliocentric, or in the
        frame that the survey uses.
    flux : ndarray of float32 or float64, shape (L,)
        Flux density per unit wavelength; 1e-17 erg/s/cm2/A in the surveys, any unit elsewhere.
        Not cleaned: any value where `ivar` is 0.
    ivar : ndarray of float32 or float64, shape (L,)
        Inverse variance of `flux`; 0 in bad pixels.
    and_mask : ndarray of uint32, shape (L,), or None
        Mask bits set in every exposure, where the format has them.
    file, index : str, int
        The path as the user gave it, and the row or fibre in the file.
    format : str
        Name of the file's format.
    survey : str
        ``SDSS``, ``BOSS``, ``EBOSS``, ``SDSS-V``, ``DESI``, ``LAMOST`` or empty.
    plate, mjd, fiberid : int or None
    targetid, specobjid : str or None
        Strings, because SDSS-V identifiers do not fit 64 bits.
    ra, dec : float or None
        Degrees, ICRS.
    air : bool
        Whether the file gave air wavelengths, which have been converted.
    zwarning : int
        Bits of `huggins.quality.ZWarning` that the file sets.
    pipeline : Pipeline
        The survey's own class and redshift.
    notes : tuple of str
        What had to be decided to read it, where the file left it open.
    """

    loglam: NDArray[np.float64]
    flux: NDArray[np.floating]
    ivar: NDArray[np.floating]
    and_mask: NDArray[np.uint32] | None = None
    file: str = ""
    index: int = 0
    format: str = ""
    survey: str = ""
    plate: int | None = None
    mjd: int | None = None
    fiberid: int | None = None
    targetid: str | None = None
    specobjid: str | None = None
    ra: float | None = None
    dec: float | None = None
    air: bool = False
    zwarning: int = 0
    pipeline: Pipeline = field(default_factory=Pipeline)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.flux)

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Vacuum wavelength in Angstrom, shape (L,)."""
        wavelength: NDArray[np.float64] = 10.0**self.loglam
        return wavelength

    @property
    def good(self) -> NDArray[np.bool_]:
        """Good pixels, shape (L,): ivar above 0, flux and ivar finite."""
        good: NDArray[np.bool_] = self.ivar > 0  # False for NaN, without a warning
        good &= self.ivar < np.inf
        good &= np.isfinite(self.flux)
        return good

    def median_sn(self) -> float:
        """Return the median of flux times sqrt(ivar) over good pixels; NaN without any."""
        good = self.good
        with np.errstate(invalid="ignore"):
            sn = self.flux * np.sqrt(self.ivar)
        if not good.all():
            sn = sn[good]
        if len(sn) == 0:
            return float("nan")
        middle = len(sn) // 2
        # One partition in place; np.median makes copies and checks that cost as much again.
        sn.partition(middle)
        upper = float(sn[middle])
        return upper if len(sn) % 2 else 0.5 * (float(sn[:middle].max()) + upper)

    @classmethod
    def from_arrays(
        cls,
        wavelength: ArrayLike,
        flux: ArrayLike,
        ivar: ArrayLike,
        *,
        air: bool = False,
        **identity: Any,
    ) -> Spectrum:
        """Create a spectrum from arrays.

        Parameters
        ----------
        wavelength : array_like, shape (L,)
            Angstrom, strictly increasing or strictly decreasing.
        flux, ivar : array_like, shape (L,)
            Flux density per unit wavelength and its inverse variance.
        air
            Whether `wavelength` is in air, to be converted to vacuum.
        **identity
            Any other attribute of `Spectrum`.

        Raises
        ------
        SpectrumError
            If the arrays differ in length, are empty, or the wavelengths are not positive,
            not finite, unsorted or repeated.
        """
        wave = np.asarray(wavelength, dtype=np.float64)
        usable = bool((np.isfinite(wave) & (wave > 0)).all())
        spectrum = cls(
            np.log10(air_to_vacuum(wave) if air else wave) if usable else wave,
            # Double precision: the ivar of fluxes in erg/s/cm2/A overflows single precision.
            np.asarray(flux, dtype=np.float64),
            np.asarray(ivar, dtype=np.float64),
            air=air,
            **identity,
        )
        if not usable:
            raise spectrum._error("wavelengths must be finite and positive (Angstrom)")
        spectrum.make_ascending()
        spectrum.check()
        return spectrum

    def make_ascending(self) -> None:
        """Reverse the arrays where the wavelengths descend, as some instruments write them."""
        if self.loglam.ndim == 1 and len(self.loglam) > 1 and self.loglam[0] > self.loglam[-1]:
            self.loglam = self.loglam[::-1]
            self.flux, self.ivar = self.flux[::-1], self.ivar[::-1]
            if self.and_mask is not None:
                self.and_mask = self.and_mask[::-1]

    def check(self) -> None:
        """Raise `SpectrumError` if this spectrum cannot be used, and say why."""
        if self.flux.size == 0:
            raise self._error("the spectrum has no pixels")
        loglam, flux, ivar = self.loglam, self.flux, self.ivar
        mask = flux if self.and_mask is None else self.and_mask
        if not (flux.ndim == 1 and flux.shape == ivar.shape == loglam.shape == mask.shape):
            raise self._error(
                "wavelength, flux, ivar and mask must be one-dimensional and of one length, "
                f"not {loglam.shape}, {flux.shape}, {ivar.shape} and {mask.shape}",
            )
        if not (loglam[1:] > loglam[:-1]).all():
            kind = "repeated" if (np.diff(np.sort(loglam)) == 0).any() else "unsorted"
            raise self._error(
                f"wavelengths are {kind}: sort the rows and merge repeated ones",
            )
        # 1 A to 1 m: anything else is damage, and would overflow later.
        if not (loglam[0] >= 0.0 and loglam[-1] <= 10.0):
            raise self._error(
                "wavelengths are not those of a spectrum: they must be in Angstrom",
            )
        with np.errstate(invalid="ignore"):
            usable = (flux > 0) & (ivar > 0) & (flux < np.inf) & (ivar < np.inf)
        if usable.any():
            return
        if not self.good.any():
            raise self._error(
                "no good pixel: the inverse variance is zero or the values are not finite "
                "everywhere",
            )
        raise self._error(
            "the flux is nowhere positive: sky subtraction or calibration failed",
        )

    def _error(self, what: str) -> SpectrumError:
        return SpectrumError(what, self.file, self.index)

    def to_specutils(self) -> Any:
        """Convert to a `specutils.Spectrum` (vacuum Angstrom, 1e-17 erg/s/cm2/A).

        Raises
        ------
        MissingExtraError
            If specutils is not installed.
        """
        try:
            import specutils
        except ImportError as error:
            raise MissingExtraError("specutils", "dev") from error
        from astropy import units as u
        from astropy.nddata import InverseVariance

        make = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D
        return make(
            spectral_axis=self.wavelength * u.AA,
            flux=self.flux * u.Unit("1e-17 erg / (s cm2 AA)"),
            uncertainty=InverseVariance(self.ivar),
            mask=~self.good,
            meta={name: getattr(self, name) for name in IDENTITY},
        )


def air_to_vacuum(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert air wavelengths to vacuum.

    Ciddor (1996, Applied Optics 35, 1566) as inverted by N. Piskunov for VALD (see
    https://www.astro.uu.se/valdwiki/Air-to-vacuum%20conversion), good to 1e-4 A in the optical.

    Parameters
    ----------
    wavelength : ndarray
        Air wavelengths in Angstrom; those below 2000 A, where the formula does not hold, are
        returned unchanged.
    """
    s2 = (1e4 / np.maximum(wavelength, 2000.0)) ** 2
    index = (
        1.00008336624212083
        + 0.02408926869968 / (130.1065924522 - s2)
        + 0.0001599740894897 / (38.92568793293 - s2)
    )
    return np.where(wavelength >= 2000.0, wavelength * index, wavelength)
