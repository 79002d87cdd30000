"""Pictures (spec/03-auctions.md#catalogue): `uploading` them (checked by `pictures`, rewritten by
`containers`), `assets` of products, `avatars` of people."""
