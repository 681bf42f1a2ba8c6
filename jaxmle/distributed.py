"""Blocks of slices for Ray, Dask and whatever else maps a function over parts of a table."""

from jaxmle._distributed import map_slices as map_slices

__all__ = ["map_slices"]
