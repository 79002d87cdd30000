"""Auctions (spec/03-auctions.md#bidding): `bidding`, `cancelling` bids and auctions, `closing` them
on time, `reading` their history, and the `events` that watchers are told."""
