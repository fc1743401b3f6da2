"""A few real spectra, too few to learn anything."""

import csv

import pytest


@pytest.fixture(scope="session")
def few_real(shared_data, tmp_path_factory):
    """A folder like that of the real data, with all templates and 30 spectra of two folds."""
    folder = tmp_path_factory.mktemp("few")
    (folder / "templates").symlink_to(shared_data / "templates")
    (folder / "spectra").mkdir()
    with (shared_data / "spectra" / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["trust"]) >= 2]
    kept = []
    for fold in "23":
        for kind, count in (("QSO", 7), ("STAR", 3), ("GALAXY", 2), ("SKY", 3)):
            some = [row for row in rows if (row["fold"], row["class3"]) == (fold, kind)]
            kept += [row for row in some if row["class13"] != "BAL"][:count]
    with (folder / "spectra" / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, kept[0].keys())
        writer.writeheader()
        writer.writerows(kept)
    for top in {row["path"].split("/")[0] for row in kept}:
        (folder / "spectra" / top).symlink_to(shared_data / "spectra" / top)
    return folder
