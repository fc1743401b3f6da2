"""Definitions of the inference, each beside a plain calculation of its own."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from huggins.errors import InputError, ModelError
from huggins.inference import classify, crew, features, folders
from huggins.inference.api import classify_to_file
from huggins.inference.batch import _take_back
from huggins.inference.bestfit import LOGLAM, best_fits
from huggins.inference.counting import _LISTED, Counts
from huggins.inference.crew import Crew
from huggins.inference.fitting import fit
from huggins.inference.network import _peak
from huggins.inference.results import spectra_of
from huggins.inference.settings import Settings
from huggins.inference.table import NO_INTEGER, NUMBERS, Rows, regroup
from huggins.inference.verification import _apart
from huggins.quality import ZWarning
from huggins.redshift.result import Fit
from huggins.spectrum import Spectrum
from huggins.tables.columns import Columns
from huggins.taxonomy import CLASSES

# The network's redshift ------------------------------


def defined_peak(density, centres, reach):
    """The window with the most probability, its mean and spread, bin by bin."""
    sums = [
        sum(density[j] for j in range(i - reach, i + reach + 1) if 0 <= j < len(density))
        for i in range(len(density))
    ]
    middle = int(np.argmax(sums))
    part = [j for j in range(middle - reach, middle + reach + 1) if 0 <= j < len(density)]
    weight = sum(density[j] for j in part)
    mean = sum(density[j] * centres[j] for j in part) / weight
    variance = sum(density[j] * (centres[j] - mean) ** 2 for j in part) / weight
    step = centres[1] - centres[0]
    return mean, (variance + step**2 / 12.0) ** 0.5, weight


@pytest.mark.parametrize("seed", range(8))
def test_the_redshift_is_that_of_the_window_with_most_probability(seed):
    rng = np.random.default_rng(seed)
    centres = 0.01 + 0.005 * np.arange(300)
    density = rng.gamma(0.1, 1.0, 300)
    if seed < 4:
        density[[0, -1][seed % 2]] = 20.0  # at an end of the grid
    density /= density.sum()
    # 5000 km/s on either side, in whole bins.
    expected = defined_peak(density, centres, round(5000.0 / 299792.458 / 0.005))
    found = _peak(density[None], centres)
    assert [float(v[0]) for v in found] == pytest.approx(expected, rel=1e-9)


def test_a_single_bin_has_the_spread_of_a_box():
    centres = 0.005 * np.arange(300)
    density = np.zeros((1, 300))
    density[0, 100] = 1.0
    mean, spread, weight = (float(v[0]) for v in _peak(density, centres))
    assert (mean, weight) == pytest.approx((0.5, 1.0))
    assert spread == pytest.approx(0.005 / 12**0.5)


# Models, and fits that fail --------------------------


@pytest.mark.parametrize(("shift", "offset"), [(1000.4, 0.3), (1000.6, -0.2), (-0.4, 0.0)])
def test_models_lie_where_the_fit_found_them(shift, offset, monkeypatch):
    spectrum = Spectrum(LOGLAM[:], np.ones(len(LOGLAM)), np.ones(len(LOGLAM)))
    line = 3.7
    best = SimpleNamespace(shift=shift, chi2=3.0, coefficients=np.ones(2))
    # The model at the whole-pixel shift; the true place is a fraction of a pixel further.
    fitter = SimpleNamespace(model=lambda _: np.exp(-0.5 * ((LOGLAM - line) / 5e-4) ** 2))
    frames = SimpleNamespace(
        offset=np.array([offset]), good=np.array([9]), scale=np.array([2.0])
    )
    monkeypatch.setattr("huggins.inference.bestfit.to_native", lambda _: frames)
    found = SimpleNamespace(solutions=[(best, None)])
    (kept,) = best_fits(fitter, [spectrum], found)
    model = kept["model"].astype(float)
    centre = (model * LOGLAM).sum() / model.sum()
    assert centre == pytest.approx(line + (shift - round(shift) + offset) * 1e-4, abs=1e-7)
    assert model.max() == pytest.approx(2.0, rel=0.01)
    assert (kept["chi2"], kept["pixels"], kept["count"]) == (3.0, 9, 2)


def test_after_a_failure_every_spectrum_is_fitted_with_its_own_numbers():
    count = len(CLASSES)
    spectra = [SimpleNamespace(file=f"{i}.fits") for i in range(3)]
    probabilities = np.arange(3.0)[:, None] + np.zeros((3, count))
    density, z = 10.0 + np.arange(3.0)[:, None], 20.0 + np.arange(3.0)
    asked = []

    class Odd:
        def fit(self, spectra, probabilities, density, *, alternatives, z, **bins):
            names = [s.file for s in spectra]
            asked.append(
                (names, probabilities[:, 0].tolist(), density[:, 0].tolist(), z.tolist())
            )
            if "1.fits" in names:
                raise ZeroDivisionError
            made = Fit.empty(1, alternatives)
            made.solutions.append((None, None))
            made.causes.append({})
            made.measured.append(None)
            made.z[:] = 0.5
            return made

    grid = SimpleNamespace(start=0.0, step=0.1)
    found = fit(Odd(), spectra, probabilities, density, grid, 0, z)
    assert asked[1:] == [([f"{i}.fits"], [i], [10.0 + i], [20.0 + i]) for i in range(3)]
    assert found.z[[0, 2]].tolist() == [0.5, 0.5]
    assert np.isnan(found.z[1])
    assert found.zwarning.tolist() == [0, ZWarning.BAD_MINFIT, 0]


# Rows ------------------------------------------------


def test_what_is_taken_back_is_missing_and_the_identity_stays():
    rows = Rows.empty(2)
    for name in NUMBERS.names:
        rows.numbers[name] = 7
    rows.texts["CLASS"] = rows.texts["SUBCLASS"] = ["QSO", "QSO"]
    _take_back(rows, 1, Spectrum(LOGLAM, LOGLAM, LOGLAM, zwarning=128))
    first, second = rows.numbers
    assert all(first[name] == 7 for name in NUMBERS.names)
    kept = {"INDEX", "PLATE", "MJD", "FIBERID", "RA", "DEC", "PIPE_Z", "PIPE_ZWARNING"}
    for name in set(NUMBERS.names) - {"ZWARNING"}:
        if name in kept or name == "SN_MEDIAN":
            assert second[name] == 7
        elif np.issubdtype(NUMBERS[name], np.integer):
            assert second[name] == NO_INTEGER
        else:
            assert np.isnan(second[name]), name
    assert second["ZWARNING"] == 128
    assert [rows.texts["CLASS"][1], rows.texts["SUBCLASS"][1]] == ["", ""]


def test_parts_are_joined_until_they_are_large_enough():
    parts = [Rows.empty(n) for n in (1, 1, 1, 1, 5, 2, 1, 1)]
    assert [len(part) for part in regroup(parts, 3)] == [3, 6, 3, 1]


def test_rows_of_one_file_are_read_together():
    table = Columns(
        "t.fits",
        {
            "FILE": np.ma.MaskedArray(["a", "a", "b", "c", "c", "c", "a"]),
            "INDEX": np.ma.MaskedArray([4, 5, 0, 1, 2, 9, 0]),
        },
        {},
    )
    found = [(part.path, part.indices, part.of_many) for part in spectra_of(table)]
    assert found == [
        ("a", (4, 5), True), ("b", (0,), False), ("c", (1, 2, 9), True), ("a", (0,), True),
    ]  # fmt: skip


@pytest.mark.parametrize(("more", "said"), [(0, None), (1, "and for 1 other reason")])
def test_reasons_beyond_the_first_are_counted(more, said):
    counts = Counts(rows=9, failed=9)
    counts.reasons.update(f"reason {i}" for i in range(_LISTED + more))
    lines = list(counts.lines())
    assert len(lines) == _LISTED + more
    assert said is None or lines[-1] == said


# Settings --------------------------------------------


def test_defaults_are_those_of_the_documentation():
    settings = Settings()
    assert (settings.jobs, settings.threshold, settings.candidates) == (0, None, 0)
    assert (settings.air, settings.redshift, settings.keep) == (False, True, False)
    defaults = {
        name: p.default for name, p in inspect.signature(classify_to_file).parameters.items()
    }
    assert (defaults["desi"], defaults["resume"], defaults["overwrite"]) == (False,) * 3
    defaults = {name: p.default for name, p in inspect.signature(classify).parameters.items()}
    assert (defaults["jobs"], defaults["redshift"], defaults["air"]) == (0, True, False)
    assert (defaults["desi_columns"], defaults["threshold"]) == (False, None)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_is_a_probability(threshold):
    assert Settings(threshold=threshold).threshold == threshold
    with pytest.raises(InputError, match="from 0 to 1"):
        Settings(threshold=threshold + 0.1 * (2.0 * threshold - 1.0))


def test_processes_are_sixteen_at_most(monkeypatch):
    monkeypatch.setattr(crew, "cores", lambda: 64)
    assert len(Crew(0)) == 15
    assert len(Crew(70)) == 69
    monkeypatch.setattr(crew, "cores", lambda: 2)
    assert len(Crew(0)) == 1


# Files -----------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 300_000, 2**40 + 5])
def test_numbers_of_a_weights_file_come_back(value):
    written = features._varint(value)
    assert len(written) == max(1, -(-value.bit_length() // 7))  # seven bits in a byte
    assert features._read_varint(memoryview(written), 0) == (value, len(written))


def test_fields_without_a_length_are_passed_over():
    eight, four, number = bytes([1 << 3 | 1]), bytes([2 << 3 | 5]), bytes([3 << 3])
    text = bytes([4 << 3 | 2, 3]) + b"abc"
    message = eight + bytes(8) + text + four + bytes(4) + text + number + b"\xff\x01" + text
    assert list(features._fields(message)) == [(4, b"abc")] * 3
    with pytest.raises(ModelError, match="no ONNX"):
        list(features._fields(bytes([1 << 3 | 7])))


ROWS = "\n".join(f"{4000 + i} {i % 3}.5" for i in range(10))


@pytest.mark.parametrize(
    ("text", "spectral"),
    [
        (ROWS, True),
        ("\n".join(ROWS.splitlines()[1:]), False),  # nine rows are too few
        ("\n".join(["--"] * 10) + "\n" + ROWS, True),  # half of the lines are rows
        ("\n".join(["--"] * 11) + "\n" + ROWS, False),
        ("object\n" + ROWS, True),
        ("object sky\n" + ROWS, False),  # as many names as columns, none of them known
        ("wave sky\n" + ROWS, True),
        (ROWS.replace(" ", " a b "), True),  # half of the words are numbers
        (ROWS.replace(" ", " a b c "), False),
        ("\n".join(ROWS.splitlines()[::-1]), False),  # descending
    ],
)
def test_what_looks_like_a_spectrum(text, spectral):
    assert folders._looks_spectral(text.encode()) is spectral
    assert folders._looks_spectral(text.encode("utf-16")) is spectral


def test_answers_that_cannot_be_compared_are_infinitely_apart():
    assert _apart({"a": [1.0, np.nan]}, {"a": [1.5, np.nan]}) == 0.5
    assert _apart({"a": [1.0, np.nan]}, {"a": [1.0, 2.0]}) == np.inf
    assert _apart({"a": [1.0, 2.0]}, {"a": [1.0]}) == np.inf
    assert _apart({"a": [1.0]}, {}) == np.inf
