from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from factories import make_truth, write_boss_spec
from huggins import lines
from huggins.formats import read
from huggins.inference import FitDetails, FittedModel
from huggins.plot import plot_spectrum
from huggins.quality import ZWarning
from huggins.spectrum import Pipeline, Spectrum
from huggins.taxonomy import CLASSES


def make_spectrum(sn=20.0, size=4600, seed=1, **identity):
    rng = np.random.default_rng(seed)
    loglam = 3.5550 + 1e-4 * np.arange(size)
    truth = 10.0 + 5.0 * np.exp(-0.5 * ((10**loglam - 5422.0) / 40.0) ** 2)
    sigma = 10.0 / sn
    identity.setdefault("survey", "BOSS")
    return Spectrum(
        loglam,
        (truth + rng.normal(0, sigma, size)).astype(np.float32),
        np.full(size, sigma**-2, np.float32),
        file="somewhere/spec-7102-56666-0082.fits",
        **identity,
    )


def make_result(**changed):
    result = {
        "CLASS": "QSO", "SUBCLASS": "BAL", "PROB": 0.94, "Z": 2.5, "Z_ERR": 0.0021,
        "ZWARNING": 0,
    }  # fmt: skip
    result |= {f"P_{name}": 0.005 for name in CLASSES} | {"P_BAL": 0.94}
    return result | changed


