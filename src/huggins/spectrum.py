"""Spectrum: what every reader returns and every later stage takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.errors import MissingExtraError, SpectrumError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(slots=True, eq=False)
class Pipeline:
    """What the survey's own software said of a spectrum, where the file carries it."""

    cls: str = ""
    subclass: str = ""
    z: float | None = None
    zwarning: int | None = None


@dataclass(slots=True, eq=False)
class Spectrum:
    """One spectrum and what its file tells of it.

    Attributes
    ----------
    loglam : ndarray of float64, shape (L,)
        log10 of the vacuum wavelength in Angstrom, strictly increasing, heliocentric or as the
        survey gives it.
    flux : ndarray of float32 or float64, shape (L,)
        Flux density per unit wavelength; 1e-17 erg/s/cm2/A for the surveys, any unit else.
        Not cleaned: where `ivar` is 0 it may hold anything.
    ivar : ndarray of float32 or float64, shape (L,)
        Inverse variance of `flux`; 0 where the pixel is bad.
    and_mask : ndarray of uint32, shape (L,), or None
        Mask bits set in every exposure, where the format has them.
    file, index : str, int
        Where it was read: the path as the user gave it; the row or fibre inside the file.
    format : str
        Name of the reader that took the file.
    survey : str
        ``SDSS``, ``BOSS``, ``EBOSS``, ``SDSS-V``, ``DESI``, ``LAMOST`` or empty.
    plate, mjd, fiberid : int or None
    targetid, specobjid : str or None
        Strings, because SDSS-V identifiers do not fit 64 bits.
    ra, dec : float or None
        Degrees, ICRS.
    air : bool
        Whether the file gave air wavelengths (they have been converted).
    zwarning : int
        Bits of `huggins.quality.ZWarning` that the file itself already calls for.
    pipeline : Pipeline
        The survey's own class and redshift.
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

    def __len__(self) -> int:
        return len(self.flux)

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Vacuum wavelength in Angstrom, shape (L,)."""
        wavelength: NDArray[np.float64] = 10.0**self.loglam
        return wavelength

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels that carry information, shape (L,): ivar above 0, everything finite."""
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
        """Make a spectrum from plain arrays.

        Parameters
        ----------
        wavelength : array_like, shape (L,)
            Angstrom, strictly increasing or strictly decreasing.
        flux, ivar : array_like, shape (L,)
            Flux density per unit wavelength and its inverse variance.
        air
            Whether `wavelength` is in air; it is then converted to vacuum.
        **identity
            Any other attribute of `Spectrum`.

        Raises
        ------
        SpectrumError
            If the arrays differ in length, are empty, or the wavelengths are not positive,
            not finite, unsorted or repeated.
        """
        path, index = str(identity.get("file", "")), int(identity.get("index", 0))
        wave = np.asarray(wavelength, dtype=np.float64)
        # Double precision, because the ivar of fluxes in erg/s/cm2/A overflows single.
        values = np.asarray(flux, dtype=np.float64)
        weights = np.asarray(ivar, dtype=np.float64)
        if wave.ndim != 1 or wave.shape != values.shape or wave.shape != weights.shape:
            raise SpectrumError(
                "wavelength, flux and ivar must be one-dimensional and of one length, "
                f"not {wave.shape}, {values.shape} and {weights.shape}",
                path,
                index,
            )
        if not (np.isfinite(wave).all() and (wave > 0).all()):
            raise SpectrumError(
                "wavelengths must be finite and positive (Angstrom)", path, index
            )
        if len(wave) > 1 and wave[0] > wave[-1]:
            wave, values, weights = wave[::-1], values[::-1], weights[::-1]
        if air:
            wave = air_to_vacuum(wave)
        spectrum = cls(np.log10(wave), values, weights, air=air, **identity)
        spectrum.check()
        return spectrum

    def check(self) -> None:
        """Raise `SpectrumError` where nothing can be said of this spectrum, and why."""
        if len(self.flux) == 0:
            raise SpectrumError("the spectrum has no pixels", self.file, self.index)
        loglam, flux, ivar = self.loglam, self.flux, self.ivar
        mask = flux if self.and_mask is None else self.and_mask
        if not (flux.ndim == 1 and flux.shape == ivar.shape == loglam.shape == mask.shape):
            raise SpectrumError(
                "wavelength, flux, ivar and mask must be one-dimensional and of one length, "
                f"not {loglam.shape}, {flux.shape}, {ivar.shape} and {mask.shape}",
                self.file,
                self.index,
            )
        if not (loglam[1:] > loglam[:-1]).all():
            kind = "repeated" if (np.diff(np.sort(loglam)) == 0).any() else "unsorted"
            raise SpectrumError(
                f"wavelengths are {kind}: sort the rows and merge repeated ones",
                self.file,
                self.index,
            )
        # 1 A to 1 m: what lies outside is damage, and would overflow further on.
        if not (loglam[0] >= 0.0 and loglam[-1] <= 10.0):
            raise SpectrumError(
                "wavelengths are not those of a spectrum: they must be in Angstrom",
                self.file,
                self.index,
            )
        with np.errstate(invalid="ignore"):
            usable = (flux > 0) & (ivar > 0) & (flux < np.inf) & (ivar < np.inf)
        if usable.any():
            return
        if not self.good.any():
            raise SpectrumError(
                "no good pixel: the inverse variance is zero or the values are not finite "
                "everywhere",
                self.file,
                self.index,
            )
        raise SpectrumError(
            "the flux is nowhere positive: sky subtraction or calibration failed",
            self.file,
            self.index,
        )

    def to_specutils(self) -> Any:
        """Return this as a `specutils.Spectrum` (vacuum Angstrom, 1e-17 erg/s/cm2/A).

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
            meta={
                name: getattr(self, name)
                for name in (
                    "file",
                    "survey",
                    "plate",
                    "mjd",
                    "fiberid",
                    "targetid",
                    "specobjid",
                    "ra",
                    "dec",
                )
            },
        )


def air_to_vacuum(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert air wavelengths to vacuum.

    Ciddor (1996, Applied Optics 35, 1566) as inverted by N. Piskunov for VALD (see
    https://www.astro.uu.se/valdwiki/Air-to-vacuum%20conversion), good to 1e-4 A in the optical.

    Parameters
    ----------
    wavelength : ndarray
        Air wavelengths in Angstrom; below 2000 A, where the refractive index is not defined so,
        they are returned unchanged.
    """
    s2 = (1e4 / np.maximum(wavelength, 2000.0)) ** 2
    index = (
        1.00008336624212083
        + 0.02408926869968 / (130.1065924522 - s2)
        + 0.0001599740894897 / (38.92568793293 - s2)
    )
    return np.where(wavelength >= 2000.0, wavelength * index, wavelength)
