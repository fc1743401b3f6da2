"""Roles of columns and what words of a class mean."""

import gzip

import numpy as np
import pytest

from huggins.errors import InputError
from huggins.tables.labels import ROLES, class_of, classes_of, find_roles, first_column
from huggins.tables.read import read_columns


def test_a_role_has_the_first_of_its_names_whatever_the_case():
    names = ["Class", "CLASS3", "FILE", "z"]
    assert find_roles("t.csv", names, None, ("path", "class3", "z")) == {
        "path": "FILE",
        "class3": "CLASS3",
        "z": "z",
    }
    assert find_roles("t.csv", names, {"class": "Class"}, ("class3",)) == {"class3": "Class"}
    assert first_column("class3", ["CLASS"]) == "CLASS"
    assert first_column("path", ["CLASS"]) == ""


def test_a_name_belongs_to_one_role():
    names = [name for role in ROLES.values() for name in role.names]
    assert len(names) == len(set(names))


def test_columns_without_a_class_are_refused():
    with pytest.raises(InputError, match="no column with the class"):
        find_roles("t.csv", ["z"], None, ("class3", "z"))


def test_classes_of_arrays_are_those_of_their_words():
    words = np.array(["STAR", "gal", "QSO", "SKY", "", "dust"])
    details = np.array(["F5", "", "BAL", "", "wd", ""])
    pairs = [class_of(*pair) for pair in zip(words.tolist(), details.tolist(), strict=True)]
    assert pairs == [
        ("STAR", "F"), ("GALAXY", "GAL"), ("QSO", "BAL"), ("SKY", ""), ("STAR", "WD"), ("", ""),
    ]  # fmt: skip
    broad, sub = classes_of(words, details)
    assert list(zip(broad.tolist(), sub.tolist(), strict=True)) == pairs


@pytest.mark.parametrize("end", ["csv", "csv.gz"])
def test_identifiers_of_64_bits_are_exact(tmp_path, end):
    content = b"id,z\n18446744073709551615,1\n9223372036854775808,n/a\n"
    path = tmp_path / f"t.{end}"
    path.write_bytes(gzip.compress(content) if end.endswith("gz") else content)
    table = read_columns(path)
    assert table.text("id").tolist() == ["18446744073709551615", "9223372036854775808"]
    assert np.isnan(table.number("z")).tolist() == [False, True]
    assert table.rows()[1] == {"id": "9223372036854775808", "z": ""}
