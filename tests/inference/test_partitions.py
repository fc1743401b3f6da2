"""Nested spectra: of pandas, of nested-pandas, and in a HATS catalogue."""

import numpy as np
import pytest

import huggins
from huggins.demo import mocks
from huggins.errors import InputError
from huggins.inference.partitions import classify_partition, partition_meta

pd = pytest.importorskip("pandas")
COUNT = 4


@pytest.fixture(scope="module")
def spectra():
    return [example.spectrum for example in mocks.load()[:COUNT]]


def fields(spectrum):
    """As in the catalogues of MultimodalUniverse; the mask is true where a pixel is bad."""
    return {
        "lambda": spectrum.wavelength,
        "flux": spectrum.flux.astype(float),
        "ivar": np.where(spectrum.good, spectrum.ivar, 0.0).astype(float),
        "lsf_sigma": np.full(len(spectrum), 1.1),
        "mask": ~spectrum.good,
    }


@pytest.fixture(scope="module")
def objects():
    return pd.DataFrame(
        {
            "object_id": [f"o{i}" for i in range(COUNT)],
            "ra": np.linspace(10.0, 300.0, COUNT),
            "dec": np.linspace(-60.0, 60.0, COUNT),
        },
        index=[7, 5, 3, 1],
    )


def test_rows_are_those_of_classify(spectra, objects):
    frame = objects.assign(spectrum=[fields(spectrum) for spectrum in spectra])
    found = classify_partition(frame, keep=("object_id",), redshift=False)
    expected = huggins.classify(spectra, redshift=False)
    assert found.index.tolist() == [7, 5, 3, 1]
    assert found["object_id"].tolist() == ["o0", "o1", "o2", "o3"]
    assert found["CLASS"].tolist() == [str(name) for name in expected["CLASS"]]
    for name in ("PROB", "Z", "P_QSO", "SN_MEDIAN"):
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-3, atol=1e-4)
    assert found["DELTACHI2"].isna().all()


def test_rows_without_a_spectrum_say_why(spectra, objects):
    dead = fields(spectra[1]) | {"ivar": np.zeros(len(spectra[1]))}
    frame = objects.assign(spectrum=[fields(spectra[0]), dead, None, {}])
    found = classify_partition(frame, redshift=False)
    assert (found["ERROR"] != "").tolist() == [False, True, True, True]
    assert "no good pixel" in found["ERROR"].iloc[1]
    assert "no pixels" in found["ERROR"].iloc[2]
    assert found["CLASS"].iloc[1] == ""
    assert np.isnan(found["Z"].iloc[2])


def test_meta_has_the_types_of_the_result(spectra, objects):
    frame = objects.assign(spectrum=[fields(spectrum) for spectrum in spectra])
    meta = partition_meta(frame, keep=("object_id", "ra"))
    found = classify_partition(frame.iloc[:1], keep=("object_id", "ra"), redshift=False)
    assert len(meta) == 0
    assert meta.dtypes.to_dict() == found.dtypes.to_dict()


def test_a_column_that_is_not_there_is_named(objects):
    with pytest.raises(InputError, match="no column spectrum, name: it has object_id, ra, dec"):
        classify_partition(objects, keep=("name",))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_hats_catalogue_is_classified_by_partition(spectra, objects, tmp_path):
    nested_pandas = pytest.importorskip("nested_pandas")
    lsdb = pytest.importorskip("lsdb")
    flat = pd.concat(
        [
            pd.DataFrame(fields(spectrum), index=[index] * len(spectrum))
            for index, spectrum in zip(objects.index, spectra, strict=True)
        ]
    )
    frame = nested_pandas.NestedFrame(objects).join_nested(flat, "spectrum")
    made = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", catalog_name="small")
    made.write_catalog(tmp_path / "small")
    catalog = lsdb.open_catalog(tmp_path / "small")
    assert catalog.npartitions > 1
    keep = ("object_id", "ra", "dec")
    found = catalog.map_partitions(
        classify_partition, keep=keep, redshift=False, meta=partition_meta(catalog, keep=keep)
    ).compute()
    expected = huggins.classify(spectra, redshift=False)
    found = found.sort_values("object_id")
    assert found["CLASS"].tolist() == [str(name) for name in expected["CLASS"]]
    np.testing.assert_allclose(found["Z"], expected["Z"], rtol=2e-3, atol=1e-4)
    assert found.dtypes.to_dict() == partition_meta(catalog, keep=keep).dtypes.to_dict()
