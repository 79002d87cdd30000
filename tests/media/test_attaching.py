"""Pictures on products: order, ownership, at most twelve (spec/03-auctions.md#catalogue)."""

import asyncio
from typing import Any

from sqlalchemy import text

from auth.actor import ANONYMOUS, Role
from core.database import recorded_statements
from resolvers.media.assets import assets_of_products
from tests.clients.client import Souk
from tests.media import scenes


def _refused(answer: dict[str, Any]) -> str:
    assert (answer["code"], answer["path"]) == ("INVALID_INPUT", ["input", "mediaIds"]), answer
    message: str = answer["message"]
    return message


async def _attached(souk: Souk) -> int:
    return int(
        await souk.database.scalar(
            text("SELECT count(*) FROM media_asset WHERE product_id IS NOT NULL")
        )
    )


async def test_pictures_are_shown_in_the_sellers_order(souk: Souk) -> None:
    seller = await souk.member("Ana")
    first, second, third = [await scenes.upload(seller) for _ in range(3)]
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [third, first, second])
    product_id = answer["product"]["id"]
    assert await scenes.shown(souk.anonymous, product_id) == [third, first, second]
    changed = {"productId": product_id, "mediaIds": [second, third]}
    await seller.run(scenes.UPDATE, input=changed)
    assert await scenes.shown(souk.anonymous, product_id) == [second, third]
    row = await souk.database.first(
        text(
            "SELECT product_id, position, unattached_since FROM media_asset WHERE id = :id"
        ).bindparams(id=scenes.row_id(first))
    )
    assert row is not None
    assert (row.product_id, row.position) == (None, None)
    assert row.unattached_since is not None


async def test_an_empty_list_takes_all_pictures_off(souk: Souk) -> None:
    seller = await souk.member("Ana")
    answer = await scenes.put_on_sale(
        seller, await scenes.place(souk), [await scenes.upload(seller)]
    )
    await seller.run(scenes.UPDATE, input={"productId": answer["product"]["id"], "mediaIds": []})
    assert await _attached(souk) == 0


async def test_a_product_has_at_most_twelve_pictures(souk: Souk) -> None:
    seller = await souk.member("Ana")
    ids = [await scenes.upload(seller) for _ in range(13)]
    where = await scenes.place(souk)
    assert "12" in _refused(await scenes.put_on_sale(seller, where, ids))
    assert await _attached(souk) == 0
    answer = await scenes.put_on_sale(seller, where, ids[:12])
    assert [asset["id"] for asset in answer["product"]["media"]] == ids[:12]


async def test_a_picture_is_named_once(souk: Souk) -> None:
    seller = await souk.member("Ana")
    asset_id = await scenes.upload(seller)
    answer = await scenes.put_on_sale(seller, await scenes.place(souk), [asset_id, asset_id])
    assert "twice" in _refused(answer)
    assert await _attached(souk) == 0


async def test_somebody_elses_unknown_and_deleted_pictures_are_refused_alike(souk: Souk) -> None:
    seller, other = await souk.member("Ana"), await souk.member("Ben")
    where = await scenes.place(souk)
    foreign, gone = await scenes.upload(other), await scenes.upload(seller)
    await seller.run(scenes.DELETE, id=gone)
    messages = {
        _refused(await scenes.put_on_sale(seller, where, [asset_id]))
        for asset_id in (foreign, gone, "med_01HWJ8WH9X8WBK65EMGY9YKPBS")
    }
    assert len(messages) == 1
    assert await _attached(souk) == 0
    assert int(await souk.database.scalar(text("SELECT count(*) FROM product"))) == 0


async def test_a_picture_is_on_one_product_only(souk: Souk) -> None:
    seller = await souk.member("Ana")
    where, asset_id = await scenes.place(souk), await scenes.upload(seller)
    first = await scenes.put_on_sale(seller, where, [asset_id])
    message = _refused(await scenes.put_on_sale(seller, where, [asset_id]))
    assert "another product" in message
    assert await scenes.shown(souk.anonymous, first["product"]["id"]) == [asset_id]


async def test_an_admin_may_add_own_and_the_sellers_pictures_and_the_seller_keeps_them(
    souk: Souk,
) -> None:
    seller, other = await souk.member("Ana"), await souk.member("Ben")
    admin = await souk.member("Admin", Role.ADMIN)
    where = await scenes.place(souk)
    theirs, own, foreign = [await scenes.upload(who) for who in (seller, admin, other)]
    product_id = (await scenes.put_on_sale(seller, where, []))["product"]["id"]
    changed = {"productId": product_id, "mediaIds": [own, theirs]}
    await admin.run(scenes.UPDATE, input=changed)
    assert await scenes.shown(souk.anonymous, product_id) == [own, theirs]
    await seller.run(scenes.UPDATE, input={**changed, "mediaIds": [theirs, own]})
    assert await scenes.shown(souk.anonymous, product_id) == [theirs, own]
    answer = await admin.run(scenes.UPDATE, input={**changed, "mediaIds": [foreign]})
    _refused(answer["updateProduct"])
    assert await scenes.shown(souk.anonymous, product_id) == [theirs, own]


async def test_one_picture_wanted_by_many_products_at_once_gets_to_one(souk: Souk) -> None:
    seller = await souk.member("Ana")
    where = await scenes.place(souk)
    wanted = [await scenes.upload(seller) for _ in range(3)]
    orders = [wanted, wanted[::-1], [wanted[1], wanted[0], wanted[2]]] * 3
    answers = await asyncio.gather(*[scenes.put_on_sale(seller, where, order) for order in orders])
    taken = [answer for answer in answers if "product" in answer]
    assert len(taken) == 1
    for answer in answers:
        if "product" not in answer:
            _refused(answer)
    assert await _attached(souk) == 3
    assert int(await souk.database.scalar(text("SELECT count(*) FROM product"))) == 1


async def test_pictures_of_a_page_cost_one_statement_however_many_products(souk: Souk) -> None:

    seller = await souk.member("Ana")
    where = await scenes.place(souk)
    ids = []
    for _ in range(4):
        media = [await scenes.upload(seller), await scenes.upload(seller)]
        answer = await scenes.put_on_sale(seller, where, media)
        ids.append(scenes.row_id(answer["product"]["id"]))
    with recorded_statements() as statements:
        found = await assets_of_products(souk.database, ANONYMOUS, ids)
    assert [len(rows) for rows in found] == [2, 2, 2, 2]
    assert [rows[0].product_id for rows in found] == ids
    assert len(statements) == 1
