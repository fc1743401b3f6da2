"""Spectra of SPARCL by identifier, with a stand-in for its client."""

import sys
import warnings
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import huggins
from factories.layouts import quasar_arrays
from huggins.cli import main
from huggins.errors import MissingExtraError, ReadError
from huggins.formats import open_file, sparcl

SDSS = "00001658-460c-4da1-987d-e493d8c9b89b"
DESI = "F00DC0DE-460c-4da1-987d-e493d8c9b89c"
LOST = "deadbeef-460c-4da1-987d-e493d8c9b89d"


@pytest.fixture
def records(monkeypatch):
    """What the stand-in knows; it answers as `SparclClient.retrieve` of 1.3 does."""
    wave, flux, error = quasar_arrays()
    known = {}
    for name, release, specid in (
        (SDSS, "BOSS-DR17", 4753625089450465280),
        (DESI, "DESI-DR1", np.int64(39627866878511337)),
    ):
        known[name.lower()] = {
            "sparcl_id": name.lower(), "specid": specid, "data_release": release, "ra": 10.5,
            "dec": -1.0, "redshift": 1.9, "redshift_warning": 128, "spectype": "QSO",
            "wavelength": wave, "flux": flux, "ivar": error**-2.0,
            "mask": np.arange(len(wave)) == 7, "_dr": release,
        }  # fmt: skip

    class SparclClient:
        def __init__(self, *, announcement=True):
            assert not announcement
            known.setdefault("asked", [])

        def get_available_fields(self):
            return {"model", *known[SDSS]} - {"_dr"}

        def retrieve(self, uuid_list, *, include, limit):
            assert limit >= len(uuid_list)
            known["asked"].append((list(uuid_list), include))
            found = [known[n.lower()] for n in reversed(uuid_list) if n.lower() in known]
            if len(found) < len(uuid_list):
                warnings.warn("1 out of the 3 requested records were not found", stacklevel=2)
            fields = {*include, "_dr"}
            return SimpleNamespace(
                records=[{k: v for k, v in r.items() if k in fields} for r in found]
            )

    package, client = ModuleType("sparcl"), ModuleType("sparcl.client")
    client.SparclClient = SparclClient
    package.client = client
    monkeypatch.setitem(sys.modules, "sparcl", package)
    monkeypatch.setitem(sys.modules, "sparcl.client", client)
    sparcl._client.cache_clear()
    yield known
    sparcl._client.cache_clear()


def test_identifiers_are_fetched_in_one_request_and_in_their_order(records):
    wave, flux, error = quasar_arrays()
    boss, lost, desi = open_file(f"sparcl:{SDSS},{LOST}, {DESI}")
    np.testing.assert_allclose(boss.wavelength, wave, rtol=1e-12)
    np.testing.assert_array_equal(boss.flux, flux)
    np.testing.assert_allclose(boss.ivar, error**-2.0)
    assert (boss.survey, boss.specobjid, boss.targetid) == ("BOSS", "4753625089450465280", None)
    assert (boss.ra, boss.dec, boss.file) == (10.5, -1.0, f"sparcl:{SDSS}")
    assert (boss.pipeline.cls, boss.pipeline.z, boss.pipeline.zwarning) == ("QSO", 1.9, 128)
    assert str(lost) == f"sparcl:{LOST}: SPARCL has no spectrum of this sparcl_id"
    assert (desi.survey, desi.targetid, desi.specobjid) == ("DESI", "39627866878511337", None)
    assert np.flatnonzero(desi.ivar == 0).tolist() == [7]  # DESI's own mask, as in its files
    assert len(records["asked"]) == 1
    assert "model" not in records["asked"][0][1]


def test_command_and_python(records, model, tmp_path):
    out = tmp_path / "t.csv"
    arguments = ["classify", f"sparcl:{SDSS}", f"sparcl:{LOST}", "-o", str(out)]
    assert main([*arguments, "--no-redshift"]) == 1
    lines = out.read_text().splitlines()
    row, failed = lines[-2:]
    assert row.startswith(f"sparcl:{SDSS},0,BOSS,")
    assert "SPARCL has no spectrum" in failed
    table = huggins.classify(f"sparcl:{DESI}", model=model, redshift=False)
    assert table["TARGETID"].tolist() == ["39627866878511337"]
    assert not table["ERROR"][0]
    # A row of the table leads back to its spectrum.
    assert len(huggins.read(str(table["FILE"][0]))) == 1


def test_lists_name_them_too(records, tmp_path):
    from huggins.inference import Inputs

    (tmp_path / "list.txt").write_text(f"sparcl:{SDSS}\nsparcl:{DESI}\n")
    assert list(Inputs([f"@{tmp_path}/list.txt"])) == [f"sparcl:{SDSS}", f"sparcl:{DESI}"]


def test_without_the_client_the_message_says_how_to_get_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sparcl, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="pip install sparclclient"):
        huggins.read(f"sparcl:{SDSS}")
    out = tmp_path / "t.csv"
    assert main(["classify", f"sparcl:{SDSS}", "-o", str(out)]) == 2
    assert "pip install sparclclient" in capsys.readouterr().err
    assert not out.exists()


def test_failures_name_the_input(records, monkeypatch):
    with pytest.raises(ReadError, match=r"give sparcl:SPARCL_ID"):
        huggins.read("sparcl:")
    records[SDSS]["ivar"] = records[SDSS]["ivar"][:-1]
    with pytest.raises(ReadError, match="different lengths"):
        huggins.read(f"sparcl:{SDSS}")

    def fails(*arguments, **options):
        raise OSError("unreachable")

    monkeypatch.setattr(sparcl._client(), "retrieve", fails)
    with pytest.raises(ReadError, match=rf"sparcl:{SDSS}: .*OSError: unreachable.*network"):
        huggins.read(f"sparcl:{SDSS}")