def parts(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def curves(figure):
    return {line.get_label(): line for line in parts(figure)["spectrum"].lines}


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_strong_spectrum_shows_flux_and_error_on_native_pixels():
    spectrum = make_spectrum()
    drawn = curves(plot_spectrum(spectrum))
    np.testing.assert_allclose(drawn["flux"].get_xdata(), spectrum.wavelength)
    np.testing.assert_array_equal(drawn["flux"].get_ydata(), spectrum.flux)
    np.testing.assert_allclose(drawn["1σ error"].get_ydata(), 0.5, rtol=1e-6)
    assert "smoothed" not in drawn
    assert "best fit" not in drawn


def test_faint_spectrum_gets_a_smoothed_line_closer_to_the_truth():
    spectrum = make_spectrum(sn=1.0)
    smooth = curves(plot_spectrum(spectrum))["smoothed"].get_ydata()
    away = spectrum.wavelength > 6000
    assert np.std(smooth[away]) < 0.35 * np.std(spectrum.flux[away])


def test_model_is_drawn_and_must_fit_the_pixels():
    spectrum = make_spectrum()
    model = np.linspace(1, 2, len(spectrum))
    drawn = curves(plot_spectrum(spectrum, make_result(), model=model))
    np.testing.assert_array_equal(drawn["best fit"].get_ydata(), model)
    with pytest.raises(ValueError, match=r"\(10,\).*\(4600,\)"):
        plot_spectrum(spectrum, model=np.ones(10))


def make_fit(spectrum, **changed):
    best = FittedModel("QSO", "BAL", 2.5, 4700.0, 1.02, np.full(len(spectrum), 10.0))
    second = FittedModel("STAR", "WD", -0.00004, 9100.0, 2.0, np.full(len(spectrum), 11.0))
    return replace(FitDetails(best, second, 4123.4, 1.0), **changed)


def test_residuals_are_in_units_of_the_error():
    spectrum = make_spectrum(sn=20.0)
    figure = plot_spectrum(spectrum, make_result(), fit=make_fit(spectrum))
    assert "residuals 2" not in parts(figure)
    panel = parts(figure)["residuals 1"]
    left = panel.lines[1].get_ydata()
    np.testing.assert_allclose(left, (spectrum.flux - 10.0) / 0.5, rtol=1e-5, atol=1e-5)
    # Away from the line, which the model lacks, they scatter by one.
    assert np.std(left[spectrum.wavelength > 6000]) == pytest.approx(1.0, abs=0.05)
    assert panel.texts[-1].get_text() == "best fit: reduced χ² 1.02,  next redshift Δχ² 4,123"
    assert parts(figure)["spectrum"].get_xlabel() == ""
    assert panel.get_xlabel() == "observed vacuum wavelength (Å)"


def test_second_solution_is_drawn_where_there_is_one():
    spectrum = make_spectrum()
    figure = plot_spectrum(spectrum, make_result(), fit=make_fit(spectrum), second=True)
    np.testing.assert_array_equal(curves(figure)["next redshift"].get_ydata(), 11.0)
    said = parts(figure)["residuals 2"].texts[0].get_text()
    assert said == "next redshift: STAR WD, z = 0.0000,  reduced χ² 2.00,  Δχ² 4,123"
    alone = make_fit(spectrum, second=None, deltachi2=np.nan)
    figure = plot_spectrum(spectrum, make_result(), fit=alone, second=True)
    assert "residuals 2" not in parts(figure)
    assert parts(figure)["residuals 1"].texts[-1].get_text() == "best fit: reduced χ² 1.02"


@pytest.mark.slow
def test_panels_do_not_overlap_and_the_spectrum_keeps_its_height():
    spectrum = make_spectrum()
    heights = []
    for second in (None, False, True):
        fit = None if second is None else make_fit(spectrum)
        figure = plot_spectrum(spectrum, make_result(), fit=fit, second=bool(second))
        tall = figure.get_figheight()
        boxes = [
            parts(figure)[name].get_position()
            for name in ("lines", "spectrum", "residuals 1", "residuals 2")
            if name in parts(figure)
        ]
        assert all(lower.y1 <= upper.y0 + 1e-9 for upper, lower in pairwise(boxes))
        heights.append(boxes[1].height * tall)
    assert heights == pytest.approx([heights[0]] * 3)


def test_residuals_of_masked_pixels_and_beyond_the_model_are_left_out():
    spectrum = make_spectrum()
    spectrum.ivar[100:200] = 0.0
    fit = make_fit(spectrum)
    fit.best.model[:50] = np.nan
    figure = plot_spectrum(spectrum, make_result(), fit=fit)
    left = parts(figure)["residuals 1"].lines[1].get_ydata()
    assert np.isnan(left[:50]).all()
    assert np.isnan(left[100:200]).all()
    assert np.isfinite(left[200:]).all()


def test_masked_pixels_are_left_out_and_marked():
    spectrum = make_spectrum()
    spectrum.ivar[1000:1100] = 0
    spectrum.flux[1000:1100] = 1e9
    spectrum.flux[2000] = np.nan
    spectrum.ivar[:50] = 0  # an end without data is no masked pixel
    figure = plot_spectrum(spectrum)
    flux = curves(figure)["flux"].get_ydata()
    assert np.isnan(flux[1000:1100]).all()
    assert parts(figure)["spectrum"].get_ylim()[1] < 30
    (marks,) = [c for c in parts(figure)["spectrum"].collections if c.get_label() == "masked"]
    spans = sorted((p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in marks.get_paths())
    assert len(spans) == 2
    assert spans[0] == pytest.approx(
        (spectrum.wavelength[1000], spectrum.wavelength[1099]), abs=1.0
    )
    assert spans[1][0] < spectrum.wavelength[2000] < spans[1][1]


def test_zeros_at_the_ends_are_left_out():
    flux = 2.0 + 0.1 * np.random.default_rng(3).standard_normal(900)
    flux[-60:] = 0.0
    spectrum = Spectrum(3.6 + 1e-4 * np.arange(900), flux, np.full(900, 100.0))
    axes = plot_spectrum(spectrum).axes[0]
    drawn = axes.lines[0].get_ydata()
    assert np.isnan(drawn[-60:]).all()
    assert np.isfinite(drawn[:-60]).all()


def test_one_hot_pixel_does_not_set_the_scale_and_a_narrow_line_does():
    spectrum = make_spectrum()
    spectrum.flux[3000] = 5e4
    spectrum.flux[1500:1504] = 30.0
    low, high = parts(plot_spectrum(spectrum))["spectrum"].get_ylim()
    assert -30 < low <= 0
    assert 30 < high < 40


def test_a_strong_line_leaves_the_rest_its_height_and_is_marked_as_cut():
    """Continuum 10, a line of 15 and one of 200: the last is cut at 3 times the rest."""
    spectrum = make_spectrum()
    spectrum.flux[1500:1506] = 200.0
    figure = plot_spectrum(spectrum)
    _, high = parts(figure)["spectrum"].get_ylim()
    assert 30 < high < 60
    mark = curves(figure)["off scale"]
    np.testing.assert_allclose(mark.get_xdata(), spectrum.wavelength[1500:1506].mean())
    assert "off scale" not in curves(plot_spectrum(make_spectrum()))


def test_lines_stand_at_the_redshift_with_their_names():
    figure = plot_spectrum(make_spectrum(), make_result())
    named = {text.get_text(): text for text in parts(figure)["lines"].texts}
    assert list(named) == [
        "Ly β",
        "Ly α",
        "N V",
        "Si IV",
        "C IV",
        "He II 1640",
        "C III]",
        "Mg II",
    ]
    starts = {line.get_xdata()[0] for line in parts(figure)["lines"].lines}
    assert any(abs(x - lines.EMISSION["C IV"] * 3.5) < 1e-6 for x in starts)


@pytest.mark.parametrize(
    ("result", "present", "absent"),
    [
        ({"CLASS": "STAR", "SUBCLASS": "K", "Z": -1e-4}, {"Na D", "Ca K"}, {"[O II]"}),
        (
            {"CLASS": "STAR", "SUBCLASS": "O", "Z": 0.0},
            {"He II 4687", "He I 4473", "Hγ"},
            {"Na D", "G band"},
        ),
        (
            {"CLASS": "STAR", "SUBCLASS": "M", "Z": 0.0},
            {"TiO 7056", "Na I 8190"},
            {"He I 4473"},
        ),
        ({"CLASS": "STAR", "SUBCLASS": "C", "Z": 0.0}, {"C2 5167", "CN 4217"}, {"TiO 7056"}),
        (
            {"CLASS": "GALAXY", "SUBCLASS": "GAL", "Z": 0.05},
            {"[S III] 9071", "He II 4687", "[Ne V] 3427", "[O III] 5008"},
            {"C IV"},
        ),
        (
            {"CLASS": "GALAXY", "SUBCLASS": "GAL", "Z": 0.1},
            {"[O II]", "Ca K", "Hα"},
            {"C IV", "Mg II"},
        ),
    ],
)
def test_lines_are_those_of_the_class_and_named_once(result, present, absent):
    figure = plot_spectrum(make_spectrum(), make_result(**result))
    named = [text.get_text() for text in parts(figure)["lines"].texts]
    assert present <= set(named)
    assert not absent & set(named)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("cls", "z"),
    [("QSO", 0.1), ("QSO", 2.5), ("GALAXY", 0.0), ("GALAXY", 0.35), ("STAR", 0.001)],
)
def test_names_do_not_lie_on_one_another(cls, z):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = plot_spectrum(make_spectrum(), make_result(CLASS=cls, Z=z))
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in parts(figure)["lines"].texts]
    assert boxes
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0
    titles = [text for text in figure.texts if text.get_position()[1] > 0.5]
    lowest_title = min(text.get_window_extent(renderer).y0 for text in titles)
    assert max(box.y1 for box in boxes) < lowest_title


