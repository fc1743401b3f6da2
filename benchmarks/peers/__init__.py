"""Comparison with other classifiers on the same spectra: `python -m benchmarks.peers -h`."""
