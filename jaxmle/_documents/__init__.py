"""What each command says, as plain dictionaries ready for JSON, and the words they share."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
