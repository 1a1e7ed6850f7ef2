"""Differentiable fitting of neural scaling laws.

Importing this package computes nothing and changes no setting; names are loaded when they are first used
(`__init__.pyi` lists them).
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

__version__ = "0.1.0"
