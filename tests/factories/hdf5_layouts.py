"""One spectrum in HDF5 and NumPy layouts of others.

Each writer returns the path and the names of columns that huggins must be told.
"""

from __future__ import annotations

import h5py
import numpy as np

FIRST = 39627866878511337


def _stacked(path, prefix, arrays, **others):
    path = path.with_suffix(".hdf5")
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[prefix + name] = np.array([values, values])
        for name, values in others.items():
            file[name] = values
    return path, None


def _desi_mmu(path, w, f, e):
    arrays = {"flux": f, "ivar": e**-2.0, "lambda": w, "mask": np.zeros(len(w), bool)}
    arrays["lsf_sigma"] = np.ones(len(w))
    return _stacked(
        path, "spectrum_", arrays, object_id=[FIRST, FIRST + 1], ra=[10.0, 11.0],
        dec=[-2.0, -3.0], Z=[1.9, 1.8], ZWARN=np.array([True, False]),
    )  # fmt: skip


def _sdss_mmu(path, w, f, e):
    """Padded with -1, as rows of several lengths are."""
    arrays = {"flux": f, "ivar": e**-2.0, "lambda": w, "mask": np.zeros(len(w), bool)}
    fills = {"flux": 7.0, "ivar": 0.0, "lambda": -1.0, "mask": True}
    padded = {k: np.append(v, np.full(30, fills[k])) for k, v in arrays.items()}
    return _stacked(
        path, "spectrum_", padded, object_id=[b"1", b"2"], Z=[1.9, 1.8], ZWARNING=[0, 4]
    )


def _ends(path, w, f, e):
    """The first files of Multimodal Universe had only the ends of DESI's wavelengths."""
    grid = np.linspace(w[0], w[-1], 6000)
    arrays = {"flux": np.interp(grid, w, f), "ivar": np.interp(grid, w, e) ** -2.0}
    two = np.ones(2)
    return _stacked(
        path, "spectrum_", arrays, spectrum_lambda_min=two * grid[0],
        spectrum_lambda_max=two * grid[-1],
    )  # fmt: skip


def _nested(path, w, f, e):
    path = path.with_suffix(".h5")
    with h5py.File(path, "w") as file:
        for name, values in {"flux": f, "ivar": e**-2.0, "lambda": w}.items():
            file[f"spectrum/{name}"] = np.array([values, values])
        file["object_id"] = ["a", "b"]
    return path, None


def _one_per_group(path, w, f, e):
    path = path.with_suffix(".h5")
    with h5py.File(path, "w") as file:
        for name in ("one", "two"):
            file[f"{name}/wavelength"], file[f"{name}/flux"] = w / 10, f
            file[f"{name}/error"] = e
            file[f"{name}/wavelength"].attrs["unit"] = "nm"
    return path, None


def _shared_axis(path, w, f, e):
    path = path.with_suffix(".h5")
    with h5py.File(path, "w") as file:
        file["loglam"] = np.log10(w)
        file["flux"], file["flux_err"] = np.array([f, f]), np.array([e, e])
    return path, None


def _compound(path, w, f, e):
    path = path.with_suffix(".h5")
    kind = [("wave", "f8"), ("flux", "f8"), ("ivar", "f8")]
    with h5py.File(path, "w") as file:
        file["table"] = np.array(list(zip(w, f, e**-2.0, strict=True)), kind)
    return path, None


def _astronn(path, w, f, e):
    path = path.with_suffix(".h5")
    with h5py.File(path, "w") as file:
        file["spectra"], file["spectra_err"] = np.array([f, f]), np.array([e, e])
        file["wl"] = w
    return path, {"wavelength": "wl", "flux": "spectra", "error": "spectra_err"}


HDF5 = {
    "Multimodal Universe, DESI": _desi_mmu,
    "Multimodal Universe, SDSS": _sdss_mmu,
    "Multimodal Universe, ends of the axis": _ends,
    "Multimodal Universe, nested": _nested,
    "a group for each spectrum": _one_per_group,
    "one axis for all": _shared_axis,
    "a table": _compound,
    "astroNN, with names": _astronn,
}
