"""One spectrum in the many shapes in which people have it: a writer for each.

Every writer takes a path without ending, wavelengths in vacuum Angstrom, flux and its 1-sigma
error (float64, shape (L,)) and returns the path of what it wrote.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Writer = Callable[[Path, np.ndarray, np.ndarray, np.ndarray], Path]

FLUX_UNIT = u.Unit("1e-17 erg / (s cm2 AA)")


def quasar_arrays():
    """Wavelength, flux and error of a quasar with C IV, C III] and Mg II, S/N 15, z = 1.9."""
    rng = np.random.default_rng(5)
    wavelength = 10.0 ** np.arange(3.556, 4.01, 1.5e-4)
    flux = 12.0 * (wavelength / 5000.0) ** -1.2
    for rest, strength, width in (
        (1215.67, 3.0, 9.0), (1240.14, 0.8, 8.0), (1396.76, 0.4, 9.0), (1549.06, 1.9, 11.0),
        (1908.73, 0.8, 14.0), (2798.75, 0.9, 14.0),
    ):  # fmt: skip
        centre = rest * 2.9
        flux *= 1.0 + strength * np.exp(-0.5 * ((wavelength - centre) / (2.9 * width)) ** 2)
    error = 0.04 * flux.mean() + 0.03 * flux
    return wavelength, flux + error * rng.normal(size=len(flux)), error


def vacuum_to_air(wavelength: np.ndarray) -> np.ndarray:
    """Invert the conversion of huggins by iteration, so that no formula is used twice."""
    from huggins.spectrum import air_to_vacuum

    air = wavelength.copy()
    for _ in range(4):
        air = air + (wavelength - air_to_vacuum(air))
    return air


def lines(path, columns, header="", mark=" ", foot="", encoding="utf-8", shape=repr):
    """Write columns as text."""
    rows = [mark.join(shape(float(v)) for v in row) for row in zip(*columns, strict=True)]
    path.write_text(f"{header}{chr(10).join(rows)}\n{foot}", encoding=encoding)
    return path


def _text(header, columns=lambda w, f, e: (w, f, e), ending=".txt", **options) -> Writer:
    def write(path, wavelength, flux, error):
        return lines(
            path.with_suffix(ending), columns(wavelength, flux, error), header, **options
        )

    return write


def _fnu(w, f):
    return (f * FLUX_UNIT).to_value(u.mJy, u.spectral_density(w * u.AA))


def _astropy(layout, ending, names=("wavelength", "flux", "error"), **options) -> Writer:
    def write(path, wavelength, flux, error):
        table = Table([wavelength, flux, error], names=names)
        table[names[0]].unit = u.AA
        path = path.with_suffix(ending)
        table.write(path, format=layout, **options)
        return path

    return write


def _two_arms(path, w, f, e):
    """Blue and red under one another, the overlap in both with sqrt(2) times the error."""
    blue, red = w < 6100.0, w > 5900.0
    both = blue & red
    e = np.where(both, np.sqrt(2.0) * e, e)
    columns = [np.concatenate([c[blue], c[red]]) for c in (w, f, e)]
    return lines(path.with_suffix(".csv"), columns, "wave,flux,error\n", ",")


def _filled(path, w, f, e):
    f = f.copy()
    f[40::97] = -999.0
    return lines(path.with_suffix(".csv"), (w, f, e), "wave,flux,error\n", ",")


def _decimal_comma(path, w, f, e):
    rows = [
        ";".join(repr(float(v)).replace(".", ",") for v in row)
        for row in zip(w, f, e, strict=True)
    ]
    path = path.with_suffix(".csv")
    path.write_text("wave;flux;err\n" + "\n".join(rows))
    return path


def _fortran(value: float) -> str:
    return f"{value:.12E}".replace("E", "D")


def _rdb(path, w, f, e):
    return lines(path.with_suffix(".rdb"), (w, f, e), "wave\tflux\terror\nN\tN\tN\n", "\t")


def _json(path, w, f, e):
    path = path.with_suffix(".json")
    content = {"wavelength": w.tolist(), "flux": f.tolist(), "error": e.tolist(), "unit": "AA"}
    path.write_text(json.dumps(content))
    return path


#: Text tables; those without uncertainties are apart.
TEXT: dict[str, Writer] = {
    "three columns": _text(""),
    "third column inverse variance": _text("", lambda w, f, e: (w, f, e**-2.0)),
    "CSV with ivar": _text(
        "wavelength,flux,ivar\n", lambda w, f, e: (w, f, e**-2.0), ".csv", mark=","
    ),
    "variance": _text("wave flux var\n", lambda w, f, e: (w, f, e**2)),
    "names in a comment": _text("# wave flux err\n"),
    "names, then a note": _text(
        "# wave flux ivar\n# reduced 2024-01-01\n", lambda w, f, e: (w, f, e**-2.0)
    ),
    "names, then units": _text(
        "# wave flux sky err\n# A cgs cgs cgs\n", lambda w, f, e: (w, f, 0 * f + 7, e)
    ),
    "another order": _text("# flux wave err\n# note\n", lambda w, f, e: (f, w, e)),
    "columns listed": _text(
        "# column 1: wavelength (nm)\n# column 2: flux\n# column 3: error\n",
        lambda w, f, e: (w / 10, f, e),
    ),
    "nm without a unit": _text("", lambda w, f, e: (w / 10, f, e)),
    "um without a unit": _text("lam flux err\n", lambda w, f, e: (w / 1e4, f, e)),
    "log10 without a name": _text("", lambda w, f, e: (np.log10(w), f, e)),
    "ln": _text("ln_wavelength flux err\n", lambda w, f, e: (np.log(w), f, e)),
    "log10(wavelength)": _text(
        "log10(wavelength),flux,err\n", lambda w, f, e: (np.log10(w), f, e), mark=","
    ),
    "log(lambda)": _text(
        "log(lambda),flux,err\n", lambda w, f, e: (np.log10(w), f, e), mark=","
    ),
    "loglam": _text("loglam flux err\n", lambda w, f, e: (np.log10(w), f, e)),
    "Greek": _text("λ,flux,σ\n", mark=","),
    "wavelength_air": _text(
        "wavelength_air,flux,err\n", lambda w, f, e: (vacuum_to_air(w), f, e), mark=","
    ),
    "unit in air": _text(
        "wavelength (Angstrom, air),flux,err\n",
        lambda w, f, e: (vacuum_to_air(w), f, e),
        mark=",",
    ),
    "air in a comment": _text(
        "# wavelengths in air\n# wave flux err\n", lambda w, f, e: (vacuum_to_air(w), f, e)
    ),
    "frequency": _text("freq(THz) flux_lambda err\n", lambda w, f, e: (2997924.58 / w, f, e)),
    "energy": _text("energy(eV) flux_lambda err\n", lambda w, f, e: (12398.419843 / w, f, e)),
    "f_nu": _text(
        "wave,f_nu,f_nu_err\n", lambda w, f, e: (w, _fnu(w, f), _fnu(w, e)), mark=","
    ),
    "mJy": _text(
        "wave,flux(mJy),err(uJy)\n", lambda w, f, e: (w, _fnu(w, f), 1e3 * _fnu(w, e)), mark=","
    ),
    "flux_lambda": _text("lam flux_lambda flux_lambda_error\n"),
    "decimal comma": _decimal_comma,
    "Fortran": _text("", shape=_fortran),
    "UTF-16": _text("wave,flux,err\n", mark=",", encoding="utf-16"),
    "Latin-1": _text("# mesuré\nwavelength (Å),flux,err\n", mark=",", encoding="latin-1"),
    "bars": _text("| wave | flux | err |\n|---|---|---|\n", mark=" | "),
    "two arms": _two_arms,
    "descending": lambda p, w, f, e: lines(p, (w[::-1], f[::-1], e[::-1])),
    "fill values": _filled,
    "RDB": _rdb,
    "fixed width": _astropy("ascii.fixed_width", ".txt"),
    "IPAC": _astropy("ascii.ipac", ".tbl"),
    "MRT": _astropy("ascii.mrt", ".mrt"),
    "ECSV": _astropy("ascii.ecsv", ".ecsv"),
    "LaTeX-like blanks": _text("wave   flux   error\n", mark="    "),
}
#: Shapes without uncertainties.
BARE: dict[str, Writer] = {
    "two columns": _text("", lambda w, f, e: (w, f)),
    "SkyServer": _text(
        "Wavelength,Flux,BestFit,SkyFlux\n",
        lambda w, f, e: (w, f, f, 0 * f + 1),
        ".csv",
        mark=",",
    ),
}
