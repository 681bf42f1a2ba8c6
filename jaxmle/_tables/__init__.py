"""From files and tables of verdicts to counts by slice, and results to files of rows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
