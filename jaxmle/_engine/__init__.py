"""How a computation runs: at once on NumPy, or compiled by JAX, in blocks, on devices."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
