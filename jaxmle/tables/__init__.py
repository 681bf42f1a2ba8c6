"""From files and tables of verdicts to counts by slice."""

from jaxmle.tables._count import count as count
from jaxmle.tables._slice_counts import SliceCounts as SliceCounts

__all__ = ["SliceCounts", "count"]
