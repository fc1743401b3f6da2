"""The resolution that redrock is told; imported where there is redrock and no huggins."""

import numpy as np
from scipy.sparse import dia_matrix


def gaussian(size: int, sigma: float = 1.0) -> dia_matrix:
    """Return a resolution matrix of one width, 11 diagonals."""
    offsets = np.arange(-5, 6)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    data = np.repeat((kernel / kernel.sum())[:, None], size, axis=1)
    return dia_matrix((data, offsets), shape=(size, size))
