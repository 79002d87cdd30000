"""Rewrites a picture file without its metadata: only the parts on the lists here are kept, so that
a place, a device, a comment, an embedded preview or what is hung on behind the picture cannot get
out. Pixels stay as they are (docs/decisions/0006-media.md). Decodes nothing, and tells beforehand
how much there is to decode.

Runs before any decoder sees the file. Reads each byte a bounded number of times, whatever the file
says: a search begins where the last one ended, and no pattern repeats anything."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass


class BrokenContainer(Exception):
    """The file is not built as its format demands."""


@dataclass(slots=True)
class Container:
    """A file without its metadata, and what a decoder will have to do: `scans` are the passes over
    a JPEG, `frames` those of an animation, each as large as `width` by `height` pixels (the canvas,
    or the largest frame where one reaches beyond it). `orientation` is that of Exif, 1 to 8."""

    mime_type: str
    content: bytes = b""
    width: int = 0
    height: int = 0
    scans: int = 0
    frames: int = 0
    orientation: int = 1

    def holds(self, width: int, height: int) -> None:
        """Makes room for a frame of this size."""
        self.width, self.height = max(self.width, width), max(self.height, height)


# So many segments, chunks or blocks no encoder writes; the largest file could have millions.
_PARTS = 100_000

# ITU-T T.81: frame headers, Huffman tables, scans, quantisation, restart intervals. Of the frames
# only baseline, extended and progressive Huffman coding: no browser shows the others, and nothing
# bounds the time that arithmetic decoding takes for each byte.
_JPEG_FRAMES = {0xC0, 0xC1, 0xC2}
_JPEG_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_KEPT = _JPEG_FRAMES | {0xC4, 0xDA, 0xDB, 0xDC, 0xDD}
# Escaped data, padding, restarts within a scan, start of image: none of them begins a segment.
_JPEG_NO_SEGMENT = {0x00, 0x01, *range(0xD0, 0xD9)}
_JPEG_EXIF, _JPEG_SCAN, _JPEG_END = 0xE1, 0xDA, 0xD9
# Repeats nothing, so that looking for it takes each byte once: a run of 0xFF is no marker until its
# last byte, and what stands before that is fill.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
_FILL = b"\xff" * 4096
# Searches hold the interpreter: other threads get their turn in between.
_WINDOW = 256 << 10

# PNG, third edition: critical chunks, colour, physical size, animation. No text, time or Exif.
_PNG_KEPT = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP"),
    *(b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"),
}
_PNG_START = b"\x89PNG\r\n\x1a\n"

# RFC 9649: pictures, transparency, colour profile, animation. No Exif, no XMP, nothing unknown.
_WEBP_KEPT = {b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"}
_WEBP_FRAME_KEPT = {b"ALPH", b"VP8 ", b"VP8L"}
_WEBP_METADATA_FLAGS = 0x0C

_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B
_GIF_CONTROL, _GIF_APPLICATION = 0xF9, 0xFF


def _part(content: bytes, start: int, length: int) -> bytes:
    part = content[start : start + length]
    if len(part) < length:
        raise BrokenContainer("it ends too early")
    return part


def _counted(parts: int) -> int:
    if parts >= _PARTS:
        raise BrokenContainer("it has too many parts")
    return parts + 1


def _jpeg_segment(marker: int, body: bytes) -> bytes:
    if marker in _JPEG_KEPT:
        kept = body
    elif marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14:
        kept = body[:12] + b"\0\0"  # without the preview that may follow
    elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
        kept = body
    elif marker == 0xEE and body.startswith(b"Adobe"):
        kept = body[:12]  # says how the colours are meant
    else:
        return b""
    return bytes((0xFF, marker)) + (len(kept) + 2).to_bytes(2, "big") + kept


def _exif_of(orientation: int) -> bytes:
    # One TIFF entry: tag 0x0112, type SHORT, count 1 (Exif 2.3, 4.6.4).
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01" + orientation.to_bytes(2, "big") + b"\0\0"
    body = b"Exif\0\0MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _orientation_in(body: bytes) -> int | None:
    """The orientation that an Exif segment tells, None without one that counts. Looks at the first
    directory only: following what its entries point at has no end that the file's size sets."""
    order = {b"II": "<", b"MM": ">"}.get(body[6:8])
    if not body.startswith(b"Exif\0\0") or order is None:
        return None
    tiff = body[6:]
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, place)
            if tag == 0x0112:
                short = "H" if kind == 3 else "I"  # TIFF 6.0: SHORT, or LONG as some write it
                (value,) = struct.unpack_from(f"{order}{short}", tiff, place + 8)
                return value if kind in (3, 4) and values == 1 and 2 <= value <= 8 else None
    except struct.error:
        pass  # broken metadata does not make a broken picture
    return None


