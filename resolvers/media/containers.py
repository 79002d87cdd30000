"""Rewrites a picture file without its metadata: only the parts on the lists here are kept, so that
a place, a device, a comment, an embedded preview or what is hung on behind the picture cannot get
out. Pixels stay as they are (docs/decisions/0006-media.md). Decodes nothing."""

import re
import zlib
from collections.abc import Callable, Iterator


class BrokenContainer(Exception):
    """The file is not built as its format demands."""


# ITU-T T.81: frame headers, Huffman and arithmetic tables, scans, quantisation, restart intervals.
_JPEG_KEPT = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD} - {0xC8}
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd8])")
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9

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


def _jpeg(content: bytes, orientation: int) -> Iterator[bytes]:
    yield _part(content, 0, 2)
    if orientation != 1:
        yield _exif_of(orientation)
    position = 2
    while True:
        found = _JPEG_MARKER.match(content, position)
        if found is None:
            raise BrokenContainer("a marker is missing")
        marker, position = found[1][0], found.end()
        if marker == _JPEG_END:
            yield b"\xff\xd9"
            return
        length = int.from_bytes(_part(content, position, 2), "big")
        yield _jpeg_segment(marker, _part(content, position, length)[2:])
        position += max(length, 2)
        if marker == _JPEG_SCAN:
            following = _JPEG_MARKER.search(content, position)
            if following is None:
                raise BrokenContainer("it ends too early")
            yield content[position : following.start()]
            position = following.start()


def _png(content: bytes, _: int) -> Iterator[bytes]:
    yield _PNG_START
    position, kind = len(_PNG_START), b""
    while kind != b"IEND":
        head = _part(content, position, 8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        body = _part(content, position + 8, length)
        checksum = _part(content, position + 8 + length, 4)
        if zlib.crc32(kind + body).to_bytes(4, "big") != checksum:
            raise BrokenContainer("a checksum is wrong")
        if kind in _PNG_KEPT:
            yield head + body + checksum
        position += 12 + length


def _riff(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position < len(content):
        head = _part(content, position, 8)
        length = int.from_bytes(head[4:], "little")
        yield head[:4], _part(content, position + 8, length)
        position += 8 + length + length % 2


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


def _webp_chunk(kind: bytes, body: bytes) -> bytes:
    if kind == b"VP8X":
        flags = _part(body, 0, 1)[0] & ~_WEBP_METADATA_FLAGS
        body = bytes((flags,)) + body[1:]
    elif kind == b"ANMF":
        frame = [_riff_chunk(*part) for part in _riff(body[16:]) if part[0] in _WEBP_FRAME_KEPT]
        body = _part(body, 0, 16) + b"".join(frame)
    return _riff_chunk(kind, body)


def _webp(content: bytes, _: int) -> Iterator[bytes]:
    length = int.from_bytes(_part(content, 4, 4), "little")
    body = _part(content, 8, length)
    chunks = [_webp_chunk(*chunk) for chunk in _riff(body[4:]) if chunk[0] in _WEBP_KEPT]
    kept = b"WEBP" + b"".join(chunks)
    yield b"RIFF" + len(kept).to_bytes(4, "little") + kept


def _gif_blocks_end(content: bytes, position: int) -> int:
    while size := _part(content, position, 1)[0]:
        position += 1 + size
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


def _gif(content: bytes, _: int) -> Iterator[bytes]:
    position = 13 + _gif_colours(_part(content, 10, 1)[0])
    yield _part(content, 0, position)
    while True:
        kind = _part(content, position, 1)[0]
        if kind == _GIF_END:
            yield b"\x3b"
            return
        if kind == _GIF_EXTENSION:
            end = _gif_blocks_end(content, position + 2)
            yield _gif_extension(content, position, end)
        elif kind == _GIF_IMAGE:
            data = position + 10 + _gif_colours(_part(content, position + 9, 1)[0])
            end = _gif_blocks_end(content, data + 1)
            yield content[position:end]
        else:
            raise BrokenContainer("an unknown block")
        position = end


_WRITERS: dict[str, Callable[[bytes, int], Iterator[bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}


def without_metadata(mime_type: str, content: bytes, orientation: int) -> bytes:
    """The same picture without metadata; a JPEG keeps its `orientation` (Exif, 1 to 8), because its
    pixels are not turned. Raises BrokenContainer."""
    return b"".join(_WRITERS[mime_type](content, orientation))
