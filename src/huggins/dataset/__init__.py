"""Training data: small files, containers, and the HDF5 file of spectra."""
