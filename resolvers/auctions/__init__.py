"""Auctions (spec/03-auctions.md#bidding): `bidding`, `cancelling` bids and auctions, `closing` them
on time, a `second_chance` after it, `reading` their history, and the `events` that watchers are
told."""
