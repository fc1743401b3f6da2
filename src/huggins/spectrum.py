"""Spectrum: what every reader returns and every stage takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.arrays import checked_arrays, doubt_of
from huggins.errors import MissingExtraError, SpectrumError
from huggins.noise import measured_error
from huggins.quality import ZWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)


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


@dataclass(slots=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        if not len(self):
            return "<Spectrum of no pixels>"
        ends = 10.0 ** np.asarray(self.loglam)[[0, -1]]
        name = self.file + (f"[{self.index}]" if self.index else "") or "in memory"
        survey = f"{self.survey}, " if self.survey else ""
        return (
            f"<Spectrum {name}: {survey}{len(self)} pixels, {min(ends):.0f} to "
            f"{max(ends):.0f} A, S/N {self.median_sn():.1f}>"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what it is, and a sketch of its flux."""
        from html import escape

        heading = f"<code>{escape(repr(self)[1:-1])}</code>"
        good = np.flatnonzero(self.good)
        if len(good) < 2:
            return heading
        # Each point of the sketch is the median of a part of the good pixels.
        parts = np.array_split(good, min(300, len(good)))
        x = np.array([float(self.loglam[part].mean()) for part in parts])
        y = np.array([float(np.median(self.flux[part])) for part in parts])
        low, high = min(0.0, float(y.min())), float(y.max())
        x = (x - x[0]) / ((x[-1] - x[0]) or 1.0) * 600.0
        y = 118.0 - (y - low) / ((high - low) or 1.0) * 114.0
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        return (
            f"{heading}<br><svg viewBox='0 0 600 120' width='600' height='120' role='img' "
            f"aria-label='flux against log wavelength'><polyline points='{points}' fill='none' "
            "stroke='currentColor'/></svg>"
        )

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
        with np.errstate(invalid="ignore", over="ignore"):
            sn = self.flux * np.sqrt(self.ivar)
        bad = np.flatnonzero(~good)
        count = len(sn) - len(bad)
        if count == 0:
            return float("nan")
        # One partition in place, with the bad pixels first; np.median makes copies and checks
        # that cost as much again.
        sn[bad] = -np.inf
        middle = len(bad) + count // 2
        sn.partition(middle)
        upper = float(sn[middle])
        return upper if count % 2 else 0.5 * (float(sn[:middle].max()) + upper)

    @classmethod
    def from_arrays(
        cls,
        wavelength: Any,
        flux: Any,
        ivar: Any = None,
        *,
        error: Any = None,
        variance: Any = None,
        air: bool = False,
        mask: Any = None,
        **identity: Any,
    ) -> Spectrum:
        """Create a spectrum from arrays.

        Each may be a sequence, a numpy array, a masked array (masked pixels are bad), an
        astropy ``Quantity`` or ``Column`` (units are converted), a torch tensor or a pandas
        ``Series``.

        Parameters
        ----------
        wavelength : array_like, shape (L,)
            Strictly increasing or strictly decreasing. Angstrom, or any spectral unit where it
            has one (frequencies and energies too).
        flux : array_like, shape (L,)
            Flux density per unit wavelength in any unit; a flux per frequency (Jy) is converted
            where its unit says so.
        ivar, error, variance : array_like, shape (L,)
            Inverse variance, 1-sigma error or variance of `flux`: at most one of them. Without
            any, the noise is measured from the flux and NO_UNCERTAINTY is set.
        air
            Whether `wavelength` is in air, to be converted to vacuum.
        mask : array_like of bool, shape (L,)
            True in bad pixels.
        **identity
            Any other attribute of `Spectrum`.

        Raises
        ------
        SpectrumError
            If the arrays differ in length, are empty, units do not match, or the wavelengths
            are not positive, not finite, unsorted or repeated.
        TypeError
            If more than one uncertainty is given.

        Examples
        --------
        >>> import numpy as np
        >>> wavelength = np.linspace(4000, 9000, 1000)
        >>> spectrum = Spectrum.from_arrays(wavelength, np.ones(1000), error=np.full(1000, 0.1))
        >>> round(spectrum.median_sn(), 3)
        10.0
        """
        uncertainties = {"ivar": ivar, "error": error, "variance": variance}
        given = {kind: value for kind, value in uncertainties.items() if value is not None}
        if len(given) > 1:
            raise TypeError(f"give one uncertainty, not {' and '.join(given)}")
        try:
            wave, values, weights = checked_arrays(wavelength, flux, given, mask)
        except SpectrumError as problem:
            path, index = str(identity.get("file", "")), int(identity.get("index", 0))
            raise SpectrumError(problem.what, path, index) from None
        if air:
            wave = air_to_vacuum(wave)
        if weights is None:
            good = np.isfinite(values)
            sigma = measured_error(np.where(good, values, 0.0), good)
            weights = sigma**-2.0
            identity["zwarning"] = identity.get("zwarning", 0) | ZWarning.NO_UNCERTAINTY
            note = "no uncertainties: the noise is measured from the flux"
            identity["notes"] = (*identity.get("notes", ()), note)
        else:
            note = doubt_of(values, weights, as_ivar="ivar" in given)
            if note:
                _log.warning(
                    "%s%s", f"{identity['file']}: " if "file" in identity else "", note
                )
                identity["notes"] = (*identity.get("notes", ()), note)
        spectrum = cls(np.log10(wave), values, weights, air=air, **identity)
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
                "wavelengths are not those of a spectrum: `loglam` is log10 of Angstrom "
                "(Spectrum.from_arrays takes wavelengths)",
            )
        # A few pixels settle it for nearly every spectrum.
        if _any_positive(flux[::64], ivar[::64]) or _any_positive(flux, ivar):
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

    def to_specutils(
        self, *, z: float | None = None, rest: bool = False, model: Any = None
    ) -> Any:
        """Convert to a `specutils.Spectrum` (vacuum Angstrom, 1e-17 erg/s/cm2/A).

        Parameters
        ----------
        z
            Redshift that the object is told, such as the Z of a table of results.
        rest
            Whether to give it in the rest frame of `z`: wavelengths divided by 1 + z, flux
            multiplied by it, so that the flux of a line stays what it is.
        model : array_like, shape (L,), optional
            A model on the spectrum's pixels in place of its flux, such as
            ``huggins.inference.fit_details(spectrum).best.model``; without uncertainties, and
            masked where it is NaN.

        Raises
        ------
        MissingExtraError
            If specutils is not installed.
        ValueError
            If `rest` is asked for without `z`, or `model` is not of the spectrum's length.

        Examples
        --------
        >>> row = huggins.classify(spectrum)[0]  # doctest: +SKIP
        >>> spectrum.to_specutils(z=row["Z"], rest=True)  # doctest: +SKIP
        """
        try:
            import specutils
        except ImportError as error:
            raise MissingExtraError("specutils", "dev") from error
        from astropy import units as u
        from astropy.nddata import InverseVariance

        if rest and z is None:
            raise ValueError("the rest frame needs a redshift: give z=")
        flux = self.flux if model is None else np.asarray(model, np.float64)
        if flux.shape != self.flux.shape:
            raise ValueError(
                f"model is of shape {flux.shape}, the flux of {self.flux.shape}: it must be on "
                "the spectrum's pixels"
            )
        stretch = 1.0 + float(z) if rest and z is not None else 1.0
        options: dict[str, Any] = {"mask": ~self.good if model is None else ~np.isfinite(flux)}
        if model is None:
            options["uncertainty"] = InverseVariance(self.ivar / stretch**2)
        if z is not None and not rest:
            options["redshift"] = float(z)
        make = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D
        return make(
            spectral_axis=self.wavelength / stretch * u.AA,
            flux=flux * stretch * u.Unit("1e-17 erg / (s cm2 AA)"),
            meta={name: getattr(self, name) for name in IDENTITY},
            **options,
        )


def _any_positive(flux: NDArray[np.floating], ivar: NDArray[np.floating]) -> bool:
    """Whether a pixel has a positive, finite flux and is good."""
    with np.errstate(invalid="ignore"):
        usable = (flux > 0) & (ivar > 0) & (flux < np.inf) & (ivar < np.inf)
    return bool(usable.any())


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
