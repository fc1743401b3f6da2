"""The training file as a folder of Parquet."""

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

import huggins
from factories import write_hdf5, write_seed_hdf5
from huggins.dataset.build import build
from huggins.dataset.export import export_parquet
from huggins.dataset.merge import Making
from huggins.dataset.schema import COLUMNS, SPLITS
from huggins.errors import InputError, OutputError
from huggins.inference.partitions import classify_partition
from huggins.taxonomy import CLASSES


@pytest.fixture
def training_file(survey, tmp_path):
    build(survey, tmp_path / "train.h5", making=Making(0.3, 0.2))
    return tmp_path / "train.h5"


def test_every_spectrum_is_in_its_split(training_file, tmp_path, arrays):
    files = export_parquet(training_file, tmp_path / "set", shard=10)
    truth = arrays(training_file)
    names = [c.name for c in COLUMNS if c.name != "split"]
    for number, split in enumerate(SPLITS):
        own = [path for path in files if path.name.startswith(split)]
        rows = truth["split"] == number
        assert len(own) == -(-rows.sum() // 10)
        assert own[-1].name == f"{split}-{len(own) - 1:05d}-of-{len(own):05d}.parquet"
        tables = [pq.read_table(path) for path in own]
        assert tables[0].column_names == ["flux", "ivar", *names]
        for name in ("flux", "ivar"):
            got = np.concatenate([np.stack(t[name].to_numpy()) for t in tables])
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, truth[name][rows])
        for column in COLUMNS:
            if column.name == "split":
                continue
            got = [value for t in tables for value in t[column.name].to_pylist()]
            wanted = truth[column.name][rows].tolist()
            if column.text:
                wanted = [value.decode() for value in wanted]
            assert str(got) == str(wanted), column.name
    metadata = pq.read_schema(files[0]).metadata
    assert float(metadata[b"loglam_start"]) == 3.55
    assert {path.name for path in tmp_path.glob(".set*")} == set()


@pytest.mark.slow
def test_datasets_loads_it(training_file, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    export_parquet(training_file, tmp_path / "set", shard=10)
    loaded = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    with h5py.File(training_file) as file:
        split, flux, index = file["split"][:], file["flux"][:], file["class_index"][:]
    assert list(loaded) == list(SPLITS)
    for number, name in enumerate(SPLITS):
        own = loaded[name].with_format("numpy")
        np.testing.assert_array_equal(own["flux"][:], flux[split == number])
        assert own["class_index"][:].tolist() == index[split == number].tolist()
    tensors = loaded["train"].with_format("torch")[0]["flux"]
    assert tensors.shape == flux.shape[1:]
    label = loaded["train"].features["class_index"]
    assert label.names == list(CLASSES)
    card = (tmp_path / "set" / "README.md").read_text()
    assert card.startswith("---\n")
    assert "# Data card: train.h5" in card


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of lsdb and what it needs are not ours
def test_a_hats_catalogue_of_it_is_classified(training_file, tmp_path):
    """The steps of docs/how-to/build.md."""
    lsdb = pytest.importorskip("lsdb")
    import pandas as pd
    from nested_pandas import NestedFrame

    export_parquet(training_file, tmp_path / "set")
    frame = NestedFrame(pd.read_parquet(tmp_path / "set" / "data", dtype_backend="pyarrow"))
    centres = 10 ** (3.55 + 5e-4 * (np.arange(960) + 0.5))
    frame["lambda"] = [centres] * len(frame)
    nested = frame.nest_lists(["lambda", "flux", "ivar"], "spectrum")
    made = lsdb.from_dataframe(nested, ra_column="ra", dec_column="dec")
    made.write_catalog(tmp_path / "hats", catalog_name="train")
    back = lsdb.open_catalog(tmp_path / "hats").compute()
    found = classify_partition(back, keep=("file", "class"), redshift=False)
    expected = huggins.classify(training_file, redshift=False)
    with h5py.File(training_file) as file:
        files = [name.decode() for name in file["file"][:]]
    order = [found["file"].tolist().index(name) for name in files]
    np.testing.assert_allclose(
        found["PROB"].to_numpy()[order], expected["PROB"], rtol=2e-3, atol=1e-3
    )
    assert found["SUBCLASS"].to_numpy()[order].tolist() == expected["SUBCLASS"].tolist()


def test_nothing_is_lost(training_file, tmp_path):
    folder = tmp_path / "set"
    export_parquet(training_file, folder, shard=4)
    with pytest.raises(OutputError, match="not empty: replace it with --overwrite"):
        export_parquet(training_file, folder)
    files = export_parquet(training_file, folder, overwrite=True)
    assert sorted(folder.rglob("*.parquet")) == sorted(files)  # none of before
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty: name a new or an empty folder"):
        export_parquet(training_file, folder, overwrite=True)
    assert (folder / "notes.txt").exists()


def test_files_with_few_columns_and_other_files(tmp_path):
    flux = np.ones((3, 960))
    few = write_hdf5(tmp_path / "few.h5", flux, flux, z=np.array([0.1, 0.2, np.nan]))
    (file,) = export_parquet(few, tmp_path / "few")
    assert pq.read_table(file).column_names == ["flux", "ivar", "z"]
    seed = write_seed_hdf5(tmp_path / "seed.h5", np.ones((2, 433)))
    with pytest.raises(InputError, match="no file of huggins build with flux and ivar"):
        export_parquet(seed, tmp_path / "seed")
    with pytest.raises(InputError, match="cannot be read as HDF5"):
        export_parquet(tmp_path / "none.h5", tmp_path / "none")
    assert not (tmp_path / "seed").exists()
