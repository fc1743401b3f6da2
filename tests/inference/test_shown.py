"""How the table of results is printed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from astropy.table import Table, hstack, vstack

from huggins.inference.shown import results_table
from huggins.inference.table import COLUMNS, Rows, to_table

NAMES = [column.name for column in COLUMNS]
SHOWN = ["CLASS", "SUBCLASS", "PROB_CLASS", "Z", "Z_ERR", "ZWARNING", "SN_MEDIAN", "INDEX"]
PATH = "/home/somebody/spectra/of/a/plate/spec-7339-56683-{:04d}.fits"


@pytest.fixture
def rows():
    rows = Rows.empty(3)
    rows.texts["FILE"] = [PATH.format(i) for i in range(3)]
    rows.texts["CLASS"] = ["GALAXY", "QSO", ""]
    rows.numbers["Z"] = [0.123456, 2.5, np.nan]
    return rows


@pytest.mark.parametrize(("columns", "end"), [(80, 10), (200, 30)])
def test_what_matters_is_printed_first(rows, monkeypatch, columns, end):
    monkeypatch.setenv("COLUMNS", str(columns))
    table = to_table([rows], {"MODEL": "tiny"})
    lines = str(table).splitlines()
    assert lines[0].split() == [*SHOWN, "FILE"]
    assert lines[2].split()[0] == "GALAXY"
    assert "0.12346" in lines[2]
    assert lines[2].split()[-1] == "…" + PATH.format(0)[-end:]
    assert lines[4].split()[2] == "--"  # what is missing is shown as such
    assert lines[-1] == f"... and {len(COLUMNS) - len(SHOWN) - 1} more columns"
    assert max(map(len, lines)) <= columns
    assert repr(table).splitlines()[0] == "<ResultsTable length=3>"
    assert repr(table).splitlines()[-1] == lines[-1]
    html = table._repr_html_()
    assert html.index("<th>CLASS</th>") < html.index("<th>FILE</th>")
    assert "PIPE_Z" not in html
    assert lines[-1] in html
    # The table itself is as it was.
    assert table.colnames == NAMES
    assert table["FILE"][0] == PATH.format(0)
    assert table["Z"].format is None


def test_a_redshift_that_rounds_to_zero_has_no_sign(rows):
    rows.numbers["Z"] = [-1e-7, 1e-7, np.nan]
    lines = str(to_table([rows], {})).splitlines()
    assert "0.00000" in lines[2]
    assert "-0.00000" not in lines[2]


def test_desi_names_are_shown_too(rows):
    head = str(to_table([rows], {}, desi=True)).splitlines()[0].split()
    assert head[:6] == ["SPECTYPE", "SUBTYPE", "PROB_CLASS", "Z", "ZERR", "ZWARN"]


def test_columns_that_somebody_chose_are_all_printed(rows):
    chosen = to_table([rows], {})["FILE", "PLATE", "Z"]
    assert str(chosen) == str(Table(chosen))
    assert "more columns" not in repr(chosen)
    assert PATH.format(0) in "\n".join(chosen.pformat(max_width=-1))


def test_it_is_an_astropy_table_in_everything_else(rows, tmp_path):
    table = to_table([rows], {"MODEL": "tiny"})
    kind = results_table()
    for copy in (
        table[:2],
        table[table["Z"] > 1],
        table.copy(),
        pickle.loads(pickle.dumps(table)),
    ):
        assert type(copy) is kind
        assert copy.colnames == NAMES
        assert copy.meta == table.meta
    joined = hstack([table, Table({"NAME": ["a", "b", "c"]})])
    assert joined.colnames == [*NAMES, "NAME"]
    assert str(joined).endswith(f"... and {len(COLUMNS) - len(SHOWN)} more columns")
    assert len(vstack([table, table])) == 6
    table.write(tmp_path / "t.fits")
    assert Table.read(tmp_path / "t.fits").colnames == NAMES
    table.write(tmp_path / "t.ecsv")
    assert Table.read(tmp_path / "t.ecsv")["FILE"][2] == PATH.format(2)
    assert table.to_pandas()["Z"][1] == 2.5
