"""Deleting pictures, and cleaning up those that nothing shows (spec/03-auctions.md#catalogue)."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from auth.actor import Actor, Role
from core.database import UnitOfWork
from core.errors import InvalidInput
from core.settings import Settings
from gateways.storage import Storage
from resolvers.media.assets import attach_media, remove_orphans
from tests.clients.client import Client, Souk
from tests.media import files, scenes

DAY = timedelta(hours=24)


def _later(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


async def _is_active(souk: Souk, asset_id: str) -> bool | None:
    found = await souk.database.first(
        text("SELECT is_active FROM media_asset WHERE id = :id").bindparams(
            id=scenes.row_id(asset_id)
        )
    )
    return None if found is None else bool(found.is_active)


async def test_the_owner_deletes_a_picture_and_it_is_served_no_more(souk: Souk) -> None:
    seller = await souk.member("Ana")
    kept, gone = await scenes.upload(seller), await scenes.upload(seller)
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [gone, kept])
    product_id = answer["product"]["id"]
    deleted = (await seller.run(scenes.DELETE, id=gone))["deleteMediaAsset"]
    assert deleted == {
        "mediaAssetId": gone,
        "product": {"id": product_id, "media": [{"id": kept}]},
    }
    for path in (f"/media/{gone}", f"/media/{gone}/small"):
        assert (await souk.http.get(path)).status_code == 404
    assert await _is_active(souk, gone) is False
    assert len(scenes.stored_files(souk)) == 6  # softly: an admin can look at it and restore it
    again = (await seller.run(scenes.DELETE, id=gone))["deleteMediaAsset"]
    assert (again["code"], again["path"]) == ("NOT_FOUND", ["input", "mediaAssetId"])
    new = await scenes.upload(seller)
    await seller.run(scenes.UPDATE, input={"productId": product_id, "mediaIds": [new, kept]})
    assert await scenes.shown(souk.anonymous, product_id) == [new, kept]


async def test_others_cannot_delete_a_picture_and_it_stays(souk: Souk) -> None:
    asset_id = await scenes.upload(await souk.member("Ana"))
    staff = await souk.member("Staff", Role.STAFF)
    for client, code in (
        (souk.anonymous, "UNAUTHENTICATED"),
        (await souk.member("Ben"), "FORBIDDEN"),
        (staff, "FORBIDDEN"),
    ):
        assert (await client.refused(scenes.DELETE, id=asset_id))["code"] == code
        assert await _is_active(souk, asset_id) is True
        assert (await souk.http.get(f"/media/{asset_id}")).status_code == 200


async def test_an_admin_deletes_any_picture(souk: Souk) -> None:
    asset_id = await scenes.upload(await souk.member("Ana"))
    admin = await souk.member("Admin", Role.ADMIN)
    deleted = (await admin.run(scenes.DELETE, id=asset_id))["deleteMediaAsset"]
    assert deleted == {"mediaAssetId": asset_id, "product": None}
    assert await _is_active(souk, asset_id) is False


async def test_deleting_what_does_not_exist_or_is_no_picture_says_so(souk: Souk) -> None:
    member = await souk.member("Ana")
    answer = await member.run(scenes.DELETE, id="med_01HWJ8WH9X8WBK65EMGY9YKPBS")
    assert answer["deleteMediaAsset"]["code"] == "NOT_FOUND"
    for wrong in ("prd_01HWJ8WH9X8WBK65EMGY9YKPBS", "x"):
        assert (await member.refused(scenes.DELETE, id=wrong))["code"] == "BAD_USER_INPUT"


@pytest.fixture
def storage(settings: Settings) -> Storage:
    """The same folder that the server writes to."""
    return Storage(settings)


async def test_a_picture_attached_to_nothing_goes_after_a_day_with_its_files(
    souk: Souk, storage: Storage
) -> None:
    seller = await souk.member("Ana")
    lonely, used = await scenes.upload(seller), await scenes.upload(seller)
    await scenes.put_on_sale(seller, await scenes.place(souk), [used])
    assert await remove_orphans(souk.database, storage, _later(23.9)) == 0
    assert await _is_active(souk, lonely) is True
    assert await remove_orphans(souk.database, storage, _later(24.1)) == 1
    assert await _is_active(souk, lonely) is None
    assert await _is_active(souk, used) is True
    assert len(scenes.stored_files(souk)) == 3
    assert (await souk.http.get(f"/media/{lonely}")).status_code == 404
    assert (await souk.http.get(f"/media/{used}")).status_code == 200
    assert await remove_orphans(souk.database, storage, _later(48)) == 0


async def test_the_day_begins_when_the_picture_is_taken_off_its_product(
    souk: Souk, storage: Storage
) -> None:
    seller = await souk.member("Ana")
    asset_id = await scenes.upload(seller)
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [asset_id])

    async def age(work: UnitOfWork) -> None:
        await work.execute(text("UPDATE media_asset SET created_at = now() - interval '9 days'"))

    await souk.database.run(age)
    await seller.run(scenes.UPDATE, input={"productId": answer["product"]["id"], "mediaIds": []})
    assert await remove_orphans(souk.database, storage, _later(0)) == 0
    assert await remove_orphans(souk.database, storage, _later(24.1)) == 1
    assert scenes.stored_files(souk) == []


async def test_a_clean_up_that_was_cut_short_is_finished_by_the_next(
    souk: Souk, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = await scenes.upload(await souk.member("Ana"))

    async def broken(*_: object) -> None:
        raise OSError("the bucket is out of reach")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", broken)
        with pytest.raises(OSError, match="out of reach"):
            await remove_orphans(souk.database, storage, _later(25))
    assert await _is_active(souk, asset_id) is False
    assert (await souk.http.get(f"/media/{asset_id}")).status_code == 404
    scenes.stored_files(souk)[0].unlink()
    assert await remove_orphans(souk.database, storage, _later(25)) == 1
    assert await scenes.stored_rows(souk) == 0
    assert scenes.stored_files(souk) == []


async def test_more_orphans_than_a_batch_all_go_by_two_workers_at_once(
    souk: Souk, storage: Storage
) -> None:
    owner = (await souk.member("Ana")).account
    assert owner is not None

    async def fill(work: UnitOfWork) -> None:
        await work.execute(
            text(
                "INSERT INTO media_asset (id, owner_id, mime_type, size, width, height, sha256,"
                " unattached_since) SELECT gen_random_uuid(), :owner, 'image/png', 1, 1, 1, '',"
                " now() FROM generate_series(1, 250)"
            ).bindparams(owner=owner.id)
        )

    await souk.database.run(fill)
    now = _later(25)
    await asyncio.gather(*[remove_orphans(souk.database, storage, now) for _ in range(2)])
    assert await scenes.stored_rows(souk) == 0


async def _product(souk: Souk, seller: Client) -> UUID:
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [])
    return scenes.row_id(answer["product"]["id"])


async def test_a_picture_that_is_being_attached_is_not_cleaned_up(
    souk: Souk, storage: Storage
) -> None:
    seller = await souk.member("Ana")
    assert seller.account is not None
    actor = Actor(user_id=seller.account.id, role=Role.USER)
    asset_id = await scenes.upload(seller)
    product_id = await _product(souk, seller)
    locked, finish = asyncio.Event(), asyncio.Event()

    async def attach(work: UnitOfWork) -> None:
        await attach_media(work, actor, product_id, actor.member(), [scenes.row_id(asset_id)])
        locked.set()
        await finish.wait()

    attaching = asyncio.create_task(souk.database.run(attach))
    await locked.wait()
    assert await remove_orphans(souk.database, storage, _later(25)) == 0
    finish.set()
    await attaching
    assert await remove_orphans(souk.database, storage, _later(25)) == 0
    assert await _is_active(souk, asset_id) is True
    assert len(scenes.stored_files(souk)) == 3


async def test_a_picture_that_is_being_cleaned_up_cannot_be_attached(
    souk: Souk, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seller = await souk.member("Ana")
    assert seller.account is not None
    actor = Actor(user_id=seller.account.id, role=Role.USER)
    asset_id = scenes.row_id(await scenes.upload(seller))
    product_id = await _product(souk, seller)
    delete = storage.delete
    refused = 0

    async def delete_meanwhile(*arguments: object) -> None:
        nonlocal refused
        with pytest.raises(InvalidInput):
            await souk.database.run(
                lambda work: attach_media(work, actor, product_id, actor.member(), [asset_id])
            )
        refused += 1
        await delete(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(storage, "delete", delete_meanwhile)
    assert await remove_orphans(souk.database, storage, _later(25)) == 1
    assert refused == 1
    assert await scenes.stored_rows(souk) == 0


async def test_attaching_and_cleaning_up_at_once_never_leaves_a_product_without_its_file(
    souk: Souk, storage: Storage
) -> None:
    seller = await souk.member("Ana")
    assert seller.account is not None
    actor = Actor(user_id=seller.account.id, role=Role.USER)
    product_id = await _product(souk, seller)
    for _ in range(8):
        asset_id = scenes.row_id(await scenes.upload(seller))

        async def attach(wanted: UUID = asset_id) -> None:
            await souk.database.run(
                lambda work: attach_media(work, actor, product_id, actor.member(), [wanted])
            )

        outcomes = await asyncio.gather(
            attach(),
            remove_orphans(souk.database, storage, _later(25)),
            return_exceptions=True,
        )
        assert all(isinstance(o, InvalidInput | int | None) for o in outcomes), outcomes
        row = await souk.database.first(
            text("SELECT product_id FROM media_asset WHERE id = :id").bindparams(id=asset_id)
        )
        stored = await storage.get(asset_id, "original")
        assert (row is None) == (stored is None) == isinstance(outcomes[0], InvalidInput)
        assert row is None or row.product_id == product_id


def _files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


async def test_storage_keeps_to_its_folder_and_removes_without_complaint(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    file_id = UUID(int=7)
    assert await storage.get(file_id, "original") is None
    await storage.put(file_id, {"original": files.picture("PNG"), "small": b"s"})
    found = await storage.get(file_id, "original")
    assert found is not None
    content = b"".join([chunk async for chunk in found.chunks()])
    assert (content, found.size) == (files.picture("PNG"), len(content))
    with pytest.raises(ValueError, match="illegal"):
        await storage.put(file_id, {"/../../outside": b"x"})
    written = _files_in(tmp_path)
    assert all(path.is_relative_to(settings.media_dir) for path in written)
    assert len(written) == 2
    await storage.delete(file_id, ["original", "small", "large"])
    assert await storage.get(file_id, "original") is None
    assert _files_in(tmp_path) == set()


def test_a_bucket_is_used_when_one_is_configured(settings: Settings) -> None:
    configured = settings.model_copy(update={"media_url": "s3://pictures/souk"})
    opened = repr(Storage(configured)._store)
    assert "S3Store" in opened
    assert "pictures" in opened
    assert not settings.media_dir.exists()
