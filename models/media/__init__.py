"""Uploaded pictures: tables and statements, a file a feature."""

from models.media.tables import AvatarFile, MediaAsset

__all__ = ["AvatarFile", "MediaAsset"]
