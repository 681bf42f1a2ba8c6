"""The likelihood, its unconstrained maximum, and the certificate of a constrained one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
