"""Pictures that are made to grow: reading a file takes steps as it is long, and what would take a
decoder long is refused before one sees it (docs/decisions/0006-media.md)."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.settings import Limits
from resolvers.media.containers import BrokenContainer, Container, type_of, without_metadata
from resolvers.media.errors import InvalidMime, TooLarge
from resolvers.media.pictures import STANDARD, examine
from tests.clients.client import Souk
from tests.media import files, scenes
from tests.steps import Work, growth, steps

GROWING: dict[str, Callable[[int], bytes]] = {
    "a run of fill bytes in a scan": lambda n: files.jpeg_with_data(b"\xff" * n),
    "fill bytes that end in nothing": lambda n: files.jpeg_with_data(b"\xff" * n + b"\0"),
    "escaped data": lambda n: files.jpeg_with_data(b"\xff\0" * n),
    "restarts": lambda n: files.jpeg_with_data(b"\xff\xd3" * n),
    "scans": lambda n: files.jpeg_of_scans(10 + n),
    "fill bytes before a segment": lambda n: files.jpeg_with_segments(b"\xff" * n),
    "segments": lambda n: files.jpeg_with_segments(b"\xff\xfe\0\x02" * n),
    "profiles": lambda n: files.jpeg_with_segments(b"\xff\xe2\0\x0eICC_PROFILE\0" * n),
    "chunks of a PNG": files.png_with_chunks,
    "frames of a PNG": lambda n: files.animated_png(n, 1),
    "chunks of a WebP": files.webp_with_chunks,
    "frames of a WebP": lambda n: files.animated_webp(n, 1),
    "blocks of a GIF": lambda n: files.gif_with_blocks(b"\x21\xfe\0" * n),
    "parts of a block of a GIF": lambda n: files.gif_with_blocks(b"\x21\xfe" + b"\1\1" * n + b"\0"),
    "frames of a GIF": lambda n: files.gif_with_blocks(files.gif_frame(1, 1) * n),
}


def read(content: bytes) -> Container | None:
    """What the file holds, None when it is broken."""
    mime_type = type_of(content)
    assert mime_type is not None
    try:
        return without_metadata(mime_type, content)
    except BrokenContainer:
        return None


@pytest.mark.parametrize("kind", GROWING)
def test_reading_a_file_takes_twice_the_steps_when_it_is_twice_as_long(kind: str) -> None:
    def work_of(size: int) -> Work:
        content = GROWING[kind](size)
        return lambda: read(content)

    assert growth(work_of, 500) < 2.2


@settings(max_examples=80, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(files.TYPES), st.data())
def test_reading_a_damaged_file_takes_few_steps_for_each_byte(
    kind: str, data: st.DataObject
) -> None:
    content = files.picture(kind)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(12, len(content) - 1))
        part = data.draw(st.sampled_from([b"\xff", b"\0", b"\xff\xda\0\x02", content[at:], b"\1"]))
        content = content[:at] + part * data.draw(st.integers(1, 300)) + content[at:]
    assert steps(lambda: read(content)) < 40 * len(content)


@pytest.mark.parametrize("kind", ["segments", "chunks of a PNG", "chunks of a WebP"])
def test_a_file_of_more_parts_than_any_encoder_writes_is_refused(kind: str) -> None:
    with pytest.raises(InvalidMime):
        examine(GROWING[kind](100_001), None)


# What there is to decode.


def test_what_a_decoder_will_have_to_do_is_told_beforehand() -> None:
    def counted(content: bytes) -> tuple[int, int, int, int]:
        found = read(content)
        assert found is not None
        return found.width, found.height, found.scans, found.frames

    for kind in files.TYPES:
        assert counted(files.picture(kind)) == (64, 48, 1, 1)
        if kind != "JPEG":
            assert counted(files.animation(kind)) == (64, 48, 1, 3)
    assert counted(files.picture("WEBP", lossless=True)) == (64, 48, 1, 1)
    assert counted(files.jpeg_of_scans(17)) == (64, 48, 17, 1)
    assert counted(files.animated_png(5, 9)) == (9, 9, 1, 5)
    assert counted(files.animated_webp(5, 9)) == (9, 9, 1, 5)
    frames = files.gif_frame(9, 700) + files.gif_frame(800, 9)
    assert counted(files.gif_with_blocks(frames)) == (800, 700, 1, 3)


def limits(**changed: int) -> Limits:
    return STANDARD.model_copy(update=changed)


MANY: list[tuple[bytes, dict[str, int], str]] = [
    (files.jpeg_of_scans(13), {"picture_scans": 12}, "12 scans, not 13. Save it without"),
    (files.jpeg_of_scans(13), {"picture_scan_pixels": 12 * 3_072}, "at most 12 scans"),
    (files.animation("GIF", 5), {"picture_frame_pixels": 4 * 3_072}, "at most 4. Leave some out"),
    (files.animated_png(5, 20), {"picture_frame_pixels": 1_600}, "at most 4. Leave some out"),
    (files.animated_webp(5, 20), {"picture_frame_pixels": 1_600}, "at most 4. Leave some out"),
    (files.animated_webp(5, 20), {"picture_frames": 4}, "at most 4 frames"),
    (files.picture("PNG"), {"picture_pixels": 3_071}, "3,071 pixels. Make it smaller"),
    (files.picture("WEBP"), {"picture_pixels": 6_142}, "3,071 pixels. Make it smaller"),
    (files.gif_with_blocks(files.gif_frame(65_000, 65_000)), {}, "50,000,000 pixels"),
    (files.gif_with_blocks(files.gif_frame(7_000, 7_000) * 9), {}, "of 49,000,000 pixels"),
]


@pytest.mark.parametrize(("content", "changed", "said"), MANY)
def test_more_to_decode_than_the_limits_allow_is_refused_before_a_decoder_sees_it(
    content: bytes, changed: dict[str, int], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(*_: Any, **__: Any) -> None:
        raise AssertionError("a decoder saw it")

    monkeypatch.setattr(Image, "open", seen)
    with pytest.raises(TooLarge, match=said):
        examine(content, None, limits(**changed))


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        (files.jpeg_of_scans(12), {"picture_scans": 12, "picture_scan_pixels": 12 * 3_072}),
        (files.animation("GIF", 4), {"picture_frame_pixels": 4 * 3_072, "picture_frames": 4}),
        (files.animated_png(4, 20), {"picture_frame_pixels": 1_600}),
        (files.animated_webp(4, 20), {"picture_frame_pixels": 1_600}),
        (files.picture("WEBP"), {"picture_pixels": 6_144, "picture_frame_pixels": 1}),
    ],
)
def test_as_much_as_the_limits_allow_is_taken(content: bytes, changed: dict[str, int]) -> None:
    assert examine(content, None, limits(**changed)).content == content


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_a_jpeg_coded_in_a_way_that_no_browser_shows_is_refused(marker: int) -> None:
    content = files.picture("JPEG").replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
    with pytest.raises(InvalidMime):
        examine(content, None)


@pytest.mark.parametrize("kind", files.TYPES)
def test_no_decoder_sees_the_metadata(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A directory of Exif may name each of its bytes thousands of times.
    real = Image.open

    def seen(file: io.BytesIO, *arguments: Any, **named: Any) -> Image.Image:
        assert files.SECRET not in file.getvalue()
        return real(file, *arguments, **named)

    monkeypatch.setattr(Image, "open", seen)
    assert examine(files.with_metadata(kind), None).mime_type == files.mime_type(kind)


# The same by HTTP.


async def test_a_picture_with_a_long_run_of_fill_bytes_is_taken(souk: Souk) -> None:
    content = files.jpeg_with_data(b"\xff" * 10_000_000)
    response = await scenes.post(await souk.member("Ana"), content, "image/jpeg")
    assert response.status_code == 201, response.text
    assert response.json()["size"] < 2_000


async def test_a_jpeg_of_very_many_scans_is_refused_and_told_what_to_do(souk: Souk) -> None:
    content = files.jpeg_of_scans(130, (7_000, 7_000))
    assert len(content) < 300_000
    response = await scenes.post(await souk.member("Ana"), content, "image/jpeg")
    error = await scenes.refusal(response, 413)
    assert error["code"] == "too_large"
    assert "at most 20 scans, not 130. Save it without the option progressive" in error["message"]
    assert await scenes.stored_rows(souk) == 0


async def test_an_animation_of_few_bytes_and_very_many_pixels_is_refused(souk: Souk) -> None:
    ana = await souk.member("Ana")
    for content in (
        files.gif_with_blocks(files.gif_frame(13_000, 13_000) * 300),
        files.animated_png(380, 2_000),
        files.animated_webp(380, 2_000),
    ):
        response = await scenes.post(ana, content, None)
        assert (await scenes.refusal(response, 413))["code"] == "too_large"
    assert await scenes.stored_rows(souk) == 0


async def test_one_account_never_has_all_places_where_pictures_are_decoded(
    souk: Souk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one file of an account is being decoded, its others wait and those of others do not."""
    ana, ben = await souk.member("Ana"), await souk.member("Ben")
    loop, go_on, begun = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    decoded = []

    def slow(content: bytes, declared: str | None, limits: Limits) -> Any:
        decoded.append(content)
        loop.call_soon_threadsafe(begun.set)
        if content[-1:] == b"!":
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
        return examine(content.removesuffix(b"!"), declared, limits)

    monkeypatch.setattr("resolvers.media.uploading.examine", slow)
    picture = files.picture("PNG")
    held = [asyncio.create_task(scenes.post(ana, picture + b"!", None)) for _ in range(3)]
    async with asyncio.timeout(10):
        await begun.wait()
        assert (await scenes.post(ben, picture, None)).status_code == 201
    assert len(decoded) == 2
    go_on.set()
    assert [(await task).status_code for task in held] == [201] * 3


async def test_refused_uploads_are_counted_as_well(souk: Souk) -> None:
    ana = await souk.member("Ana")
    answers = [await scenes.post(ana, files.PAGE, "image/png") for _ in range(64)]
    assert {answer.status_code for answer in answers[:60]} == {415}
    assert answers[-1].status_code == 429
    assert (await scenes.post(await souk.member("Ben"), files.PAGE, None)).status_code == 415
