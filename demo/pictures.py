"""Draws a plain illustration for each of the demo's goods; stores none."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from PIL import Image, ImageDraw

__all__ = ["drawn"]

_SIZE: Final = (640, 480)
_COLOURS: Final = (
    ("#f2e8d5", "#3f5e5a"),
    ("#dfe7ee", "#7a4b3a"),
    ("#efe1e4", "#40506e"),
    ("#e4eedd", "#6b4a74"),
    ("#f4e3cf", "#2f5d7c"),
    ("#e3e3ee", "#7a6a2f"),
)


def _box(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.rounded_rectangle((150, 170, 490, 320), 24, fill=dark)
    draw.ellipse((290, 205, 350, 265), fill=light)
    draw.rectangle((180, 285, 300, 297), fill=light)


def _pad(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.rounded_rectangle((160, 180, 480, 310), 65, fill=dark)
    draw.ellipse((195, 215, 255, 275), fill=light)
    for x, y in ((400, 205), (430, 235), (370, 235), (400, 265)):
        draw.ellipse((x - 12, y - 2, x + 12, y + 22), fill=light)


def _slab(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.rounded_rectangle((230, 90, 410, 390), 22, fill=dark)
    draw.rectangle((252, 118, 388, 300), fill=light)
    for x in (270, 320, 370):
        draw.ellipse((x - 14, 328, x + 14, 356), fill=light)


def _ring(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.rectangle((285, 60, 355, 420), fill=dark)
    draw.ellipse((210, 130, 430, 350), fill=dark)
    draw.ellipse((236, 156, 404, 324), fill=light)
    draw.line((320, 240, 320, 180), fill=dark, width=8)
    draw.line((320, 240, 365, 262), fill=dark, width=8)


def _arc(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.arc((190, 110, 450, 400), 180, 360, fill=dark, width=26)
    for x in (190, 404):
        draw.rounded_rectangle((x, 245, x + 46, 365), 18, fill=dark)
        draw.rectangle((x + 18, 265, x + 28, 345), fill=light)


def _book(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.polygon([(320, 150), (140, 120), (140, 350), (320, 380)], fill=dark)
    draw.polygon([(320, 150), (500, 120), (500, 350), (320, 380)], fill=dark)
    for y in (175, 215, 255, 295):
        draw.line((165, y, 300, y + 22), fill=light, width=7)
        draw.line((340, y + 22, 475, y), fill=light, width=7)


def _wheels(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    for x in (130, 370):
        draw.ellipse((x, 220, x + 150, 370), outline=dark, width=12)
    draw.line([(205, 295), (280, 200), (400, 200), (330, 295), (205, 295)], fill=dark, width=10)
    draw.line([(445, 295), (395, 165), (430, 150)], fill=dark, width=10)
    draw.ellipse((318, 283, 342, 307), fill=light, outline=dark, width=6)


def _roof(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.polygon([(320, 100), (110, 370), (530, 370)], fill=dark)
    draw.polygon([(320, 190), (260, 370), (380, 370)], fill=light)


def _cup(draw: ImageDraw.ImageDraw, dark: str, light: str) -> None:
    draw.ellipse((380, 200, 480, 300), outline=dark, width=20)
    draw.rounded_rectangle((190, 160, 410, 350), 40, fill=dark)
    draw.ellipse((160, 345, 440, 385), fill=dark)
    draw.rectangle((215, 185, 385, 197), fill=light)


_SHAPES: Final[dict[str, Callable[[ImageDraw.ImageDraw, str, str], None]]] = {
    "Xbox consoles": _box,
    "Games": _pad,
    "Controllers": _pad,
    "Palm handhelds": _slab,
    "Headphones": _arc,
    "Cameras": _box,
    "Cartier watches": _ring,
    "Rings": _ring,
    "Kitchenware": _cup,
    "Lamps": _roof,
    "Travel": _book,
    "Cookery": _book,
    "Bicycles": _wheels,
    "Camping": _roof,
}


def drawn(subcategory: str, number: int) -> bytes:
    """A PNG of the kind of goods that stand in the subcategory; `number` chooses the colours."""
    light, dark = _COLOURS[number % len(_COLOURS)]
    picture = Image.new("RGB", _SIZE, light)
    _SHAPES[subcategory](ImageDraw.Draw(picture), dark, light)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()
