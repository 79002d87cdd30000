"""`POST /media` as clients and attackers use it (spec/03-auctions.md#catalogue)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import text

from core.database import UnitOfWork
from tests.clients.client import Client, Souk
from tests.media import files, scenes

LIMIT = 10_485_760


@pytest.mark.parametrize("kind", files.TYPES)
async def test_a_picture_is_stored_and_said_what_it_is(souk: Souk, kind: str) -> None:
    member = await souk.member("Ana")
    content = files.picture(kind)
    response = await scenes.post(member, content, files.mime_type(kind))
    assert response.status_code == 201, response.text
    answer = response.json()
    assert answer["id"].startswith("med_")
    assert answer["url"] == f"{souk.settings.base_url}/media/{answer['id']}"
    assert (answer["mimeType"], answer["size"]) == (files.mime_type(kind), len(content))
    assert (answer["width"], answer["height"]) == (64, 48)
    row = await souk.database.first(text("SELECT * FROM media_asset"))
    assert row is not None
    assert member.account is not None
    assert (row.id, row.owner_id) == (scenes.row_id(answer["id"]), member.account.id)
    assert (row.mime_type, row.size) == (files.mime_type(kind), len(content))
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert (row.product_id, row.is_active) == (None, True)
    assert len(scenes.stored_files(souk)) == 3


async def test_a_form_with_one_file_is_taken_too(souk: Souk) -> None:
    member = await souk.member("Ana")
    response = await souk.http.post(
        "/media",
        files={"file": ("../../etc/passwd.png", files.picture("PNG"), "image/png")},
        data={"bucket": "products"},
        headers=member.headers,
    )
    assert response.status_code == 201, response.text
    assert response.json()["mimeType"] == "image/png"
    names = {path.name for path in scenes.stored_files(souk)}
    assert not any("passwd" in name for name in names)


async def test_metadata_is_gone_from_what_is_served(souk: Souk) -> None:
    member = await souk.member("Ana")
    for kind in files.TYPES:
        response = await scenes.post(member, files.with_metadata(kind), files.mime_type(kind))
        assert response.status_code == 201, response.text
        served = await souk.http.get(scenes.path_of(response.json()["url"]))
        assert served.status_code == 200
        assert len(served.content) == response.json()["size"]
        assert files.SECRET not in served.content
    assert not any(files.SECRET in path.read_bytes() for path in scenes.stored_files(souk))


@pytest.mark.parametrize("content", [files.SCRIPT, files.PAGE, files.SVG])
async def test_a_script_or_page_named_png_is_refused_and_nothing_is_stored(
    souk: Souk, content: bytes
) -> None:
    member = await souk.member("Ana")
    raw = await scenes.post(member, content, "image/png")
    form = await souk.http.post(
        "/media", files={"file": ("cat.png", content, "image/png")}, headers=member.headers
    )
    for response in (raw, form):
        error = await scenes.refusal(response, 415)
        assert error["code"] == "invalid_mime"
        assert "image/jpeg" in error["message"]
    assert await scenes.stored_rows(souk) == 0
    assert scenes.stored_files(souk) == []


@pytest.mark.parametrize(
    "said", ["image/svg+xml", "text/html", "application/x-www-form-urlencoded"]
)
async def test_a_type_that_is_not_accepted_is_refused_whatever_the_content(
    souk: Souk, said: str
) -> None:
    response = await scenes.post(await souk.member("Ana"), files.picture("PNG"), said)
    assert (await scenes.refusal(response, 415))["code"] == "invalid_mime"
    assert await scenes.stored_rows(souk) == 0


async def test_a_wrong_declared_type_is_refused_and_says_what_the_content_is(souk: Souk) -> None:
    member = await souk.member("Ana")
    response = await scenes.post(member, files.picture("JPEG"), "image/png")
    error = await scenes.refusal(response, 415)
    assert error["code"] == "invalid_mime"
    assert "The content is image/jpeg, not image/png" in error["message"]
    form = await souk.http.post(
        "/media",
        files={"file": ("a.png", files.picture("JPEG"), "image/png")},
        headers=member.headers,
    )
    assert (await scenes.refusal(form, 415))["code"] == "invalid_mime"
    assert await scenes.stored_rows(souk) == 0


async def test_an_octet_stream_is_what_its_content_is(souk: Souk) -> None:
    member = await souk.member("Ana")
    response = await scenes.post(member, files.picture("WEBP"), "application/octet-stream")
    assert response.json()["mimeType"] == "image/webp"


async def test_a_truncated_picture_is_refused(souk: Souk) -> None:
    content = files.picture("JPEG")
    response = await scenes.post(await souk.member("Ana"), content[: len(content) // 2], None)
    assert (await scenes.refusal(response, 415))["code"] == "invalid_mime"
    assert scenes.stored_files(souk) == []


async def test_a_small_file_of_huge_dimensions_is_refused(souk: Souk) -> None:
    response = await scenes.post(
        await souk.member("Ana"), files.png_of_size(20_032, 20_032), "image/png"
    )
    error = await scenes.refusal(response, 413)
    assert error["code"] == "too_large"
    assert "pixels" in error["message"]
    assert await scenes.stored_rows(souk) == 0


async def test_ten_mebibytes_are_taken_and_one_byte_more_is_refused(souk: Souk) -> None:
    member = await souk.member("Ana")
    for form in (False, True):
        taken = await _send(member, files.png_with_behind(LIMIT), form)
        assert taken.status_code == 201, taken.text
        refused = await _send(member, files.png_with_behind(LIMIT + 1), form)
        assert (await scenes.refusal(refused, 413))["code"] == "too_large"
    assert await scenes.stored_rows(souk) == 2


async def _send(member: Client, content: bytes, form: bool) -> httpx.Response:
    if not form:
        return await scenes.post(member, content, "image/png")
    return await member.http.post(
        "/media", files={"file": ("big.png", content, "image/png")}, headers=member.headers
    )


async def test_a_body_without_length_is_counted_while_it_comes(souk: Souk) -> None:
    member = await souk.member("Ana")
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(20):
            sent += 1 << 20
            yield bytes(1 << 20)

    response = await souk.http.post(
        "/media", content=endless(), headers={**member.headers, "Content-Type": "image/png"}
    )
    assert (await scenes.refusal(response, 413))["code"] == "too_large"
    assert await scenes.stored_rows(souk) == 0


async def test_a_length_that_says_too_much_is_refused_before_anything_is_sent(souk: Souk) -> None:
    member = await souk.member("Ana")
    host, port = souk.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /media HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\n"
    head += f"Authorization: {member.headers['Authorization']}\r\n\r\n"
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readline(), 5)
    assert b" 413 " in answer
    writer.close()


async def test_no_file_an_empty_one_and_two_are_refused(souk: Souk) -> None:
    member = await souk.member("Ana")
    picture = files.picture("PNG")
    answers = [
        await scenes.post(member, b"", "image/png"),
        await souk.http.post("/media", files={"file": ("a.png", b"")}, headers=member.headers),
        await souk.http.post("/media", files={"other": ("a.png", picture)}, headers=member.headers),
        await souk.http.post(
            "/media",
            files=[("file", ("a.png", picture)), ("file", ("b.png", picture))],
            headers=member.headers,
        ),
        await souk.http.post(
            "/media",
            content=b"--x\r\nnonsense",
            headers={**member.headers, "Content-Type": "multipart/form-data; boundary=x"},
        ),
        await souk.http.post(
            "/media",
            content=picture,
            headers={**member.headers, "Content-Type": "multipart/form-data"},
        ),
    ]
    for response in answers:
        assert (await scenes.refusal(response, 400))["code"] == "no_file"
    assert await scenes.stored_rows(souk) == 0


async def test_another_bucket_is_refused(souk: Souk) -> None:
    member = await souk.member("Ana")
    query = await scenes.post(member, files.picture("PNG"), "image/png", bucket="secrets")
    form = await souk.http.post(
        "/media",
        files={"file": ("a.png", files.picture("PNG"), "image/png")},
        data={"bucket": "secrets"},
        headers=member.headers,
    )
    for response in (query, form):
        error = await scenes.refusal(response, 400)
        assert error["code"] == "BAD_USER_INPUT"
        assert "products" in error["message"]
    assert await scenes.stored_rows(souk) == 0


async def test_an_upload_without_token_is_refused(souk: Souk) -> None:
    response = await scenes.post(souk.anonymous, files.picture("PNG"), "image/png")
    assert (await scenes.refusal(response, 401))["code"] == "UNAUTHENTICATED"
    assert response.headers["www-authenticate"] == "Bearer"
    assert scenes.stored_files(souk) == []


async def test_a_forged_token_is_refused(souk: Souk) -> None:
    member = await souk.member("Ana")
    assert member.account is not None
    now = datetime.now(UTC)
    claims = {
        "iss": souk.settings.token_issuer,
        "aud": souk.settings.token_audience,
        "sub": str(member.account.id),
        "sid": str(uuid4()),
        "role": "ADMIN",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "jti": uuid4().hex,
    }
    key = RSAKey.generate_key(2048)
    forged = jwt.encode({"alg": "RS256", "kid": "mine", "typ": "at+jwt"}, claims, key)
    for value in (
        f"Bearer {forged}",
        "Bearer x.y.z",
        f"Bearer {member.account.token}x",
        "Basic eA==",
    ):
        response = await souk.http.post(
            "/media",
            content=files.picture("PNG"),
            headers={"Authorization": value, "Content-Type": "image/png"},
        )
        assert (await scenes.refusal(response, 401))["code"] == "UNAUTHENTICATED"
    assert await scenes.stored_rows(souk) == 0


async def test_an_account_that_is_not_active_may_not_upload(souk: Souk) -> None:
    member = await souk.member("Ana")

    async def archive(work: UnitOfWork) -> None:
        await work.execute(text("UPDATE user_account SET is_active = false WHERE fullname = 'Ana'"))

    await souk.database.run(archive)
    response = await scenes.post(member, files.picture("PNG"), "image/png")
    assert response.status_code in (401, 403)
    assert await scenes.stored_rows(souk) == 0


async def test_more_than_sixty_uploads_a_minute_are_too_many(souk: Souk) -> None:
    member, other = await souk.member("Ana"), await souk.member("Ben")
    assert member.account is not None
    owner = member.account.id

    async def fill(work: UnitOfWork) -> None:
        await work.execute(
            text(
                "INSERT INTO media_asset (id, owner_id, mime_type, size, width, height, sha256,"
                " unattached_since) SELECT gen_random_uuid(), :owner, 'image/png', 1, 1, 1, '',"
                " now() FROM generate_series(1, 60)"
            ).bindparams(owner=owner)
        )

    await souk.database.run(fill)
    response = await scenes.post(member, files.picture("PNG"), "image/png")
    assert (await scenes.refusal(response, 429))["code"] == "RATE_LIMITED"
    assert response.headers["retry-after"] == "60"
    assert await scenes.stored_rows(souk) == 60
    assert (await scenes.post(other, files.picture("PNG"), "image/png")).status_code == 201


async def test_uploads_at_once_are_each_stored_once(souk: Souk) -> None:
    members = [await souk.member(f"Member {number}") for number in range(6)]
    answers = await asyncio.gather(
        *[scenes.post(member, files.picture("PNG"), None) for member in members for _ in range(3)]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 18
    assert await scenes.stored_rows(souk) == 18
    assert len(scenes.stored_files(souk)) == 54


async def test_an_account_that_is_sending_four_files_waits_with_the_fifth(souk: Souk) -> None:
    member, other = await souk.member("Ana"), await souk.member("Ben")
    host, port = souk.url.removeprefix("http://").split(":")
    head = "POST /media HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 99\r\n"
    head += f"Authorization: {member.headers['Authorization']}\r\n\r\n"
    slow = [(await asyncio.open_connection(host, int(port)))[1] for _ in range(4)]
    for writer in slow:
        writer.write(head.encode())
    busy = await _until(member, 429)
    assert (await scenes.refusal(busy, 429))["code"] == "RATE_LIMITED"
    assert busy.headers["retry-after"] == "5"
    assert (await scenes.post(other, files.picture("PNG"), None)).status_code == 201
    for writer in slow:
        writer.close()
    await _until(member, 201)


async def _until(member: Client, status: int) -> httpx.Response:
    """The first answer with this status to a file that is sent again and again, 5 s long."""
    async with asyncio.timeout(5):
        while True:
            response = await scenes.post(member, files.picture("PNG"), None)
            if response.status_code == status:
                return response
            await asyncio.sleep(0.02)
