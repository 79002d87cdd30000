"""`GET /media/{id}` and its thumbnails: what is served, to whom, with which headers."""

import pytest

from tests.clients.client import Souk
from tests.media import files, scenes


@pytest.mark.parametrize("kind", files.TYPES)
async def test_a_picture_is_served_as_what_it_is_and_as_nothing_else(souk: Souk, kind: str) -> None:
    content = files.picture(kind)
    asset_id = await scenes.upload(await souk.member("Ana"), content)
    response = await souk.http.get(f"/media/{asset_id}")
    assert response.status_code == 200
    assert response.content == content
    headers = response.headers
    assert headers["content-type"] == files.mime_type(kind)
    assert headers["content-length"] == str(len(content))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["content-disposition"] == "inline"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_thumbnails_are_served_in_two_sizes(souk: Souk) -> None:
    content = files.encoded(files.painted(1600, 1200), "JPEG")
    asset_id = await scenes.upload(await souk.member("Ana"), content)
    for name, size in (("small", (320, 240)), ("large", (960, 720))):
        response = await souk.http.get(f"/media/{asset_id}/{name}")
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/webp"
        assert response.headers["x-content-type-options"] == "nosniff"
        picture = files.opened(response.content)
        assert (picture.format, picture.size) == ("WEBP", size)
        assert len(response.content) < len(content)


async def test_a_client_that_has_the_bytes_gets_none(souk: Souk) -> None:
    asset_id = await scenes.upload(await souk.member("Ana"))
    tags = set()
    for path in (f"/media/{asset_id}", f"/media/{asset_id}/small", f"/media/{asset_id}/large"):
        tag = (await souk.http.get(path)).headers["etag"]
        tags.add(tag)
        for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await souk.http.get(path, headers={"If-None-Match": condition})
            assert again.status_code == 304
            assert again.content == b""
            assert again.headers["etag"] == tag
        other = await souk.http.get(path, headers={"If-None-Match": '"other"'})
        assert other.status_code == 200
    assert len(tags) == 3


async def test_head_tells_the_length_without_the_bytes(souk: Souk) -> None:
    content = files.picture("PNG")
    asset_id = await scenes.upload(await souk.member("Ana"), content)
    response = await souk.http.head(f"/media/{asset_id}")
    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    "path",
    [
        "/media/med_01HWJ8WH9X8WBK65EMGY9YKPBS",
        "/media/prd_01HWJ8WH9X8WBK65EMGY9YKPBS",
        "/media/x",
        "/media/med_",
        "/media/%00",
        "/media/..%2f..%2f..%2fetc%2fpasswd",
        "/media/med_..%2f..%2fetc%2fpasswd",
        "/media/....//etc/passwd",
        "/media/%2e%2e/%2e%2e/etc/passwd",
    ],
)
async def test_an_unknown_or_malformed_id_is_not_found(souk: Souk, path: str) -> None:
    response = await souk.http.get(path)
    assert response.status_code == 404
    assert b"root:" not in response.content


async def test_a_size_that_is_not_made_is_not_found(souk: Souk) -> None:
    asset_id = await scenes.upload(await souk.member("Ana"))
    for size in ("original", "huge", "..%2foriginal", "SMALL"):
        response = await souk.http.get(f"/media/{asset_id}/{size}")
        assert response.status_code == 404
    assert (await souk.http.get(f"/media/{asset_id}/small")).status_code == 200
    [row] = [path for path in scenes.stored_files(souk) if path.name.endswith("-original")]
    assert row.name.startswith(scenes.row_id(asset_id).hex)
