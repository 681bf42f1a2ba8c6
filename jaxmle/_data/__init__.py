"""What goes in: counts of verdicts, bounds on the judge, and the three parameters."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
