"""Files of every format, written from arrays that the test knows."""

from factories.arrays import Truth, make_truth
from factories.desi import write_desi, write_redrock
from factories.lamost import write_lamost_image, write_lamost_table
from factories.plain import write_hdf5, write_seed_hdf5, write_text
from factories.plates import write_spplate, write_spzbest
from factories.sdss import write_boss_spec, write_sdss5_spec, write_sdss_spec, write_spspec

__all__ = [
    "Truth",
    "make_truth",
    "write_boss_spec",
    "write_desi",
    "write_hdf5",
    "write_lamost_image",
    "write_lamost_table",
    "write_redrock",
    "write_sdss5_spec",
    "write_sdss_spec",
    "write_seed_hdf5",
    "write_spplate",
    "write_spspec",
    "write_spzbest",
    "write_text",
]
