"""HDF5 files as Keras writes them, read and written as data alone, without the HDF5 library.

That library follows links to other files, loads filters as plugins and has had many faults with damaged files. What Keras writes is a
small part of the format: groups, arrays of numbers that lie in one piece, and attributes. Only that is read; everything else is
refused by name. docs/decisions/0122-models-of-keras.md.
"""

from __future__ import annotations

from netpick.disk.hdf5.reading import Dataset, Group, read_hdf5
from netpick.disk.hdf5.writing import write_hdf5

__all__ = ["Dataset", "Group", "read_hdf5", "write_hdf5"]
