"""Labelling: a queue, the answers of whoever works on it, a terminal for it, and a page."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
