"""Reading safetensors: a header in JSON that says where each array lies, and the arrays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from prepdata.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST_HEADER = 64 << 20
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1}
_KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I8": "|i1"}


class Place(msgspec.Struct, frozen=True):
    """Where one array lies, counted from the end of the header (bytes)."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def header(path: Path) -> tuple[dict[str, Place], int]:
    """Return the places of the arrays of a file by name, and where the header ends.

    Raises:
        UsageError: the file cannot be read, or is none of this kind.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_LONGEST_HEADER, size):
                raise ValueError
            entries = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])
        places = {
            name: msgspec.json.decode(entry, type=Place) for name, entry in entries.items() if name != "__metadata__"
        }
        for place in places.values():
            begin, end = place.data_offsets
            if min(begin, *place.shape, 0) < 0 or end > size - 8 - length:
                raise ValueError
            if place.dtype in _SIZES and end - begin != _SIZES[place.dtype] * math.prod(place.shape):
                raise ValueError
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise UsageError(f"{path} is no safetensors file, or is damaged") from None
    return places, 8 + length


class Tensors:
    """The arrays of a file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self.path = path
        self.places, self._start = header(path)
        self._data: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")

    def __contains__(self, name: str) -> bool:
        return name in self.places

    def array(self, name: str) -> NDArray[Any]:
        """Return an array as it is stored; bfloat16 as float32.

        Raises:
            UsageError: there is none of that name, or its type is not known.
        """
        import numpy as np

        place = self.places.get(name)
        if place is None or place.dtype not in _KINDS:
            raise UsageError(f"{self.path} has no array '{name}' of a type that is known")
        begin, end = (self._start + offset for offset in place.data_offsets)
        found = np.frombuffer(self._data[begin:end].tobytes(), _KINDS[place.dtype]).reshape(place.shape)
        if place.dtype == "BF16":
            return (found.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return found

    def floats(self, name: str) -> NDArray[np.float32]:
        """Return an array as float32.

        Raises:
            UsageError: there is none of that name, or its type is not known.
        """
        import numpy as np

        return np.ascontiguousarray(self.array(name), np.float32)
