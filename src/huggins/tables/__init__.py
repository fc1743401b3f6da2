"""Tables: reading in every format, selecting rows, matching, positions and keys of spectra."""
