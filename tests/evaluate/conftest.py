import pytest

from made_up_table import varied, write_results, write_truth


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder with results of a new and of an old model, and their truth."""
    folder = tmp_path_factory.mktemp("made")
    write_truth(folder / "truth.csv", varied())
    write_results(folder / "new.fits", varied(seed=1, skill=0.9))
    write_results(folder / "old.fits", varied(seed=2, skill=0.5))
    return folder
