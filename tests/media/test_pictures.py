"""What counts as a picture, and what of it is stored (docs/decisions/0006-media.md)."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from resolvers.media.errors import InvalidMime, TooLarge
from resolvers.media.pictures import ThumbnailSize, declared_type, examine
from tests.media import files


@pytest.mark.parametrize("kind", files.TYPES)
def test_a_good_picture_is_stored_byte_for_byte(kind: str) -> None:
    content = files.picture(kind)
    picture = examine(content, files.mime_type(kind))
    assert picture.mime_type == files.mime_type(kind)
    assert (picture.width, picture.height) == (64, 48)
    assert picture.content == content


@pytest.mark.parametrize("kind", files.TYPES)
def test_a_type_that_was_left_open_is_found_by_content(kind: str) -> None:
    assert examine(files.picture(kind), None).mime_type == files.mime_type(kind)


@pytest.mark.parametrize("kind", files.TYPES)
def test_another_type_than_the_declared_one_is_refused(kind: str) -> None:
    other = "image/gif" if kind != "GIF" else "image/png"
    with pytest.raises(InvalidMime, match=f"is {files.mime_type(kind)}, not {other}"):
        examine(files.picture(kind), other)


@pytest.mark.parametrize(
    "content", [files.SCRIPT, files.PAGE, files.SVG, b"x", b"GIF89a", b"\xff\xd8"]
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidMime):
        examine(content, "image/png")


def test_formats_that_pillow_knows_but_souk_does_not_take_are_refused() -> None:
    for kind in ("BMP", "TIFF", "ICO", "AVIF", "PPM"):
        with pytest.raises(InvalidMime):
            examine(files.picture(kind), None)


@pytest.mark.parametrize("kind", files.TYPES)
def test_a_truncated_picture_is_refused_wherever_it_was_cut(kind: str) -> None:
    content = files.picture(kind)
    for length in (len(content) // 4, len(content) // 2, len(content) - 40, len(content) - 1):
        with pytest.raises(InvalidMime):
            examine(content[:length], None)


@pytest.mark.parametrize("kind", files.TYPES)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_picture_is_either_shown_or_refused_and_never_a_bug(
    kind: str, data: st.DataObject
) -> None:
    content = bytearray(files.picture(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        picture = examine(bytes(content), None)
    except (InvalidMime, TooLarge):
        return
    files.opened(picture.content)


@pytest.mark.parametrize("kind", files.TYPES)
def test_metadata_and_what_hangs_behind_are_gone_and_the_pixels_are_the_same(kind: str) -> None:
    content = files.with_metadata(kind)
    picture = examine(content, None)
    assert files.SECRET not in picture.content
    assert b"secret" not in picture.content
    kept = files.opened(picture.content)
    assert not kept.getexif()
    assert not {"exif", "xmp", "comment", "Location"} & set(kept.info)
    before, after = files.opened(content).convert("RGB"), kept.convert("RGB")
    assert ImageChops.difference(before, after).getbbox() is None
    for thumbnail in picture.thumbnails.values():
        assert files.SECRET not in thumbnail
        assert not files.opened(thumbnail).getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_shown_as_it_was_taken_without_the_rest_of_its_exif(
    orientation: int,
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = files.SECRET.decode()
    content = files.picture("JPEG", quality=95, exif=exif)
    picture = examine(content, "image/jpeg")
    assert files.SECRET not in picture.content
    kept = files.opened(picture.content).getexif()
    assert dict(kept) == ({} if orientation == 1 else {0x0112: orientation})
    assert (picture.width, picture.height) == ((64, 48) if orientation < 5 else (48, 64))
    small = files.opened(picture.thumbnails[ThumbnailSize.SMALL]).convert("RGB")
    assert small.size == (picture.width, picture.height)
    right, bottom = small.width - 4, small.height - 4
    corners = {
        1: (3, 3), 2: (right, 3), 3: (right, bottom), 4: (3, bottom),
        5: (3, 3), 6: (right, 3), 7: (right, bottom), 8: (3, bottom),
    }  # fmt: skip
    red, green, blue = small.getpixel(corners[orientation])  # type: ignore[misc]  # RGB gives three
    assert red > 200
    assert green < 60
    assert blue < 60


def test_a_preview_inside_a_jpeg_is_dropped() -> None:
    exif = Image.Exif()
    preview = files.encoded(files.painted(16, 16), "JPEG", comment=files.SECRET)
    content = files.picture("JPEG", exif=exif)
    hidden = b"\xff\xe1" + (len(preview) + 8).to_bytes(2, "big") + b"Exif\0\0" + preview
    picture = examine(content[:2] + hidden + content[2:], "image/jpeg")
    assert picture.content == files.picture("JPEG")


def test_a_colour_profile_is_kept_also_by_the_thumbnails() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP"):
        picture = examine(files.picture(kind, icc_profile=profile), None)
        assert files.opened(picture.content).info["icc_profile"] == profile
        small = files.opened(picture.thumbnails[ThumbnailSize.SMALL])
        assert small.info["icc_profile"] == profile


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_goes_on_moving(kind: str) -> None:
    content = files.animation(kind)
    picture = examine(content, files.mime_type(kind))
    kept = Image.open(io.BytesIO(picture.content))
    assert getattr(kept, "n_frames", 1) == 3
    assert kept.info.get("loop") == Image.open(io.BytesIO(content)).info.get("loop") == 0
    small = Image.open(io.BytesIO(picture.thumbnails[ThumbnailSize.SMALL]))
    assert getattr(small, "n_frames", 1) == 1


def test_an_animation_of_too_many_frames_is_refused() -> None:
    images = [Image.new("L", (2, 2), value % 256) for value in range(402)]
    content = files.encoded(images[0], "GIF", save_all=True, append_images=images[1:])
    with pytest.raises(TooLarge, match="400 frames"):
        examine(content, None)
    fewer = files.encoded(images[0], "GIF", save_all=True, append_images=images[1:400])
    assert examine(fewer, None).mime_type == "image/gif"


def test_an_animation_of_too_many_pixels_in_all_is_refused() -> None:
    images = [Image.new("1", (5000, 4500), value % 2) for value in range(10)]
    content = files.encoded(images[0], "GIF", save_all=True, append_images=images[1:])
    assert len(content) < 1_000_000
    with pytest.raises(TooLarge, match="frames"):
        examine(content, None)


@pytest.mark.filterwarnings("ignore:Image size")  # pytest shows again what Souk silences
@pytest.mark.parametrize("side", [7_104, 12_000, 30_016])
def test_a_small_file_of_huge_dimensions_is_refused_before_it_is_decoded(side: int) -> None:
    content = files.png_of_size(side, side)
    assert len(content) < 1_000_000
    with pytest.raises(TooLarge, match="pixels"):
        examine(content, "image/png")


def test_a_gif_header_that_claims_the_largest_screen_is_refused() -> None:
    content = bytearray(files.picture("GIF"))
    content[6:10] = b"\xff\xff\xff\xff"
    with pytest.raises(TooLarge, match="pixels"):
        examine(bytes(content), "image/gif")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"),
        ("PNG", "RGBA"), ("PNG", "I;16"), ("WEBP", "RGBA"), ("GIF", "L"), ("GIF", "P"),
    ],
)  # fmt: skip
def test_every_kind_of_colours_gets_thumbnails(kind: str, mode: str) -> None:
    image = files.painted(1200, 600, "L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 257).convert("I;16")
    picture = examine(files.encoded(image, kind), None)
    small = files.opened(picture.thumbnails[ThumbnailSize.SMALL])
    large = files.opened(picture.thumbnails[ThumbnailSize.LARGE])
    assert (small.format, small.size) == ("WEBP", (320, 160))
    assert (large.format, large.size) == ("WEBP", (960, 480))
    expected = image.convert("L") if mode != "I;16" else files.painted(1200, 600, "L")
    middle = expected.resize((320, 160)).getpixel((250, 40))
    assert small.convert("L").getpixel((250, 40)) == pytest.approx(middle, abs=25)


def test_transparency_stays_in_the_thumbnails() -> None:
    image = Image.new("RGBA", (100, 50), (255, 0, 0, 0))
    for content in (files.encoded(image, "PNG"), files.encoded(image, "GIF")):
        small = files.opened(examine(content, None).thumbnails[ThumbnailSize.SMALL])
        assert small.convert("RGBA").getpixel((10, 10))[3] == 0  # type: ignore[index]  # RGBA gives four


def test_a_picture_of_one_pixel_and_a_very_long_one_have_thumbnails() -> None:
    for size in ((1, 1), (4000, 1), (1, 4000)):
        picture = examine(files.encoded(Image.new("RGB", size), "PNG"), None)
        assert (picture.width, picture.height) == size
        large = files.opened(picture.thumbnails[ThumbnailSize.LARGE])
        assert max(large.size) <= 960
        assert min(large.size) == 1


@pytest.mark.parametrize(
    "said", [None, "", "application/octet-stream", "Application/Octet-Stream; x=1"]
)
def test_a_type_may_be_left_open(said: str | None) -> None:
    assert declared_type(said) is None


def test_the_common_misspelling_of_jpeg_is_understood() -> None:
    assert declared_type("image/jpg") == "image/jpeg"
    assert declared_type("IMAGE/PNG; name=x.png") == "image/png"


@pytest.mark.parametrize(
    "said", ["text/html", "image/svg+xml", "image/avif", "application/json", "x"]
)
def test_a_declared_type_that_is_not_accepted_is_refused(said: str) -> None:
    with pytest.raises(InvalidMime, match="image/jpeg, image/png, image/webp or image/gif"):
        declared_type(said)
