"""What Pillow cannot do with PNG: 16 bits in colour, and files with much text. Loads no torch.

Source: W3C, Portable Network Graphics (PNG) Specification, third edition; "§" names its sections.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: Channels by colour type (§11.2.1).
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
#: Text that says how the picture is oriented; no other text is wanted.
_ORIENTING = (b"XML:com.adobe.xmp", b"Raw profile type exif")
#: Bytes that one chunk of orienting text, and a colour profile, may have.
_MOST_TEXT, _MOST_PROFILE = 2**16, 2**24
#: Rows that are filtered at a time.
_ROWS = 64


@dataclass(frozen=True)
class Header:
    """The picture's header (§11.2.1)."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


@dataclass(frozen=True)
class Png:
    """A file taken apart.

    Attributes
    ----------
    header
        Size and type.
    chunks
        All chunks but text and the colour profile: type and content.
    profile
        The colour profile, if any; as it stands in the file where it cannot be decompressed.
    """

    header: Header
    chunks: list[tuple[bytes, bytes]]
    profile: bytes | None

    @property
    def deep_colour(self) -> bool:
        """Whether :meth:`decode` gives more than Pillow does: 16 bits, with colours or alpha."""
        header = self.header
        return header.depth == 16 and header.colour in (2, 4, 6) and not header.interlaced

    def to_bytes(self) -> bytes:
        """Return a file of the chunks."""
        return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in self.chunks)

    def exif(self) -> bytes | None:
        """Return the EXIF data (§11.3.4.5), if any."""
        return next((data for kind, data in self.chunks if kind == b"eXIf"), None)

    def decode(self) -> npt.NDArray[np.uint16]:
        """Return the pixels where :attr:`deep_colour`, (H, W, 2 | 3 | 4) uint16.

        Raises
        ------
        ValueError, zlib.error
            If the file is damaged.
        """
        header = self.header
        step = 2 * _CHANNELS[header.colour]
        row = step * header.width
        decoder = zlib.decompressobj()
        packed = b"".join(data for kind, data in self.chunks if kind == b"IDAT")
        raw = decoder.decompress(packed, header.height * (row + 1))
        if len(raw) != header.height * (row + 1):
            raise ValueError("the pixels are cut short")
        lines = np.frombuffer(raw, np.uint8).reshape(header.height, row + 1)
        values = _unfilter(lines[:, 0], lines[:, 1:].reshape(header.height, header.width, step))
        pixels = values.reshape(header.height, header.width, step).view(">u2").astype(np.uint16)
        key = next((data for kind, data in self.chunks if kind == b"tRNS"), None)
        if header.colour == 2 and key is not None:  # one colour is transparent (§11.3.1.1)
            opaque = (pixels != np.frombuffer(key, ">u2", 3)).any(axis=2)
            pixels = np.dstack([pixels, np.where(opaque, 65535, 0).astype(np.uint16)])
        return pixels


def parse(data: bytes) -> Png | None:
    """Take a file apart; None where its structure is damaged."""
    place = len(SIGNATURE)
    chunks: list[tuple[bytes, bytes]] = []
    profile = None
    header = None
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + length]
        end = place + 12 + length
        if end > len(data) or zlib.crc32(kind + content) != int.from_bytes(data[end - 4 : end]):
            return None
        if kind == b"IHDR" and length == 13:
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", content)
            header = Header(width, height, depth, colour, interlace != 0)
        if kind == b"iCCP":
            profile = _profile(content)
        elif kind not in _TEXT or _orienting(kind, content):
            chunks.append((kind, content))
        if kind == b"IEND":
            break
        place = end
    return None if header is None else Png(header, chunks, profile)


def encode(pixels: npt.NDArray[np.uint16]) -> bytes:
    """Return (H, W, 3 | 4) uint16 as a PNG file of 16 bits a channel, marked as sRGB.

    Each row is filtered as the specification advises (§12.7): by the filter that leaves the least sum
    of absolute differences.
    """
    height, width, channels = pixels.shape
    raw = np.ascontiguousarray(pixels.astype(">u2")).view(np.uint8).reshape(height, -1)
    above = np.zeros((1, raw.shape[1]), np.uint8)
    packer = zlib.compressobj(6)
    packed = []
    for top in range(0, height, _ROWS):
        rows = raw[top : top + _ROWS]
        packed.append(packer.compress(_filtered(rows, above, 2 * channels).tobytes()))
        above = rows[-1:]
    packed.append(packer.flush())
    colour = {3: 2, 4: 6}[channels]
    return SIGNATURE + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)),
            _chunk(b"sRGB", b"\0"),
            _chunk(b"IDAT", b"".join(packed)),
            _chunk(b"IEND", b""),
        ]
    )