@pytest.mark.parametrize(
    "changed", [{"Z": np.ma.masked}, {"Z": np.nan}, {"CLASS": ""}, {"Z": 900.0}]
)
def test_without_a_redshift_there_are_no_lines(changed):
    assert "lines" not in parts(plot_spectrum(make_spectrum(), make_result(**changed)))


def test_everything_that_is_written_lies_on_the_paper():
    figure = plot_spectrum(make_spectrum(), make_result(P_BAL=0.99996, P_QSO=1e-5))
    paper = figure.bbox
    bars = parts(figure)["probabilities"]
    assert any(">0.999" in text.get_text() for text in bars.texts)
    for text in [*figure.texts, *bars.texts, *bars.get_yticklabels()]:
        box = text.get_window_extent()
        assert paper.x0 <= box.x0, text
        assert box.x1 <= paper.x1, text


def test_the_convention_of_the_names_is_said_where_there_are_names():
    said = "vacuum wavelengths"
    assert any(said in text for text in texts(plot_spectrum(make_spectrum(), make_result())))
    assert not any(said in text for text in texts(plot_spectrum(make_spectrum())))


def test_the_legend_leaves_the_marks_of_what_is_off_the_scale_free():
    spectrum = make_spectrum(sn=1.0)
    axes = parts(plot_spectrum(spectrum))["spectrum"]
    marks = next(line for line in axes.lines if line.get_label() == "off scale")
    top = axes.transAxes.transform((0.0, float(marks.get_ydata()[0])))[1]
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().y1 < top - 3.0


