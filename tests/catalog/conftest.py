"""How tests of the catalogue ask for rows."""

import pytest


@pytest.fixture
def rows():
    """Turn targets into a list of dicts, missing numbers as None."""

    def convert(targets, *names):
        columns = {}
        for name in names or targets.names:
            if targets.is_text(name):
                columns[name] = targets.text(name).tolist()
            else:
                absent = targets.missing(name).tolist()
                values = targets.get(name).tolist()
                columns[name] = [None if a else v for a, v in zip(absent, values, strict=True)]
        return [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]

    return convert
