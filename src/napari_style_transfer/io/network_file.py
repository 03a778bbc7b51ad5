"""Files of networks that learned something: safetensors, with what is known of them in the header.

The header's metadata has one entry of ours, a JSON text. Nothing in a file is executed. Loads no torch.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.atomic import save_bytes
from napari_style_transfer.io.names import check_folder, check_name

SUFFIX = ".safetensors"
#: Bytes that a header, and the numbers after it, have at most.
_MOST_HEADER, _MOST_NUMBERS = 16_000_000, 1_000_000_000
#: Largest error of a half-precision number that is stored, relative to the largest of its tensor.
_HALF_ERROR = 1e-3

Tensors = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class NetworkFiles:
    """Files of one kind of network.

    Attributes
    ----------
    what
        What one is called in messages.
    key
        Our entry of the header's metadata.
    version
        Of what is in that entry; it has this number as ``format``.
    """

    what: str
    key: str
    version: int

    def refuse(self, path: str | os.PathLike[str], reason: str) -> NoReturn:
        """Say why a file cannot be read."""
        raise InputError(f"Cannot read the {self.what} {os.fspath(path)}: {reason}.") from None

    def read_description(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Read what a file says of its network, in milliseconds.

        Raises
        ------
        InputError
            If it is no such file.
        """
        header, _ = self._read(path, numbers=False)
        return self.description(_entries(header), path)

    def read(self, path: str | os.PathLike[str]) -> tuple[dict[str, Any], Tensors]:
        """Read what a file says of its network, and its tensors by name.

        Raises
        ------
        InputError
            If it is no such file, is damaged, or was written by a later version.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        header, data = self._read(path, numbers=True)
        description = self.description(_entries(header), path)
        try:
            return description, dict(load(data))
        except (SafetensorError, KeyError, TypeError, ValueError):
            self.refuse(path, "it is damaged or cut short")

    def description(
        self,
        entries: Mapping[str, Any],
        path: str | os.PathLike[str],
        kind: str = "safetensors file",
    ) -> dict[str, Any]:
        """Return our entry of a file's metadata.

        Raises
        ------
        InputError
            If there is none, or a later version wrote it.
        """
        text = entries.get(self.key)
        if not isinstance(text, str):
            article = "an" if kind[0] in "AEIO" else "a"
            self.refuse(
                path,
                f"it is {article} {kind} of something else; its metadata lack the entry {self.key}",
            )
        try:
            description = json.loads(text)
            version = int(description["format"])
        except (ValueError, TypeError, KeyError, RecursionError):
            self.refuse(path, "its description is damaged")
        if version > self.version:
            self.refuse(path, f"version {description.get('version')} wrote it; update this package")
        return dict(description)

    def numbers(self, tensors: Tensors, path: str | os.PathLike[str]) -> Tensors:
        """Return tensors in single precision.

        Raises
        ------
        InputError
            If they have numbers that are not finite.
        """
        single = {name: np.array(values, np.float32) for name, values in tensors.items()}
        if not all(np.isfinite(values).all() for values in single.values()):
            self.refuse(path, "it has numbers that are not finite")
        return single

    def check_output(self, path: str | os.PathLike[str]) -> Path:
        """Return `path` if a file can be written there, before any work is done.

        Raises
        ------
        InputError
            If its name does not end in .safetensors or is impossible, or its folder is missing or
            read-only.
        """
        target = Path(path)
        if target.suffix.lower() != SUFFIX:
            raise InputError(
                f"Cannot write {target.name!r}: the name of a {self.what} ends in {SUFFIX}."
            )
        check_name(target)
        if os.path.isdir(target):
            raise InputError(f"Cannot write {target}: it is a folder; give the name of a file.")
        check_folder(target)
        return target

    def save(
        self, path: str | os.PathLike[str], description: Mapping[str, Any], tensors: Tensors
    ) -> None:
        """Write a file, whole or not at all.

        Numbers are stored in half precision where that changes the tensor's by no more than a thousandth
        of its largest, else in single precision.

        Raises
        ------
        InputError
            If it cannot be written, for example on a full disk, or the network has numbers that are not
            finite.
        """
        from safetensors.numpy import save

        target = self.check_output(path)
        if not all(np.isfinite(values).all() for values in tensors.values()):
            raise InputError(
                f"Cannot save {target}: the network has numbers that are not finite; learn it again."
            )
        numbers = {name: stored(values) for name, values in tensors.items()}
        save_bytes(target, save(numbers, {self.key: json.dumps(description)}))

    def _read(self, path: str | os.PathLike[str], *, numbers: bool) -> tuple[dict[str, Any], bytes]:
        """Return the header, and where asked for all bytes of a file that has one of ours."""
        try:
            if os.path.isdir(path):
                self.refuse(path, "it is a folder")
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = file.read(8)
                if len(start) < 8:
                    self.refuse(path, "it is no safetensors file")
                (length,) = struct.unpack("<Q", start)
                if not 2 <= length <= min(size - 8, _MOST_HEADER):
                    self.refuse(path, "it is no safetensors file, or cut short")
                text = file.read(length)
                try:
                    header = json.loads(text)
                except (ValueError, RecursionError):
                    header = None
                if not isinstance(header, dict):
                    self.refuse(path, "it is no safetensors file")
                if not numbers:
                    return header, b""
                self.description(_entries(header), path)  # before anything large is read
                if size - 8 - length > _MOST_NUMBERS:
                    self.refuse(path, "it is too large")
                return header, start + text + file.read()
        except FileNotFoundError:
            raise InputError(f"There is no file {os.fspath(path)}.") from None
        except OSError as error:
            self.refuse(path, (error.strerror or str(error)).lower())
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"There is no file {os.fspath(path)!r}.") from None


def _entries(header: dict[str, Any]) -> Mapping[str, Any]:
    """Return the metadata in a header."""
    entries = header.get("__metadata__")
    return entries if isinstance(entries, dict) else {}


def stored(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a tensor in half precision where that is good enough, else in single precision."""
    full = np.ascontiguousarray(values, np.float32)
    with np.errstate(over="ignore"):
        half = full.astype(np.float16)
        error = np.abs(half.astype(np.float32) - full)
    # Infinite errors, of numbers that are too large, are refused by this, too.
    return half if not full.size or error.max() <= _HALF_ERROR * np.abs(full).max() else full
