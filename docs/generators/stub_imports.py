"""Stand-ins for the libraries of the project, for reading command lines.

A tool is run as far as its argument parser. Its imports would take seconds
each and need all of the stack; what they bring is not used before the
command line is understood, so any object will do in its place.
"""

import argparse
import sys
from abc import ABCMeta
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def _attribute(name: str) -> Any:
    if name.startswith('__') and name.endswith('__'):
        raise AttributeError(name)
    # A parser makes objects of it.
    return argparse.Action if name.endswith('Action') else Stub()


class _StubType(ABCMeta):
    def __getattr__(cls, name: str) -> Any:
        return _attribute(name)


class Stub(metaclass=_StubType):
    """Has every attribute, can be called, subclassed and compared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return _attribute(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Leave what it decorates as it is, else give another stub."""
        only = len(args) == 1 and not kwargs
        if only and (isinstance(args[0], type) or callable(args[0])):
            return args[0]
        return Stub()

    def __mro_entries__(self, bases: tuple) -> tuple[type, ...]:
        return (Stub,) if Stub not in bases else ()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getitem__(self, key: Any) -> 'Stub':
        return Stub()

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __or__(self, other: Any) -> Any:
        return Any

    __ror__ = __or__

    def _combined(self, *others: Any) -> 'Stub':
        return Stub()

    __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = _combined
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = _combined
    __neg__ = _combined

    def __format__(self, spec: str) -> str:
        raise TypeError(
            'a help text depends on a library that is not loaded for reading '
            'it: compute the value in a module that needs none'
        )

    def __str__(self) -> str:
        return self.__format__('')


class StubModule(ModuleType):
    """A module with every attribute."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return _attribute(name)


class StubFinder(MetaPathFinder, Loader):
    """Finds a stand-in for every module that is neither Python's nor ours.

    Args:
        real (Sequence[str]): Top-level names that are imported as usual
            beside those of Python's library.
    """

    def __init__(self, real: Sequence[str]) -> None:
        # Jython's, for which Python's own pickle asks.
        self._real = {*sys.stdlib_module_names, 'org', *real}

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        """See importlib.

        Args:
            fullname (str): Name of the module.
            path (Any): Not used. Defaults to None.
            target (Any): Not used. Defaults to None.

        Returns:
            ModuleSpec: Of a stand-in, or None where the real one is wanted.
        """
        if fullname.partition('.')[0] in self._real:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """See importlib.

        Args:
            spec (ModuleSpec): Of :meth:`find_spec`.

        Returns:
            ModuleType: A stand-in.
        """
        return StubModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in is complete.

        Args:
            module (ModuleType): The stand-in.
        """
