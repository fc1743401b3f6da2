import os
import subprocess
import sys
from pathlib import Path

import pytest

from huggins.download import cache_folder, sdss_spec_url
from huggins.download.archive import RUN2D, addresses, reductions
from huggins.errors import InputError

SAS = "https://data.sdss.org/sas/dr17"


@pytest.mark.parametrize(
    ("spectrum", "lite", "path"),
    [
        (
            (3586, 55181, 500, "v5_13_2"),
            True,
            "eboss/spectro/redux/v5_13_2/spectra/lite/3586/spec-3586-55181-0500.fits",
        ),
        (
            (10000, 57346, 3, "v5_13_2"),
            False,
            "eboss/spectro/redux/v5_13_2/spectra/full/10000/spec-10000-57346-0003.fits",
        ),
        (
            (306, 51690, 71, "26"),
            True,
            "sdss/spectro/redux/26/spectra/lite/0306/spec-0306-51690-0071.fits",
        ),
        (
            (2942, 54521, 124, "103"),
            False,
            "sdss/spectro/redux/103/spectra/2942/spec-2942-54521-0124.fits",
        ),
    ],
)
def test_addresses_of_data_release_17(spectrum, lite, path):
    assert sdss_spec_url(*spectrum, lite=lite) == f"{SAS}/{path}"


PLATES = ["dr8", "dr9", "dr10", "dr12", "dr13", "dr14", "dr17"]
FIELDS = [("dr18", "v6_0_4"), ("dr19", "v6_0_4"), ("dr19", "v6_1_3"), ("dr20", "v6_2_1")]

# Asked in a process of its own: it sets environment variables and writes to the home folder.
ORACLE = """
import json, sys
from sdss_access.path import Path
answers = []
for release, name, values in json.load(sys.stdin):
    answers.append(Path(release=release).url(name, **values))
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """What sdss-access says of (release, name, values), many at once."""
    import json

    pytest.importorskip("sdss_access", reason="sdss-access, the oracle, is not installed")
    home = tmp_path_factory.mktemp("home")

    def answers(questions):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ORACLE],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "HOME": str(home), "SAS_BASE_DIR": str(home)},
        )
        return json.loads(done.stdout[done.stdout.index("[") :])

    return answers


@pytest.mark.slow
def test_sdss_access_has_the_plates_where_we_seek_them(ask):
    questions, ours, firsts = [], [], []
    for release in PLATES:
        for run2d in ("26", "104", RUN2D.get(release, "103"), "v5_7_2"):
            if release == "dr8" and run2d.startswith("v"):
                continue
            names = {"lite": "spec-lite", "full": "spec", "spPlate": "spPlate"}
            for kind, name in [*names.items(), ("spZbest", "spZbest")]:
                values = {"run2d": run2d, "run1d": run2d}
                values |= {"plateid": 306, "mjd": 51690, "fiberid": 71}
                questions.append((release, name, values))
                found = addresses(306, 51690, 71, run2d, release=release, kind=kind)
                ours.append(found)
                firsts.append(kind != "full")
    for question, theirs, found, first in zip(
        questions, ask(questions), ours, firsts, strict=True
    ):
        assert theirs in found, question
        if first:  # of "full" the documents of the releases say otherwise than sdss-access
            assert theirs == found[0], question


def test_sdss_access_has_the_fields_where_we_seek_them(ask):
    questions, ours = [], []
    for release, run2d in FIELDS:
        for kind, name in {"lite": "specLite", "full": "specFull"}.items():
            for number in (4375924425, 63050395106956948):
                values = {"run2d": run2d, "fieldid": 15000, "mjd": 59146, "catalogid": number}
                questions.append((release, name, values))
                ours.append(addresses(15000, 59146, number, run2d, release=release, kind=kind))
    for question, theirs, found in zip(questions, ask(questions), ours, strict=True):
        assert theirs in found, question


def test_dr19_does_not_pad_targets():
    found = addresses(15000, 59146, 4375924425, "v6_1_3", release="dr19")
    assert found == (
        "https://data.sdss.org/sas/dr19/spectro/boss/redux/v6_1_3/spectra/lite/015000/59146/"
        "spec-015000-59146-4375924425.fits",
    )


def test_mirror_takes_the_place_of_the_archive():
    (url,) = addresses(3586, 55181, 500, "v5_13_2", base="http://localhost:8000/x/")
    assert url.startswith("http://localhost:8000/x/dr17/eboss/")


@pytest.mark.parametrize("release", ["dr7", "dr21", "17", "banana", ""])
def test_releases_that_do_not_exist(release):
    with pytest.raises(InputError, match="unknown data release"):
        addresses(3586, 55181, 500, "v5_13_2", release=release)


@pytest.mark.parametrize("run2d", ["", "27", "v5", "v5_13_2/..", "../26"])
def test_reductions_that_do_not_exist(run2d):
    with pytest.raises(InputError, match="unknown reduction"):
        addresses(3586, 55181, 500, run2d)


def test_sdss_5_has_no_plates():
    with pytest.raises(InputError, match="SDSS-V has no spPlate"):
        addresses(15000, 59146, 1, "v6_1_3", release="dr19", kind="spPlate")


def test_reductions_of_targets_that_name_none():
    assert reductions(3586, "dr12") == ("v5_7_0",)
    assert reductions(266, "dr17") == ("26", "103", "104")
    assert reductions(100_000, "DR19") == ("v6_1_3",)
    with pytest.raises(InputError, match="give --run2d"):
        reductions(15000, "dr20")
    with pytest.raises(InputError, match="no reduction of the BOSS spectrographs"):
        reductions(3586, "dr8")


def test_cache_folder_follows_xdg_where_it_is_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "huggins"


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".cache/huggins"),
        ("darwin", "Library/Caches/huggins"),
        ("win32", "AppData/Local/huggins/Cache"),
    ],
)
@pytest.mark.parametrize("xdg", [None, "", "relative/path"])
def test_cache_folder_of_each_platform(monkeypatch, tmp_path, platform, folder, xdg):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    if xdg is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert cache_folder() == Path(tmp_path) / folder
