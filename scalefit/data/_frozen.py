"""Records of arrays that cannot be changed, only made again with other fields."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import numpy as np

FrozenT = TypeVar("FrozenT", bound="Frozen")


class Frozen:
    """Base of frozen dataclasses whose arrays and mappings cannot be changed either."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @classmethod
    def from_fields(cls: type[FrozenT], **fields: Any) -> FrozenT:
        """Make it from its fields as they stand, without another look at the numbers."""
        return object.__new__(cls)._fill(fields)

    def with_fields(self: FrozenT, **changes: Any) -> FrozenT:
        """The same with other values of some fields, without a look at the numbers."""
        return self.from_fields(**{**self._fields(), **changes})

    def __reduce__(self) -> Any:
        # Read-only mappings cannot be pickled or deep-copied themselves.
        plain = {k: dict(v) if isinstance(v, Mapping) else v for k, v in self._fields().items()}
        return _made, (type(self), plain)

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _fill(self: FrozenT, given: Mapping[str, Any]) -> FrozenT:
        for name, field in self.__dataclass_fields__.items():
            unsaid = {} if field.default is dataclasses.MISSING else field.default
            value = given.get(name, unsaid)
            if isinstance(value, Mapping):
                value = MappingProxyType({k: _read_only(v) for k, v in value.items()})
            object.__setattr__(self, name, _read_only(value))
        return self


def _made(cls: type[Frozen], fields: dict[str, Any]) -> Frozen:
    return cls.from_fields(**fields)


def _read_only(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.copy()
        value.flags.writeable = False
    return value
