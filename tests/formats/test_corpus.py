"""Damaged files on which a reader once failed: each ends in spectra or in a helpful ReadError.

`python -m hardening.fuzz` found them, and says what else must hold of every input
(`hardening/targets.py`). A name tells the target and the place that failed.
"""

import warnings
from pathlib import Path

import pytest

from huggins.errors import HugginsError, ReadError
from huggins.formats import open_bytes
from huggins.tables.read import open_table, read_columns

CORPUS = Path(__file__).parent.parent / "corpus"
READERS = sorted(CORPUS.glob("readers-*"))
TABLES = sorted(CORPUS.glob("tables-*"))


def test_there_is_a_corpus():
    assert len(READERS) >= 10
    assert TABLES


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.name)
def test_spectra(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list(open_bytes(path.read_bytes(), path.name))
    assert found
    for item in found:
        if isinstance(item, ReadError):
            assert 0 < len(item.what) < 2000
        else:
            assert item.good.any()


def _read(path):
    """Read a table in each of the ways there are."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_columns(path)
        table = open_table(path)
        for chunk in table.chunks(["Z", "TARGETID", "FILE"]):
            for name, take in (("Z", chunk.number), ("TARGETID", chunk.integer)):
                if name in chunk:
                    take(name)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_tables(path):
    with pytest.raises(HugginsError) as error:
        _read(path)
    assert path.name in str(error.value)
