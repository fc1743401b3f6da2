import sys
from pathlib import Path

import pytest

from huggins.download import cache_folder, sdss_spec_url

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
