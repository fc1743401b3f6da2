"""Tables into a page, constants into a module."""

import importlib.util

import pytest

from experiments.pages import replace_constants
from huggins.errors import InputError


def test_constants_are_replaced_in_the_module_and_its_file(tmp_path):
    path = tmp_path / "numbers.py"
    path.write_text("#: First.\nFIRST: Final = 1.0\nSECOND: Final = (1, 2)\n")
    spec = importlib.util.spec_from_loader("numbers_", None)
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    replace_constants(module, {"FIRST": 2.5, "SECOND": (3, 4)})
    assert path.read_text() == "#: First.\nFIRST: Final = 2.5\nSECOND: Final = (3, 4)\n"
    assert (module.FIRST, module.SECOND) == (2.5, (3, 4))
    with pytest.raises(InputError, match="no line `THIRD"):
        replace_constants(module, {"THIRD": 1})
