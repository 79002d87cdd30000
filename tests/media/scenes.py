"""What media tests do again and again: upload, fetch, put on sale."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from sqlalchemy import text

from auth.actor import Role
from core.ids import split_id
from tests.clients.client import Client, Souk
from tests.media import files

CREATE_CATEGORY = """mutation($input: CreateCategoryInput!) {
  createCategory(input: $input) { ... on CreateCategoryPayload { category { id } } }
}"""
CREATE_SUBCATEGORY = """mutation($input: CreateSubcategoryInput!) {
  createSubcategory(input: $input) { ... on CreateSubcategoryPayload { subcategory { id } } }
}"""
CREATE = """mutation($input: CreateFixedPriceProductInput!) {
  createFixedPriceProduct(input: $input) {
    ... on CreateFixedPriceProductPayload { product { id media { id } } }
    ... on UserError { code message path }
  }
}"""
UPDATE = """mutation($input: UpdateProductInput!) {
  updateProduct(input: $input) {
    ... on UpdateProductPayload { product { id media { id } } }
    ... on UserError { code message path }
  }
}"""
MEDIA = "query($id: ID!) { product(id: $id) { media { id } } }"
DELETE = """mutation($id: ID!) {
  deleteMediaAsset(input: { mediaAssetId: $id }) {
    ... on DeleteMediaAssetPayload { mediaAssetId product { id media { id } } }
    ... on UserError { code message path }
  }
}"""


async def post(
    client: Client, content: bytes, mime_type: str | None, **query: str
) -> httpx.Response:
    """An upload as a raw body."""
    headers = dict(client.headers)
    if mime_type is not None:
        headers["Content-Type"] = mime_type
    return await client.http.post("/media", content=content, headers=headers, params=query)


async def upload(client: Client, content: bytes | None = None) -> str:
    """The id of a picture that was uploaded and taken."""
    response = await post(client, content or files.picture("PNG"), None)
    assert response.status_code == 201, response.text
    asset_id: str = response.json()["id"]
    return asset_id


async def refusal(response: httpx.Response, status: int) -> dict[str, Any]:
    """The one error of an answer that must have this status."""
    assert response.status_code == status, response.text
    [error] = response.json()["errors"]
    return {"code": error["extensions"]["code"], "message": error["message"]}


def path_of(url: str) -> str:
    """The path of an address that the server gave out."""
    return urlsplit(url).path


def row_id(public_id: str) -> UUID:
    """The stored id."""
    parts = split_id(public_id)
    assert parts is not None
    return parts[1]


async def stored_rows(souk: Souk) -> int:
    """How many pictures the database has, active or not."""
    return int(await souk.database.scalar(text("SELECT count(*) FROM media_asset")))


def stored_files(souk: Souk) -> list[Path]:
    """The files that the media folder holds."""
    return [path for path in souk.settings.media_dir.rglob("*") if path.is_file()]


async def place(souk: Souk) -> dict[str, str]:
    """A category and a subcategory for products."""
    admin = await souk.member("Admin", Role.ADMIN)
    made = await admin.run(CREATE_CATEGORY, input={"title": "Watches"})
    category_id = made["createCategory"]["category"]["id"]
    made = await admin.run(
        CREATE_SUBCATEGORY, input={"categoryId": category_id, "name": "Wrist watches"}
    )
    subcategory_id = made["createSubcategory"]["subcategory"]["id"]
    return {"categoryId": category_id, "subcategoryId": subcategory_id}


async def put_on_sale(seller: Client, where: dict[str, str], media: list[str]) -> dict[str, Any]:
    """The answer to listing a product with these pictures."""
    values = {
        "title": "A watch",
        "description": "It runs.",
        "condition": "USED",
        "price": {"amount": "10.00", "currency": "USD"},
        "shippingMethod": "FREE",
        "mediaIds": media,
        **where,
    }
    made = await seller.run(CREATE, input=values)
    answer: dict[str, Any] = made["createFixedPriceProduct"]
    return answer


async def shown(client: Client, product_id: str) -> list[str]:
    """The ids of a product's pictures, in order."""
    found = await client.run(MEDIA, id=product_id)
    return [asset["id"] for asset in found["product"]["media"]]
