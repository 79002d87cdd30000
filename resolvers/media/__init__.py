"""Pictures (spec/03-auctions.md#catalogue): `uploading` them (checked by `pictures`, rewritten by
`containers`), `attaching` them to products, `reading`, `removing`."""

from resolvers.media.attaching import attach_media
from resolvers.media.reading import media_of_products
from resolvers.media.removing import remove_orphans
from resolvers.media.uploading import Uploads

__all__ = ["Uploads", "attach_media", "media_of_products", "remove_orphans"]
