"""From a file of verdicts to counts by slice."""

from jaxmle.tables._count import SliceCounts as SliceCounts
from jaxmle.tables._count import count as count

__all__ = ["SliceCounts", "count"]