def test_bars_show_the_13_probabilities():
    bars = parts(plot_spectrum(make_spectrum(), make_result()))["probabilities"]
    widths = [patch.get_width() for patch in bars.patches[13:]]
    assert widths == pytest.approx([0.94 if name == "BAL" else 0.005 for name in CLASSES])
    labels = bars.get_yticklabels()
    assert [label.get_text() for label in labels] == list(CLASSES)
    assert [x.get_text() for x in labels if x.get_fontweight() == "bold"] == ["BAL"]


@pytest.mark.slow
def test_titles_say_what_it_is_and_what_is_wrong():
    spectrum = make_spectrum(
        plate=7102, mjd=56666, fiberid=82, pipeline=Pipeline("QSO", "BROADLINE", 2.4812)
    )
    bits = int(ZWarning.SMALL_DELTA_CHI2 | ZWarning.LOW_PROBABILITY)
    written = texts(plot_spectrum(spectrum, make_result(ZWARNING=bits)))
    assert written[0] == "QSO  p = 0.945   BAL  p = 0.940   z = 2.5000 ± 0.0021"
    for piece in (
        "spec-7102-56666-0082.fits", "BOSS plate 7102 MJD 56666 fibre 82", "median S/N 20",
        "survey pipeline: QSO BROADLINE, z = 2.4812",
    ):  # fmt: skip
        assert piece in written[1]
    assert written[2] == (
        "another redshift fits nearly as well; the probability is below the threshold"
    )
    assert texts(plot_spectrum(spectrum, make_result()))[2] == "no warning"


def test_redshift_of_nothing_has_no_sign():
    result = make_result(CLASS="GALAXY", SUBCLASS="GAL", Z=-1e-6, Z_ERR=0.001)
    assert texts(plot_spectrum(make_spectrum(), result))[0].endswith("z = 0.0000 ± 0.0010")


def test_a_star_has_a_velocity():
    """c z = 299792.458 km/s * -1.5e-4 = -44.97 km/s."""
    result = make_result(CLASS="STAR", SUBCLASS="K", Z=-1.5e-4, Z_ERR=2e-5)
    assert texts(plot_spectrum(make_spectrum(), result))[0].endswith("v = -45 ± 6 km/s")
    result = make_result(CLASS="STAR", SUBCLASS="K", Z=-1e-6, Z_ERR=2e-6)
    assert texts(plot_spectrum(make_spectrum(), result))[0].endswith("v = -0.3 ± 0.6 km/s")
    result["Z"] = -1e-9
    assert texts(plot_spectrum(make_spectrum(), result))[0].endswith("v = 0.0 ± 0.6 km/s")


def test_a_star_of_uncertain_type_is_a_star_for_certain():
    chances = {"P_BAL": 0.0, "P_A": 0.56, "P_F": 0.44, "P_QSO": 1e-5}
    result = make_result(CLASS="STAR", SUBCLASS="A", PROB=0.56, Z=None)
    result = result | {f"P_{name}": 0.0 for name in CLASSES} | chances
    figure = plot_spectrum(make_spectrum(), result)
    assert texts(figure)[0] == "STAR  p > 0.999   A  p = 0.560"
    assert [text.get_text() for text in parts(figure)["probabilities"].texts] == [
        "0.560",
        "0.440",
    ]


def test_sky_is_said_to_be_sky():
    result = make_result(CLASS="", SUBCLASS="", PROB=None, Z=None, ZWARNING=1)
    figure = plot_spectrum(make_spectrum(), result)
    assert texts(figure)[0] == "empty sky"
    assert "lines" not in parts(figure)