def _past_fill(content: bytes, position: int) -> int:
    """Where the run of 0xFF ends that begins at a position (T.81, B.1.1.2: fill bytes)."""
    while content.startswith(_FILL, position):
        position += len(_FILL)
    while content.startswith(b"\xff", position):
        position += 1
    return position


def _before_fill(content: bytes, start: int, end: int) -> int:
    """Where the run of 0xFF begins that ends at a position, not before `start`."""
    while end - len(_FILL) >= start and content.startswith(_FILL, end - len(_FILL)):
        end -= len(_FILL)
    while end > start and content[end - 1] == 0xFF:
        end -= 1
    return end


def _scan_end(content: bytes, position: int) -> int:
    """Where the coded data of a scan end: at the next marker that begins a segment."""
    for start in range(position, len(content), _WINDOW):
        # One byte more: a marker may lie across the edge.
        found = _JPEG_MARKER.search(content, start, start + _WINDOW + 1)
        if found is not None:
            return found.start()
    raise BrokenContainer("it ends too early")


def _jpeg(content: bytes, found: Container) -> Iterator[bytes]:
    position, parts = 2, 0
    while True:
        parts = _counted(parts)
        code_at = _past_fill(content, position)
        marker = _part(content, code_at, 1)[0]
        if code_at == position or marker in _JPEG_NO_SEGMENT:
            raise BrokenContainer("a marker is missing")
        position = code_at + 1
        if marker == _JPEG_END:
            yield b"\xff\xd9"
            return
        if marker in _JPEG_OTHER_FRAMES:
            raise BrokenContainer("a way of coding that is not shown by browsers")
        length = int.from_bytes(_part(content, position, 2), "big")
        body = _part(content, position, length)[2:]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">xHH", _part(body, 0, 5))
            found.holds(width, height)
        elif marker == _JPEG_EXIF and found.orientation == 1:
            found.orientation = _orientation_in(body) or 1
        yield _jpeg_segment(marker, body)
        position += max(length, 2)
        if marker == _JPEG_SCAN:
            found.scans += 1
            end = _scan_end(content, position)
            yield content[position : _before_fill(content, position, end)]
            position = end


def _rewritten_jpeg(content: bytes, found: Container) -> Iterator[bytes]:
    parts = list(_jpeg(content, found))
    yield content[:2]
    if found.orientation != 1:
        yield _exif_of(found.orientation)
    yield from parts


