"""The limits on the real server: what clients ask for fits, and what is refused leaves no trace."""

from typing import Any

from graphql import get_introspection_query
from sqlalchemy import text

from tests.clients.client import Souk

PAGE = """
query Page($n: Int!) { products(first: $n) {
  totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  edges { cursor node {
    id title description condition shippingMethod shippingCost { amount currency formatted }
    createdAt seller { id fullname avatarUrl }
    category { id title } subcategory { id name } media { id url mimeType size }
    ... on FixedPriceProduct { price { amount currency } quantityAvailable }
    ... on AuctionProduct {
      startPrice { amount currency } currentPrice { amount currency }
      minimumNextBid { amount currency } bidCount endsAt status highestBidder { id fullname }
      bids(first: 3) { edges { node { id amount { amount currency } bidder { id fullname } } } }
    } } } } }
"""
REGISTER = """
mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }
"""


async def stored_users(souk: Souk) -> int:
    count: int = await souk.database.scalar(text("SELECT count(*) FROM user_account"))
    return count


async def sent(souk: Souk, query: str, **body: Any) -> dict[str, Any]:
    client = await souk.member("ann")
    response = await souk.http.post(
        "/graphql", json={"query": query, **body}, headers=client.headers
    )
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_full_page_of_a_hundred_products_stays_below_the_limit(souk: Souk) -> None:
    answer = await sent(souk, PAGE, variables={"n": 100})
    assert "errors" not in answer, answer
    assert 2_000 < answer["extensions"]["cost"]["requested"] < 5_000


async def test_the_explorer_can_read_the_schema(souk: Souk) -> None:
    query = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    response = await souk.http.post("/graphql", json={"query": query})
    assert "errors" not in response.json()


async def test_refused_mutations_store_nothing(souk: Souk) -> None:
    await souk.member("ann")
    before = await stored_users(souk)
    register = (
        'registerUser(input: { email: "eve@example.com", fullname: "Eve", '
        'password: "a long password of mine" }) { __typename }'
    )
    for document in (
        "mutation { " + " ".join(f"a{i}: {register}" for i in range(11)) + " }",
        "mutation { " + register + "} query B { __typename }",
        "mutation { " + register + " unknown }",
        "mutation @skip(if: false) " + "@include(if: true) " * 50 + "{ " + register + " }",
    ):
        answer = await sent(souk, document)
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    response = await souk.http.get(
        "/graphql",
        params={"query": "mutation { " + register + " }"},
        headers={"GraphQL-Preflight": "1"},
    )
    assert response.status_code == 405
    assert await stored_users(souk) == before


async def test_a_page_over_the_limit_is_refused_by_its_field(souk: Souk) -> None:
    answer = await sent(souk, "{ products(first: 101) { totalCount } }")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "100" in answer["errors"][0]["message"]


async def test_a_forged_token_is_refused_on_http_and_websocket_headers(souk: Souk) -> None:
    forged = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."}
    response = await souk.http.post("/graphql", json={"query": "{ __typename }"}, headers=forged)
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
