"""Judges an uploaded file by its content and makes its thumbnails. Must not trust anything that the
client said about it; runs in a thread, because decoding takes seconds."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

from resolvers.media.containers import without_metadata
from resolvers.media.errors import InvalidMime, TooLarge

# A decoded picture takes 4 bytes a pixel, and the WebP decoder holds it four times: each limit
# means some 250 to 400 MB while one picture is decoded.
_PIXELS = {
    "image/jpeg": 50_000_000,
    "image/png": 50_000_000,
    "image/gif": 50_000_000,
    "image/webp": 25_000_000,
}
# Pillow's own warning comes above our limits and would only fill the log.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
_FRAMES = 400
_PIXELS_OF_ALL_FRAMES = 200_000_000

# What Pillow calls the accepted formats. MPO is a JPEG that has further pictures behind it.
_MIME_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg"}
_ANYTHING = {"", "application/octet-stream"}
_ACCEPTED = "image/jpeg, image/png, image/webp or image/gif"

_ORIENTATION = 0x0112  # Exif 2.3, 4.6.4
_PROFILE_BYTES = 64 << 10


class ThumbnailSize(StrEnum):
    """The two sizes that are made of every picture."""

    SMALL = "small"
    LARGE = "large"

    @property
    def longest_side(self) -> int:
        """In pixels."""
        return 320 if self is ThumbnailSize.SMALL else 960


@dataclass(frozen=True, slots=True)
class Picture:
    """An examined picture: what is stored and served. `width` and `height` are pixels as shown."""

    mime_type: str
    width: int
    height: int
    content: bytes
    thumbnails: dict[ThumbnailSize, bytes]


THUMBNAIL_MIME_TYPE = "image/webp"


def declared_type(value: str | None) -> str | None:
    """The type that a client declared, None when it left that open. Raises InvalidMime when it is
    none that is accepted."""
    bare = (value or "").partition(";")[0].strip().lower()
    if bare in _ANYTHING:
        return None
    bare = _ALIASES.get(bare, bare)
    if bare not in _PIXELS:
        raise InvalidMime(f"Only {_ACCEPTED} can be uploaded, not {bare[:60]}.")
    return bare


def examine(content: bytes, declared: str | None) -> Picture:
    """The picture that a file holds, without its metadata and with its thumbnails. Its type is what
    its content is. Raises InvalidMime when that is none of the four, is broken or is not what was
    declared, and TooLarge for too many pixels or frames (spec/03-auctions.md#catalogue)."""
    mime_type, orientation = _headline(content)
    if declared is not None and declared != mime_type:
        raise InvalidMime(f"The content is {mime_type}, not {declared}. Declare it as it is.")
    with _hostile():
        clean = without_metadata(mime_type, content, orientation)
        (width, height), large = _decode_all(clean, mime_type)
    if orientation in _TURNS:
        large = large.transpose(_TURNS[orientation])
    profile = _colour_profile(large)
    small = _fitted(large, ThumbnailSize.SMALL)
    thumbnails = {
        ThumbnailSize.SMALL: _encoded(small, profile),
        ThumbnailSize.LARGE: _encoded(large, profile),
    }
    turned = orientation >= 5
    return Picture(
        mime_type=mime_type,
        width=height if turned else width,
        height=width if turned else height,
        content=clean,
        thumbnails=thumbnails,
    )


@contextmanager
def _hostile() -> Iterator[None]:
    """Whatever a decoder says about a file that somebody made up, it is the file's fault."""
    try:
        yield
    except (InvalidMime, TooLarge):
        raise
    except Image.DecompressionBombError:
        raise TooLarge(f"A picture has at most {_PIXELS['image/jpeg']:,} pixels.") from None
    except Exception as error:
        raise InvalidMime(f"The file is broken or no picture: send {_ACCEPTED}.") from error


def _headline(content: bytes) -> tuple[str, int]:
    """The type and orientation that the first bytes tell, before anything is decoded."""
    with _hostile():
        image = _opened(content)
        mime_type = _MIME_TYPES[image.format or ""]
        _require_size(image.size, mime_type)
        return mime_type, _orientation(image) if mime_type == "image/jpeg" else 1


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception:
        return 1  # broken metadata does not make a broken picture
    return value if isinstance(value, int) and 2 <= value <= 8 else 1


def _require_size(size: tuple[int, int], mime_type: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InvalidMime("The picture is empty.")
    if width * height > _PIXELS[mime_type]:
        raise TooLarge(f"A picture of this type has at most {_PIXELS[mime_type]:,} pixels.")


def _decode_all(content: bytes, mime_type: str) -> tuple[tuple[int, int], Image.Image]:
    """Decodes every frame once, so that what is served can be shown; gives the size and the large
    thumbnail of the first frame. Raises what the decoder raises, and TooLarge."""
    with _opened(content) as check:
        check.verify()
    with _opened(content) as image:
        _require_size(image.size, mime_type)
        image.load()
        size, large = image.size, _fitted(_in_rgb(image), ThumbnailSize.LARGE)
        for frame in range(1, _FRAMES + 1):
            try:
                image.seek(frame)
            except EOFError:
                return size, large
            if (frame + 1) * size[0] * size[1] > _PIXELS_OF_ALL_FRAMES:
                break
            image.load()
    raise TooLarge(f"An animation has at most {_FRAMES} frames, and fewer if they are big.")


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "GIF"))


def _fitted(image: Image.Image, size: ThumbnailSize) -> Image.Image:
    """A copy that fits the size; smaller pictures are not enlarged."""
    scale = min(1.0, size.longest_side / max(image.size))
    target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _in_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _colour_profile(image: Image.Image) -> bytes | None:
    """The picture's own profile if it is one for RGB (ICC.1:2022, 7.2), which thumbnails are in."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or len(profile) > _PROFILE_BYTES:
        return None
    return profile if profile[16:20] == b"RGB " else None


def _encoded(image: Image.Image, profile: bytes | None) -> bytes:
    target = io.BytesIO()
    image.save(target, "WEBP", quality=80, icc_profile=profile)
    return target.getvalue()