def _png(content: bytes, found: Container) -> Iterator[bytes]:
    yield _PNG_START
    position, kind, parts = len(_PNG_START), b"", 0
    while kind != b"IEND":
        parts = _counted(parts)
        head = _part(content, position, 8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        body = _part(content, position + 8, length)
        checksum = _part(content, position + 8 + length, 4)
        if zlib.crc32(body, zlib.crc32(kind)).to_bytes(4, "big") != checksum:
            raise BrokenContainer("a checksum is wrong")
        if (kind == b"IHDR") is not (parts == 1):
            raise BrokenContainer("the header is not the first chunk, or not the only one")
        if kind == b"IHDR":
            found.holds(*struct.unpack(">II", _part(body, 0, 8)))
        if kind == b"fcTL" or (kind == b"IDAT" and not found.frames):
            # A picture before the first frame is no part of the animation, but decoded as well.
            found.frames += 1
        if kind in _PNG_KEPT:
            yield head + body + checksum
        position += 12 + length


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position, parts = 0, 0
    while position < len(content):
        parts = _counted(parts)
        head = _part(content, position, 8)
        length = int.from_bytes(head[4:], "little")
        yield head[:4], _part(content, position + 8, length)
        position += 8 + length + length % 2


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """The width and height that a chunk tells (RFC 9649, 2.7, 3.4; RFC 6386, 9.1); zeros where it
    tells none."""
    if kind == b"VP8X":
        size = _part(body, 4, 6)
        return int.from_bytes(size[:3], "little") + 1, int.from_bytes(size[3:], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(_part(body, 1, 4), "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", _part(body, 6, 4))
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _webp_chunk(kind: bytes, body: bytes, found: Container) -> bytes:
    found.holds(*_webp_size(kind, body))
    if kind == b"VP8X":
        flags = _part(body, 0, 1)[0] & ~_WEBP_METADATA_FLAGS
        body = bytes((flags,)) + body[1:]
    elif kind == b"ANMF":
        found.frames += 1
        kept = [part for part in _riff(body[16:]) if part[0] in _WEBP_FRAME_KEPT]
        for part in kept:
            found.holds(*_webp_size(*part))
        body = _part(body, 0, 16) + b"".join(_riff_chunk(*part) for part in kept)
    return _riff_chunk(kind, body)


def _webp(content: bytes, found: Container) -> Iterator[bytes]:
    length = int.from_bytes(_part(content, 4, 4), "little")
    body = _part(content, 8, length)
    chunks = [_webp_chunk(*chunk, found) for chunk in _riff(body[4:]) if chunk[0] in _WEBP_KEPT]
    kept = b"WEBP" + b"".join(chunks)
    yield b"RIFF" + len(kept).to_bytes(4, "little") + kept


def _gif_blocks_end(content: bytes, position: int) -> int:
    try:
        while size := content[position]:
            position += 1 + size
    except IndexError:
        raise BrokenContainer("it ends too early") from None
    return position + 1


def _gif_colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _gif_extension(content: bytes, start: int, end: int) -> bytes:
    if content[start + 1] == _GIF_CONTROL:
        return content[start:end]
    body = content[start + 2 : end]
    if content[start + 1] == _GIF_APPLICATION and body.startswith(
        (b"\x0bNETSCAPE2.0\x03\x01", b"\x0bANIMEXTS1.0\x03\x01")
    ):
        return content[start : start + 18] + b"\0"  # how often it repeats
    return b""


def _gif(content: bytes, found: Container) -> Iterator[bytes]:
    found.holds(*struct.unpack("<HH", _part(content, 6, 4)))
    position, parts = 13 + _gif_colours(_part(content, 10, 1)[0]), 0
    yield _part(content, 0, position)
    while True:
        parts = _counted(parts)
        kind = _part(content, position, 1)[0]
        if kind == _GIF_END:
            yield b"\x3b"
            return
        if kind == _GIF_EXTENSION:
            end = _gif_blocks_end(content, position + 2)
            yield _gif_extension(content, position, end)
        elif kind == _GIF_IMAGE:
            left, top, width, height, flags = struct.unpack(
                "<HHHHB", _part(content, position + 1, 9)
            )
            # Decoders make the whole picture as large as its largest frame demands.
            found.holds(left + width, top + height)
            found.frames += 1
            end = _gif_blocks_end(content, position + 11 + _gif_colours(flags))
            yield content[position:end]
        else:
            raise BrokenContainer("an unknown block")
        position = end


_WRITERS: dict[str, Callable[[bytes, Container], Iterator[bytes]]] = {
    "image/jpeg": _rewritten_jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}


def type_of(content: bytes) -> str | None:
    """The MIME type that the first bytes of a file tell, None for none of the four."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(_PNG_START):
        return "image/png"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if content.startswith((b"GIF87a", b"GIF89a")) else None


def without_metadata(mime_type: str, content: bytes) -> Container:
    """The same picture without metadata, and what decoding it will take; a JPEG keeps its
    orientation, because its pixels are not turned. Raises BrokenContainer."""
    found = Container(mime_type)
    found.content = b"".join(_WRITERS[mime_type](content, found))
    found.scans, found.frames = max(1, found.scans), max(1, found.frames)
    return found
