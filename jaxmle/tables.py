"""From files and tables of verdicts to counts by slice."""

from jaxmle._tables import SliceCounts as SliceCounts
from jaxmle._tables import count as count

__all__ = ["SliceCounts", "count"]