def _filtered(
    rows: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], step: int
) -> npt.NDArray[np.uint8]:
    """Return rows of bytes, each after the number of its filter (§9.2).

    Parameters
    ----------
    rows
        (H, bytes).
    above
        (1, bytes), the row before them.
    step
        Bytes of a pixel.
    """
    here = rows.astype(np.int16)
    up = np.concatenate([above.astype(np.int16), here[:-1]])
    left, corner = np.zeros_like(here), np.zeros_like(here)
    left[:, step:], corner[:, step:] = here[:, :-step], up[:, :-step]
    lines = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    least = np.full(len(rows), np.iinfo(np.int64).max)
    guesses = {0: np.zeros_like(here), 1: left, 2: up, 4: _paeth(left, up, corner)}
    for number, guess in guesses.items():
        difference = (here - guess).astype(np.uint8)
        size = np.abs(difference.view(np.int8).astype(np.int16)).sum(axis=1, dtype=np.int64)
        better = size < least
        least[better] = size[better]
        lines[better, 0], lines[better, 1:] = number, difference[better]
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _profile(content: bytes) -> bytes:
    """Return the profile of an iCCP chunk (§11.3.2.3): a name, its method, and compressed data."""
    packed = content.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, _MOST_PROFILE)
    except zlib.error:
        return content


def _orienting(kind: bytes, content: bytes) -> bool:
    """Return whether text may say how the picture is oriented, and is short."""
    key, _, rest = content.partition(b"\0")
    if key not in _ORIENTING or len(content) > _MOST_TEXT:
        return False
    if kind == b"tEXt":
        return True
    try:
        packed = rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[2]
        if kind == b"iTXt" and rest[:1] == b"\0":
            return True
        return len(zlib.decompressobj().decompress(packed, _MOST_TEXT)) < _MOST_TEXT
    except (zlib.error, IndexError):
        return False


def _paeth(
    left: npt.NDArray[np.int16], up: npt.NDArray[np.int16], corner: npt.NDArray[np.int16]
) -> npt.NDArray[np.int16]:
    """Return whichever of the three is nearest to left + up - corner (§9.4)."""
    by_left, by_up = np.abs(up - corner), np.abs(left - corner)
    by_corner = np.abs(left + up - 2 * corner)
    return np.where(
        (by_left <= by_up) & (by_left <= by_corner), left, np.where(by_up <= by_corner, up, corner)
    )


def _unfilter(
    filters: npt.NDArray[np.uint8], lines: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Undo the filters of (H, W, bytes) rows (§9.2).

    A pixel depends on those to its left and above, so whole diagonals are done at once: row r is
    shifted to the right by r, and the columns of that are taken in turn.
    """
    height, width, step = lines.shape
    if filters.max(initial=0) > 4:
        raise ValueError("a filter is unknown")
    # Columns first, so that each diagonal is contiguous; a border of zeros above and to the left.
    skewed = np.zeros((width + height + 1, height + 1, step), np.uint8)
    for row in range(height):
        skewed[row + 2 : row + 2 + width, row + 1] = lines[row]
    kind = filters[:, None]
    for place in range(2, width + height + 1):
        first, last = max(0, place - 1 - width), min(height, place - 1)
        rows = slice(first + 1, last + 1)
        above = slice(first, last)
        left, up, corner = (
            part.astype(np.int16)
            for part in (
                skewed[place - 1, rows],
                skewed[place - 1, above],
                skewed[place - 2, above],
            )
        )
        chosen = kind[first:last]
        guess = np.select(
            [chosen == 1, chosen == 2, chosen == 3, chosen == 4],
            [left, up, (left + up) >> 1, _paeth(left, up, corner)],
            0,
        )
        skewed[place, rows] += guess.astype(np.uint8)
    out = np.empty(lines.shape, np.uint8)
    for row in range(height):
        out[row] = skewed[row + 2 : row + 2 + width, row + 1]
    return out
