import io
from functools import partial

import numpy as np
import pytest

from factories import make_truth, write_boss_spec
from huggins import demo
from huggins.cli import main
from huggins.demo import archive, mocks
from huggins.demo.archive import KNOWN
from huggins.download import sdss_spec_url
from huggins.errors import ModelError
from huggins.taxonomy import CLASSES
from local_server import LocalServer, unused_url
from tiny_model import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny.onnx", favour="QSO", z=2.5)


@pytest.fixture
def few_mocks(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    loglam = 3.56 + 5e-4 * np.arange(800)
    path = tmp_path / "mocks.npz"
    np.savez(
        path,
        loglam=loglam,
        flux=rng.normal(5, 1, (3, 800)).astype(np.float16),
        ivar=np.ones((3, 800), np.float16),
        cls=["QSO", "QSO", "K"],
        z=[2.5, 1.0, -0.0001],
    )
    monkeypatch.setattr(mocks, "load", partial(mocks.load, path))
    return path


def show(folder, model, **options):
    out = io.StringIO()
    paths = demo.run(folder, model=model, out=out, **options)
    return paths, out.getvalue().splitlines()


@pytest.mark.slow
def test_offline_says_simulated_first_and_shows_each_mock(tmp_path, model, few_mocks):
    paths, said = show(tmp_path / "pictures", model, offline=True)
    assert said[0] == (
        "Simulated spectra, not real ones: "
        "3 mocks that ship with huggins (--offline was given)."
    )
    assert said[2].split() == ["class", "huggins", "prob", "z", "true", "z", "ZWARNING"]
    first, second, third = (line.split() for line in said[3:6])
    assert first[:2] == ["QSO", "QSO"]
    assert float(first[2].lstrip(">")) > 0.9
    assert float(first[3]) == 2.5
    assert float(first[4]) == pytest.approx(2.5, abs=0.02)
    assert second[3] == "1.0000"
    assert third[:2] == ["K", "QSO"]
    assert said[7] == "2 of 3 classes as they were simulated."
    assert said[8] == f"3 pictures are in {tmp_path / 'pictures'}"
    assert [path.name for path in paths] == [
        "01-mock-QSO-1.png",
        "02-mock-QSO-2.png",
        "03-mock-K-1.png",
    ]
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_without_a_network_it_says_why_it_shows_mocks(tmp_path, model, few_mocks, monkeypatch):
    collect = partial(archive.collect, base=unused_url(), folder=tmp_path / "cache")
    monkeypatch.setattr(archive, "collect", collect)
    _, said = show(tmp_path / "pictures", model)
    assert said[0].startswith("Simulated spectra, not real ones: 3 mocks")
    assert "(data.sdss.org cannot be reached: " in said[0]


@pytest.mark.slow
def test_with_an_archive_it_says_real_and_shows_real_ones(tmp_path, model, monkeypatch):
    server = LocalServer()
    for known in KNOWN:
        if known.cls not in ("QSO", "A"):
            continue
        truth = make_truth(300, plate=known.plate, mjd=known.mjd, fiberid=known.fiber)
        path = write_boss_spec(tmp_path / "spec.fits", truth)
        url = sdss_spec_url(known.plate, known.mjd, known.fiber, known.run2d, base="")
        server.files[url] = path.read_bytes()
    collect = partial(archive.collect, base=server.url, folder=tmp_path / "cache")
    monkeypatch.setattr(archive, "collect", collect)
    paths, said = show(tmp_path / "pictures", model)
    server.close()
    assert said[0].startswith("Real spectra, one of each class, from the archive of SDSS")
    assert (
        "11 of 13 could not be fetched (BAL O B F G K M L WD C GAL: the server answers 404"
        in said[0]
    )
    assert [line.split()[0] for line in said[3:5]] == ["QSO", "A"]
    assert said[6] == "1 of 2 classes as the archive has them."
    assert [path.name for path in paths] == [
        "01-QSO-spec-3587-55182-0140.png",
        "02-A-spec-5201-55832-0046.png",
    ]


def test_misspelt_model_is_found_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "collect", lambda: pytest.fail("asked the archive"))
    with pytest.raises(ModelError, match="hugins"):
        demo.run(tmp_path, model="hugins")


@pytest.mark.slow
def test_command_draws_where_it_is_told(tmp_path, model, few_mocks, capsys):
    status = main(["demo", "--offline", "-o", str(tmp_path / "here"), "--model", str(model)])
    assert status == 0
    assert capsys.readouterr().out.startswith("Simulated spectra")
    assert len(list((tmp_path / "here").glob("*.png"))) == 3


def test_shipped_mocks_are_two_or_more_of_each_class_in_less_than_a_megabyte():
    examples = mocks.load()
    assert mocks.SHIPPED.stat().st_size < 1_000_000
    assert len(examples) >= 26
    for name in CLASSES:
        assert sum(example.cls == name for example in examples) >= 2
    names = [example.spectrum.file for example in examples]
    assert len(set(names)) == len(names)
    for example in examples:
        assert example.spectrum.good.mean() > 0.3
        limit = {"QSO": 7.0, "BAL": 7.0, "GAL": 2.0}.get(example.cls, 0.005)
        assert -0.005 < example.z < limit


def test_pictures_of_others_are_found_before_the_work(tmp_path, model, few_mocks, capsys):
    (tmp_path / "02-mock-QSO-2.png").write_bytes(b"mine")
    arguments = ["demo", "--offline", "-o", str(tmp_path), "--model", str(model)]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "02-mock-QSO-2.png: exists and is no output of huggins" in said.err
    assert main([*arguments[:3], str(tmp_path / "02-mock-QSO-2.png")]) == 2
    assert "is a file: name a folder" in capsys.readouterr().err
