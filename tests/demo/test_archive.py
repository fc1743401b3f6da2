import time

import pytest

from factories import make_truth, write_boss_spec
from huggins.demo.archive import KNOWN, collect
from huggins.download import sdss_spec_url
from huggins.taxonomy import CLASSES
from local_server import LocalServer, unused_url


def address(known):
    return sdss_spec_url(known.plate, known.mjd, known.fiber, known.run2d, base="")


def firsts():
    return [next(known for known in KNOWN if known.cls == name) for name in CLASSES]


@pytest.fixture
def server(tmp_path):
    """An archive that has the first spectrum of each class, told apart by its fibre."""
    server = LocalServer()
    for known in firsts():
        truth = make_truth(200, plate=known.plate, mjd=known.mjd, fiberid=known.fiber)
        path = write_boss_spec(tmp_path / "spec.fits", truth)
        server.files[address(known)] = path.read_bytes()
    yield server
    server.close()


def test_list_has_two_different_spectra_of_each_class():
    for name in CLASSES:
        places = {address(known) for known in KNOWN if known.cls == name}
        assert len(places) == 2
    assert len({address(known) for known in KNOWN}) == 26


def test_list_agrees_with_the_shared_table_of_known_spectra(shared_data):
    import csv

    with (shared_data / "known_spectra.csv").open() as file:
        table = {
            (int(row["plate"]), int(row["mjd"]), int(row["fiber"])): row
            for row in csv.DictReader(file)
        }
    seen = 0
    for known in KNOWN:
        row = table.get((known.plate, known.mjd, known.fiber))
        if row is not None:
            seen += 1
            assert row["class13"] == known.cls
            if known.z is not None:
                assert float(row["z"]) == known.z
    assert seen >= 18


def test_one_of_each_class_arrives_in_order(server, tmp_path):
    got = collect(base=server.url, folder=tmp_path / "cache")
    assert [example.cls for example in got.examples] == list(CLASSES)
    assert got.missing == {}
    for example, known in zip(got.examples, firsts(), strict=True):
        assert (example.spectrum.plate, example.spectrum.fiberid) == (known.plate, known.fiber)
        assert example.z == known.z


def test_second_time_needs_no_network(server, tmp_path):
    collect(base=server.url, folder=tmp_path / "cache")
    asked = len(server.requests)
    got = collect(base=unused_url(), folder=tmp_path / "cache")
    assert len(got.examples) == 13
    assert len(server.requests) == asked


def test_second_choice_where_the_first_is_gone(server, tmp_path):
    first, second = (known for known in KNOWN if known.cls == "WD")
    server.files[address(second)] = server.files.pop(address(first))
    got = collect(base=server.url, folder=tmp_path / "cache")
    assert got.missing == {}
    assert got.examples[CLASSES.index("WD")].z == second.z


def test_what_the_archive_lacks_is_named_and_the_rest_is_there(server, tmp_path):
    server.files.pop(address(firsts()[0]))
    first, second = (known for known in KNOWN if known.cls == "C")
    server.files[address(first)] = server.files[address(second)] = b"SIMPLE  = broken"
    got = collect(base=server.url, folder=tmp_path / "cache")
    assert set(got.missing) == {"QSO", "C"}
    assert "404" in got.missing["QSO"]
    assert got.missing["C"]
    assert len(got.examples) == 11


def test_without_a_network_it_is_over_at_once(tmp_path):
    begun = time.monotonic()
    got = collect(base=unused_url(), folder=tmp_path / "cache")
    assert time.monotonic() - begun < 3.0
    assert got.examples == []
    assert set(got.missing) == set(CLASSES)
    assert "cannot be reached" in got.missing["QSO"]


def test_server_that_says_nothing_costs_no_more_than_the_patience(server, tmp_path):
    server.stall_seconds = 1.5
    for known in KNOWN:
        server.faults[address(known)] = ["stall"]
    begun = time.monotonic()
    got = collect(base=server.url, folder=tmp_path / "cache", patience=0.3)
    assert time.monotonic() - begun < 1.2
    assert got.examples == []
    assert "no answer within 0.3 s" in got.missing["QSO"]


@pytest.mark.slow
def test_time_is_limited_once_files_come(server, tmp_path):
    server.stall_seconds = 1.5
    for known in KNOWN:
        if known.cls != "QSO":
            server.faults[address(known)] = ["stall"]
    got = collect(base=server.url, folder=tmp_path / "cache", patience=5.0, limit=0.6)
    assert [example.cls for example in got.examples] == ["QSO"]
    assert got.missing["GAL"] == "no time left after 0.6 s"


def test_login_page_of_a_network_is_no_spectrum(server, tmp_path):
    for known in KNOWN:
        server.files[address(known)] = b"<html>Please log in</html>"
    got = collect(base=server.url, folder=tmp_path / "cache")
    assert got.examples == []
    assert "login page" in got.missing["QSO"]
    assert list((tmp_path / "cache").iterdir()) == []


def test_cache_that_cannot_be_written_is_a_reason_not_a_crash(server, tmp_path):
    (tmp_path / "file").write_text("")
    got = collect(base=server.url, folder=tmp_path / "file" / "cache")
    assert got.examples == []
    assert "cannot be written" in got.missing["QSO"]
