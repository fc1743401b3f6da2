"""Storage of the decision parameters under the names of a basis file."""

from __future__ import annotations

import pytest

from huggins.errors import ModelError
from huggins.redshift.basis import load_basis
from huggins.redshift.parameters import DecisionParameters


def test_parameters_survive_storage():
    parameters = DecisionParameters(class_offset=(0.0, 1.0, -2.0), min_pixels=7)
    values = {
        k: list(v) if isinstance(v, tuple) else v for k, v in parameters.to_dict().items()
    }
    assert (values["offset"], values["coverage"]) == ([0.0, 1.0, -2.0], 7)  # names of the file
    assert DecisionParameters.from_dict(values) == parameters


def test_the_shipped_parameters_are_written_as_they_were_read():
    stored = load_basis().parameters
    written = DecisionParameters.from_dict(stored).to_dict()
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in written.items()} == stored


def test_unknown_names_are_refused():
    with pytest.raises(ModelError, match="do not fit"):
        DecisionParameters.from_dict({"nonsense": 1.0})
