"""One spectrum in NumPy's files, JSON and VOTables."""

from __future__ import annotations

import json

import numpy as np
from astropy import units as u
from astropy.table import Table


def _npz(**made):
    def write(path, w, f, e):
        path = path.with_suffix(".npz")
        names = {key: value(w, f, e) for key, value in made.items()}
        np.savez_compressed(path, **names)
        return path

    return write


def _npy(array):
    def write(path, w, f, e):
        path = path.with_suffix(".npy")
        np.save(path, array(w, f, e))
        return path

    return write


def _json(make):
    def write(path, w, f, e):
        path = path.with_suffix(".json")
        path.write_text(json.dumps(make(w, f, e), indent=1))
        return path

    return write


def _votable(vectors):
    def write(path, w, f, e):
        columns = {"wavelength": w / 10, "flux": f, "error": e}
        if vectors:
            columns = {name: values[None] for name, values in columns.items()}
        table = Table(columns)
        table["wavelength"].unit = u.nm
        path = path.with_suffix(".vot")
        table.write(path, format="votable")
        return path

    return write


ARRAYS = {
    "npz": _npz(wavelength=lambda w, f, e: w, flux=lambda w, f, e: f, error=lambda w, f, e: e),
    "npz of two": _npz(
        loglam=lambda w, f, e: np.log10(w),
        flux=lambda w, f, e: np.array([f, f]),
        ivar=lambda w, f, e: np.array([e, e]) ** -2.0,
        targetid=lambda w, f, e: np.array([11, 12]),
    ),
    "npy, columns": _npy(lambda w, f, e: np.array([w, f, e]).T),
    "npy, rows": _npy(lambda w, f, e: np.array([w, f, e])),
    "npy, a table": _npy(
        lambda w, f, e: np.array(
            list(zip(w, f, e, strict=True)), [("lam", "f8"), ("flux", "f8"), ("err", "f8")]
        )
    ),
    "JSON": _json(
        lambda w, f, e: {
            "wavelength": w.tolist(), "flux": f.tolist(), "error": e.tolist(), "unit": "AA",
        }
    ),
    "JSON of SPARCL": _json(
        lambda w, f, e: {
            "status": {"success": True},
            "records": [
                {"sparcl_id": str(n), "targetid": n, "wavelength": w.tolist(),
                 "flux": f.tolist(), "ivar": (e**-2.0).tolist(), "redshift": 1.9,
                 "spectype": "QSO", "ra": 10.5, "dec": -1.0}
                for n in (7, 8)
            ],
        }
    ),
    "JSON, rows": _json(
        lambda w, f, e: [
            {"wave": a, "flux": b, "err": c}
            for a, b, c in zip(w.tolist(), f.tolist(), e.tolist(), strict=True)
        ]
    ),
    "VOTable": _votable(False),
    "VOTable, vectors": _votable(True),
}  # fmt: skip
