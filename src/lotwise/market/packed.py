"""What is inside a file: whole lines of text in blocks, out of plain, zip, gz and zst.

A packed file is looked at to its end before its first block is given, so that one that was cut off changes
nothing. A file of any size is read in blocks: a few of them are in memory at once, never the file.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lotwise.errors import InputError

BLOCK: Final = 16 * 2**20
"""Bytes of text in a block, more or less a line."""
CHUNK: Final = 4 * 2**20
ZIP: Final = b"PK"
GZ: Final = b"\x1f\x8b"
ZST: Final = b"\x28\xb5\x2f\xfd"
BOM: Final = b"\xef\xbb\xbf"


def beginning(path: Path, length: int = 8) -> bytes:
    """The first bytes of a file as they lie on the disk.

    Raises
    ------
    InputError
        DATA-137 where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(length)
    except OSError as error:
        raise InputError(
            "DATA-137", f"{path} cannot be read: {error.strerror or error}", hint="see whose file it is"
        ) from error


def first_line(path: Path) -> str:
    """The first line of the text in a file.

    Raises
    ------
    InputError
        DATA-101, DATA-120 where not even that can be unpacked.
    """
    held = b""
    for chunk in chunks(path, size=2**16):
        held += chunk
        if b"\n" in held:
            break
    return held.removeprefix(BOM).split(b"\n", 1)[0].decode("utf-8", "replace").strip()


def blocks(path: Path, size: int = 0) -> Iterator[bytes]:
    """The text of a file in blocks of whole lines, of :data:`BLOCK` or ``size``; the last may lack its end.

    Raises
    ------
    InputError
        DATA-101 not a whole zip file, or not with one csv in it; DATA-120 another packed file that was cut
        off or is damaged.
    """
    held, size = b"", size or BLOCK
    for chunk in _looked_at(path, size):
        held = held + chunk if held else chunk
        if len(held) >= size and (end := held.rfind(b"\n") + 1):
            yield held[:end]
            held = held[end:]
    if held:
        yield held


def _looked_at(path: Path, size: int) -> Iterator[bytes]:
    """The chunks of a file; of a packed one after all of it was unpacked once."""
    first = True
    if beginning(path)[:2] in (ZIP, GZ, ZST[:2]):
        kept: list[bytes] = []
        total = 0
        for chunk in chunks(path):
            total += len(chunk)
            if total <= size:
                kept.append(chunk)
            else:
                kept.clear()
        if total <= size:
            yield b"".join(kept).removeprefix(BOM)
            return
    for chunk in chunks(path):
        yield chunk.removeprefix(BOM) if first else chunk
        first = False


def chunks(path: Path, size: int = 0) -> Iterator[bytes]:
    """The unpacked bytes of a file, :data:`CHUNK` or ``size`` at a time.

    Raises
    ------
    InputError
        DATA-101, DATA-120; of a gz or zst file with how many rows came before.
    """
    head, size = beginning(path), size or CHUNK
    if head.startswith(ZIP):
        yield from _zipped(path, size)
    elif head.startswith(GZ):
        yield from _told(path, _gzipped(path, size), "gz")
    elif head.startswith(ZST):
        yield from _told(path, _zstandard(path, size), "zst")
    else:
        with path.open("rb") as file:
            while chunk := file.read(size):
                yield chunk


def _zipped(path: Path, size: int) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) == 1:
                with archive.open(names[0]) as file:  # which looks at the checksum at the end
                    while chunk := file.read(size):
                        yield chunk
                return
            told = f"{len(names)} csv files in it, expected one"
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError) as error:
        told = f"not a whole zip file: {error}"
    except RuntimeError as error:  # a method it does not know; a password
        told = f"not a zip file that can be read: {error}"
    raise InputError("DATA-101", f"{path.name}: {told}", hint="fetch it again: it was cut off or is another")


def _gzipped(path: Path, size: int) -> Iterator[bytes]:
    with gzip.open(path, "rb") as file:
        while chunk := file.read(size):
            yield chunk


def _zstandard(path: Path, size: int) -> Iterator[bytes]:
    import zstandard

    one = zstandard.ZstdDecompressor().decompressobj()
    begun = True
    try:
        with path.open("rb") as file:
            while packed := file.read(size // 8):
                while packed:
                    if one.eof:
                        one = zstandard.ZstdDecompressor().decompressobj()
                    begun = True
                    yield one.decompress(packed)
                    packed = one.unused_data if one.eof else b""
                    begun = not one.eof
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from error
    if begun:
        raise EOFError("the last frame does not end")


def _told(path: Path, unpacked: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The same chunks; an error of the packing says how many rows came before it."""
    rows = 0
    try:
        for chunk in unpacked:
            rows += chunk.count(b"\n")
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
        raise InputError(
            "DATA-120",
            f"{path.name}, after row {rows}: not a whole {name} file: {str(error).lower()}",
            hint="fetch it again: it was cut off or is damaged",
        ) from error
