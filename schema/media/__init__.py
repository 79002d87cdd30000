"""Pictures as clients see them: of goods, and of people. The files themselves travel by
rest/media.py."""

from graph.domain import gather
from schema.media import assets, avatars
from schema.media.assets import ASSETS_OF_PRODUCTS, MediaAsset

DOMAIN = gather("media", assets, avatars)

__all__ = ["ASSETS_OF_PRODUCTS", "DOMAIN", "MediaAsset"]