def test_a_choice_against_chi2_is_not_called_the_best():
    spectrum = make_spectrum()
    fit = make_fit(spectrum, deltachi2=-45.0)
    figure = plot_spectrum(spectrum, make_result(), fit=fit, second=True)
    said = [parts(figure)[f"residuals {i}"].texts[-1].get_text() for i in (1, 2)]
    assert said[0].startswith("chosen fit, not that of lowest χ²: ")
    assert said[0].endswith("next redshift Δχ² -45")
    assert said[1].endswith("Δχ² -45")
    assert "chosen fit" in curves(figure)


def test_a_poor_fit_is_called_one():
    spectrum = make_spectrum()
    fit = make_fit(spectrum)
    fit = replace(fit, best=replace(fit.best, rchi2=15.0))
    figure = plot_spectrum(spectrum, make_result(), fit=fit)
    said = parts(figure)["residuals 1"].texts[-1].get_text()
    assert said.startswith("best fit: reduced χ² 15.00 (the model misses more than the noise")


def test_the_cause_of_a_warning_is_told():
    spectrum = make_spectrum()
    causes = {ZWarning.NEGATIVE_EMISSION: "Mg II came out in absorption"}
    fit = make_fit(spectrum, causes=causes)
    result = make_result(ZWARNING=int(ZWarning.NEGATIVE_EMISSION))
    assert "Mg II came out in absorption" in texts(plot_spectrum(spectrum, result, fit=fit))


def test_long_warnings_stay_clear_of_the_verdict():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = plot_spectrum(make_spectrum(), make_result(ZWARNING=0b111111111111))
    renderer = FigureCanvasAgg(figure).get_renderer()
    verdict, _, warning, *_ = (text.get_window_extent(renderer) for text in figure.texts)
    assert not verdict.overlaps(warning)
    assert warning.y1 <= figure.bbox.y1


def test_without_a_result_only_the_data_and_the_name():
    figure = plot_spectrum(make_spectrum(index=3))
    assert set(parts(figure)) == {"spectrum"}
    assert texts(figure)[0] == "spec-7102-56666-0082.fits [3]"


def test_unit_is_claimed_only_where_it_is_known():
    for survey, claimed in (("BOSS", True), ("DESI", True), ("LAMOST", False), ("", False)):
        axes = parts(plot_spectrum(make_spectrum(survey=survey)))["spectrum"]
        assert ("erg" in axes.get_ylabel()) == claimed


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_few_pixels_are_drawn(size, tmp_path):
    plot_spectrum(make_spectrum(size=size), make_result()).savefig(tmp_path / "a.png")


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, -1.0, 1e-17, np.nan])
def test_strange_flux_is_drawn(value, tmp_path):
    spectrum = make_spectrum()
    spectrum.flux = np.full(len(spectrum), value)
    plot_spectrum(spectrum, make_result()).savefig(tmp_path / "a.png")


def test_a_row_of_an_astropy_table_with_masked_columns_works():
    from astropy.table import MaskedColumn, Table

    table = Table([make_result()])
    table["Z_ERR"] = MaskedColumn([0.1], mask=[True])
    figure = plot_spectrum(make_spectrum(), table[0])
    assert texts(figure)[0] == "QSO  p = 0.945   BAL  p = 0.940   z = 2.5000"


def test_pyplot_is_left_alone():
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from huggins.spectrum import Spectrum;"
        "from huggins.plot import plot_spectrum;"
        "s = Spectrum(3.6 + 1e-4 * np.arange(99), np.ones(99), np.ones(99));"
        "assert 'matplotlib' not in sys.modules; plot_spectrum(s);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_path_or_a_row_of_the_table_is_enough(tmp_path):
    path = write_boss_spec(tmp_path / "spec.fits", make_truth())
    spectrum = read(path)[0]
    row = make_result(FILE=str(path), INDEX=0)
    for source in (path, str(path), row):
        drawn = curves(plot_spectrum(source))
        np.testing.assert_array_equal(drawn["flux"].get_xdata(), spectrum.wavelength)
    assert texts(plot_spectrum(row)) == texts(plot_spectrum(spectrum, row))
    assert texts(plot_spectrum(row)) != texts(plot_spectrum(spectrum))
