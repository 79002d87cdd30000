"""Pictures as clients see them: of goods, and of people. The files themselves travel by
rest/media.py."""

import strawberry

from schema.media import assets, avatars
from schema.media.assets import MediaAsset
from schema.media.avatars import AvatarFile

__all__ = ["LOADERS", "NODES", "TYPES", "AvatarFile", "MediaAsset", "Mutation", "Query"]


@strawberry.type
class Query(assets.Query, avatars.AvatarQuery):
    """Reading."""


@strawberry.type
class Mutation(assets.Mutation, avatars.AvatarMutation):
    """Writing."""


LOADERS = {**assets.LOADERS, **avatars.LOADERS}
NODES = {**assets.NODES, **avatars.NODES}
TYPES = [AvatarFile]
