"""NumPy array types of the ranking, named after what they hold."""

import numpy as np

Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Indices = np.ndarray[tuple[int, ...], np.dtype[np.intp]]
