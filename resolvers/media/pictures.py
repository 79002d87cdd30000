"""Judges an uploaded file by its content and makes its thumbnails. Must not trust anything that the
client said about it; runs in a thread, because decoding takes seconds."""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Final

from PIL import Image

from core.settings import Limits
from resolvers.media.containers import Container, type_of, without_metadata
from resolvers.media.errors import InvalidMime, TooLarge

# A decoded picture takes 4 bytes a pixel, and the WebP decoder holds it four times: of the limit of
# pixels WebP has a half, and the others mean some 250 to 400 MB while one picture is decoded.
_SHARE = {"image/jpeg": 1.0, "image/png": 1.0, "image/gif": 1.0, "image/webp": 0.5}
# Pillow copies a decoded WebP while it holds the interpreter: one copy of 100 MB at a time.
_ONE_WEBP = Lock()
# Reading a container is Python: two at once would leave the event loop every third turn or less.
_ONE_CONTAINER = Lock()
# Pillow's own warning comes above our limits and would only fill the log.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
STANDARD: Final = Limits.model_construct()
"""The specification's limits, whatever is configured."""

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg"}
_ANYTHING = {"", "application/octet-stream"}
_ACCEPTED = "image/jpeg, image/png, image/webp or image/gif"
_BROKEN = f"The file is broken or no picture: send {_ACCEPTED}."

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
    """An examined picture: what is stored and served. `width` and `height` are pixels as shown,
    `sha256` is that of the content, in hex."""

    mime_type: str
    width: int
    height: int
    content: bytes
    sha256: str
    thumbnails: dict[ThumbnailSize, bytes]


THUMBNAIL_MIME_TYPE = "image/webp"


def declared_type(value: str | None) -> str | None:
    """The type that a client declared, None when it left that open. Raises InvalidMime when it is
    none that is accepted."""
    bare = (value or "").partition(";")[0].strip().lower()
    if bare in _ANYTHING:
        return None
    bare = _ALIASES.get(bare, bare)
    if bare not in _FORMATS:
        raise InvalidMime(f"Only {_ACCEPTED} can be uploaded, not {bare[:60]}.")
    return bare


def examine(content: bytes, declared: str | None, limits: Limits = STANDARD) -> Picture:
    """The picture that a file holds, without its metadata and with its thumbnails. Its type is what
    its content is. Raises InvalidMime when that is none of the four, is broken or is not what was
    declared, and TooLarge for more to decode than the limits allow
    (spec/03-auctions.md#catalogue). No decoder sees the file before it is found within them."""
    mime_type = type_of(content)
    if mime_type is None:
        raise InvalidMime(_BROKEN)
    if declared is not None and declared != mime_type:
        raise InvalidMime(f"The content is {mime_type}, not {declared}. Declare it as it is.")
    with _hostile():
        with _ONE_CONTAINER:
            clean = without_metadata(mime_type, content)
        _require_bounded(clean, limits)
        with _ONE_WEBP if mime_type == "image/webp" else nullcontext():
            (width, height), large = _decode_all(clean)
    orientation = clean.orientation
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
        content=clean.content,
        sha256=hashlib.sha256(clean.content).hexdigest(),
        thumbnails=thumbnails,
    )


@contextmanager
def _hostile() -> Iterator[None]:
    """Whatever a decoder says about a file that somebody made up, it is the file's fault."""
    try:
        yield
    except (InvalidMime, TooLarge):
        raise
    except Exception as error:
        raise InvalidMime(_BROKEN) from error


def _require_bounded(found: Container, limits: Limits) -> None:
    """Raises TooLarge when decoding would take longer, or more memory, than a picture may: by its
    pixels, those of all frames, and those that the scans of a progressive JPEG go over."""
    if found.width < 1 or found.height < 1:
        raise InvalidMime("The picture is empty.")
    pixels = found.width * found.height
    most = int(limits.picture_pixels * _SHARE[found.mime_type])
    if pixels > most:
        raise TooLarge(f"A picture of this type has at most {most:,} pixels. Make it smaller.")
    scans = min(limits.picture_scans, limits.picture_scan_pixels // pixels)
    if found.scans > scans:
        raise TooLarge(
            f"A JPEG of {pixels:,} pixels has at most {scans} scans, not {found.scans}. "
            "Save it without the option progressive, or smaller."
        )
    frames = min(limits.picture_frames, limits.picture_frame_pixels // pixels)
    if found.frames > max(1, frames):
        raise TooLarge(
            f"An animation has at most {limits.picture_frames} frames, and of {pixels:,} pixels at "
            f"most {max(1, frames)}. Leave some out, or make it smaller."
        )


def _decode_all(found: Container) -> tuple[tuple[int, int], Image.Image]:
    """Decodes every frame once, so that what is served can be shown; gives the size and the large
    thumbnail of the first frame. Raises what the decoder raises, and InvalidMime when it finds more
    in the file than was counted."""
    with _opened(found) as check:
        check.verify()
    with _opened(found) as image:
        _require_as_counted(image, found)
        image.load()
        size, large = image.size, _fitted(_in_rgb(image), ThumbnailSize.LARGE)
        for frame in range(1, found.frames + 1):
            try:
                image.seek(frame)
            except EOFError:
                return size, large
            _require_as_counted(image, found)
            image.load()
    raise InvalidMime(_BROKEN)


def _opened(found: Container) -> Image.Image:
    return Image.open(io.BytesIO(found.content), formats=(_FORMATS[found.mime_type],))


def _require_as_counted(image: Image.Image, found: Container) -> None:
    width, height = image.size
    if width > found.width or height > found.height:
        raise InvalidMime(_BROKEN)


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
