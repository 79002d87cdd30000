"""The operations on customers, and customers to use them on."""

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from tests.clients.client import Client, Souk
from tests.identity.mailbox import mails

TOKEN = re.compile(r"/customers/([A-Za-z0-9_-]{43})/delete/confirm$")

FIELDS = """id firstName lastName middleName nationality dateOfBirth email phoneNumber
  user { id fullname }"""


def _mutation(name: str, payload: str) -> str:
    type_ = name[0].upper() + name[1:]
    return f"""mutation($input: {type_}Input!) {{ {name}(input: $input) {{ __typename
      ... on {type_}Payload {{ {payload} }} ... on UserError {{ code message path }} }} }}"""


CREATE = _mutation("createCustomer", f"customer {{ {FIELDS} }}")
UPDATE_MY = _mutation("updateMyCustomer", f"customer {{ {FIELDS} }}")
UPDATE = _mutation("updateCustomer", f"customer {{ {FIELDS} }}")
DELETE = _mutation("deleteCustomer", "customerId")
REQUEST = _mutation("requestCustomerDeletion", "customer { id } sentTo expiresAt secretLink")
CONFIRM = _mutation("confirmCustomerDeletion", "customerId")
MINE = f"{{ myCustomer {{ {FIELDS} }} }}"
ONE = f"query($id: ID!) {{ customer(id: $id) {{ {FIELDS} }} }}"
NODES = "query($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }"
LIST = f"""query($filter: CustomerFilter, $sort: CustomerSort, $first: Int, $after: String,
  $last: Int, $before: String) {{ customers(filter: $filter, sort: $sort, first: $first,
  after: $after, last: $last, before: $before) {{ totalCount
  pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} nodes {{ {FIELDS} }} }} }}"""

CYNTHIA: dict[str, Any] = {
    "firstName": "Cynthia",
    "lastName": "Norris",
    "middleName": "Alexander",
    "nationality": "LS",
    "dateOfBirth": "1912-09-06",
    "email": "aaron97@example.org",
    "phoneNumber": "+254246515866",
}


async def result(client: Client, document: str, **input: Any) -> dict[str, Any]:
    """What the one mutation of a document answers to an input."""
    [answer] = (await client.run(document, input=input)).values()
    found: dict[str, Any] = answer
    return found


async def customer_of(client: Client, **changes: Any) -> dict[str, Any]:
    """A customer that a person, or staff, adds."""
    made = await result(client, CREATE, **{**CYNTHIA, **changes})
    assert made["__typename"] == "CreateCustomerPayload", made
    customer: dict[str, Any] = made["customer"]
    return customer


async def stored(souk: Souk) -> list[dict[str, Any]]:
    """The rows as they lie in the database, oldest first."""
    statement = text("SELECT * FROM customer ORDER BY id")
    rows = await souk.database.run(lambda work: work.rows(statement))
    return [dict(row) for row in rows]


def token_in(link: str) -> str:
    """The token of a link."""
    found = TOKEN.search(link)
    assert found, link
    return found[1]


async def asked(souk: Souk, client: Client, **input: Any) -> str:
    """The token of the link that a person asks for."""
    answer = await result(client, REQUEST, **input)
    assert answer["__typename"] == "RequestCustomerDeletionPayload", answer
    newest = (await mails(souk))[-1]
    found = re.search(r"https?://\S+", newest.text)
    assert found
    return token_in(found[0])


async def earlier(souk: Souk, **ago: int) -> None:
    """The link was asked for so long ago."""
    moved = timedelta(**ago)
    statement = text(
        "UPDATE customer_deletion SET requested_at = requested_at - CAST(:ago AS interval), "
        "expires_at = expires_at - CAST(:ago AS interval)"
    )
    await souk.database.run(lambda work: work.execute(statement.bindparams(ago=moved)))
