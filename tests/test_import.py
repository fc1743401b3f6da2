"""What is there after `import huggins` alone, in a fresh interpreter."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "plot.plot_spectrum",
        "inference.fit_details",
        "quality.names",
        "redshift.load_basis",
        "prepare.STANDARD",
        "classify",
    ],
)
def test_names_of_the_documents_are_there(name):
    code = f"import huggins; huggins.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_import_is_light():
    code = "import sys, huggins; sys.exit('numpy' in sys.modules or 'astropy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
