"""The catalogue (spec/03-auctions.md#catalogue): `reading`, `categories`, `listing` new products
and `editing` them."""
