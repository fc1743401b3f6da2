"""What must not change the answer of the whole chain, from the file to the table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import huggins
from factories import Truth, write_boss_spec
from huggins.demo.mocks import load
from huggins.spectrum import Spectrum
from huggins.taxonomy import BROAD

#: Columns of results; the others say where a spectrum comes from.
EXACT = ("CLASS", "SUBCLASS", "ZWARNING")
CLOSE = {"Z": 2e-6, "Z_NET": 2e-5, "PROB": 2e-4, "PROB_CLASS": 2e-4, "SN_MEDIAN": 1e-4}


@pytest.fixture(scope="module")
def spectra():
    """A quasar, a galaxy and two stars, on the pixels of BOSS."""
    pool = load()
    chosen = [next(e for e in pool if e.cls == name) for name in ("QSO", "GAL", "F", "M")]
    return [
        Spectrum(
            e.spectrum.loglam, e.spectrum.flux.astype(float), e.spectrum.ivar.astype(float)
        )
        for e in chosen
    ]


@pytest.fixture(scope="module")
def answer(spectra):
    table = huggins.classify(spectra)
    assert [str(c) for c in table["CLASS"]] == [BROAD[n] for n in ("QSO", "GAL", "F", "M")]
    return table


def same(found, expected, z=None):
    """Whether two tables say the same; `z` replaces the redshifts that are expected."""
    for name in EXACT:
        assert found[name].tolist() == expected[name].tolist(), name
    for name, tolerance in CLOSE.items():
        if name == "Z_NET" and z is not None:
            continue
        values = np.array(expected[name], float)
        if name == "Z" and z is not None:
            values = z
        np.testing.assert_allclose(
            np.array(found[name], float), values, rtol=tolerance, atol=tolerance, err_msg=name
        )


@settings(max_examples=6)
@given(exponent=st.floats(-25.0, 12.0))
def test_the_scale_of_the_flux(spectra, answer, exponent):
    factor = 10.0**exponent
    scaled = [replace(s, flux=s.flux * factor, ivar=s.ivar / factor**2) for s in spectra]
    same(huggins.classify(scaled), answer)


@settings(max_examples=4)
@given(exponent=st.floats(-6.0, 6.0))
def test_a_wrong_scale_of_all_errors(spectra, answer, exponent):
    """The noise is measured; only SN_MEDIAN says what the file says."""
    scaled = [replace(s, ivar=s.ivar * 10.0**exponent) for s in spectra]
    found = huggins.classify(scaled)
    found["SN_MEDIAN"] *= 10.0 ** (-0.5 * exponent)
    # What looks like none of the classes is sky or not by SN_MEDIAN.
    plain = np.array(answer["ZWARNING"]) == 0
    assert plain.sum() >= 3
    same(found[plain], answer[plain])


@pytest.mark.parametrize("unit", ["Angstrom", "nm", "um"])
@pytest.mark.parametrize("flux_unit", ["1e-17 erg/s/cm2/A", "W/m2/um"])
def test_units(spectra, answer, unit, flux_unit, tmp_path):
    per_angstrom = {"Angstrom": 1.0, "nm": 0.1, "um": 1e-4}[unit]
    # 1e-17 erg/s/cm2/A are 1e-17 * 1e-7 * 1e4 * 1e4 W/m2/um.
    factor = 1.0 if flux_unit.startswith("1e-17") else 1e-16
    paths = []
    for i, s in enumerate(spectra):
        path = tmp_path / f"{i}.csv"
        rows = zip(
            s.wavelength * per_angstrom, s.flux * factor,
            np.divide(factor, np.sqrt(s.ivar), out=np.full(len(s), np.nan), where=s.ivar > 0),
            strict=True,
        )  # fmt: skip
        lines = [f"wavelength ({unit}),flux ({flux_unit}),error ({flux_unit})"]
        path.write_text("\n".join([*lines, *(",".join(f"{v:.12g}" for v in r) for r in rows)]))
        paths.append(str(path))
    same(huggins.classify(paths), answer)


@pytest.mark.parametrize("pixels", [-2, 1, 3])
def test_a_shift_by_whole_pixels_is_a_redshift(spectra, answer, pixels):
    """Of quasar and galaxy: 1 + z grows by the same factor as the wavelengths."""
    moved = [replace(s, loglam=s.loglam + 1e-4 * pixels) for s in spectra[:2]]
    z = (1.0 + np.array(answer["Z"][:2], float)) * 10.0 ** (1e-4 * pixels) - 1.0
    found = huggins.classify(moved)
    assert found["CLASS"].tolist() == answer["CLASS"][:2].tolist()
    # Nebular lines and continua are fitted on the same pixels, polynomials on others.
    error = np.array(answer["Z_ERR"][:2], float)
    assert (np.abs(np.array(found["Z"], float) - z) < 0.2 * error).all()


@pytest.mark.parametrize("kind", [">f8", "<f8", ">f4", "<f4"])
def test_byte_order_and_precision(spectra, answer, kind):
    made = [replace(s, flux=s.flux.astype(kind), ivar=s.ivar.astype(kind)) for s in spectra]
    same(huggins.classify(made), answer)


def test_pixels_without_weight_are_as_pixels_that_are_not_there(spectra, answer):
    rng = np.random.default_rng(1)
    masked, absent, padded = [], [], []
    for s in spectra:
        bad = rng.random(len(s)) < 0.03
        masked.append(replace(s, ivar=np.where(bad, 0.0, s.ivar)))
        absent.append(Spectrum(s.loglam[~bad], s.flux[~bad], s.ivar[~bad]))
        ends = s.loglam[0] - 1e-4 * np.arange(50, 0, -1), s.loglam[-1] + 1e-4 * np.arange(1, 51)
        padded.append(
            Spectrum(
                np.concatenate([ends[0], s.loglam, ends[1]]),
                np.pad(s.flux, 50, constant_values=9e9),
                np.pad(s.ivar, 50),
            )
        )
    same(huggins.classify(padded), answer)
    one, two = huggins.classify(masked), huggins.classify(absent)
    assert one["CLASS"].tolist() == two["CLASS"].tolist() == answer["CLASS"].tolist()
    error = np.array(answer["Z_ERR"], float)
    assert (np.abs(np.array(one["Z"], float) - np.array(two["Z"], float)) < 0.2 * error).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -999.0])
def test_what_stands_in_masked_pixels(spectra, answer, value):
    rng = np.random.default_rng(2)
    plain, filled = [], []
    for s in spectra:
        bad = rng.random(len(s)) < 0.05
        ivar = np.where(bad, 0.0, s.ivar)
        plain.append(replace(s, ivar=ivar))
        filled.append(replace(s, ivar=ivar, flux=np.where(bad, value, s.flux)))
    same(huggins.classify(filled), huggins.classify(plain))


@pytest.fixture(scope="module")
def files(spectra, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    paths = []
    for i, s in enumerate([*spectra, *spectra[:2]]):
        truth = Truth(
            s.loglam.astype(np.float32), s.flux.astype(np.float32), s.ivar.astype(np.float32),
            np.zeros(len(s), np.int32), fiberid=i + 1,
        )  # fmt: skip
        paths.append(str(write_boss_spec(folder / f"{i}.fits", truth)))
    return paths


@pytest.mark.parametrize(
    "options", [{"batch_size": 1}, {"batch_size": 4}, {"jobs": 1}, {"jobs": 3}]
)
def test_batches_and_jobs(files, options):
    same(huggins.classify(files, **options), huggins.classify(files))


def test_the_order_of_files(files):
    order = np.random.default_rng(3).permutation(len(files))
    mixed = huggins.classify([files[i] for i in order])
    assert [str(f) for f in mixed["FILE"]] == [files[i] for i in order]
    same(mixed[np.argsort(order)], huggins.classify(files))


def test_a_reversed_spectrum(spectra, answer):
    turned = [Spectrum(s.loglam[::-1], s.flux[::-1], s.ivar[::-1]) for s in spectra]
    for s in turned:
        s.make_ascending()
    same(huggins.classify(turned), answer)
