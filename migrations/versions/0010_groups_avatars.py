"""Groups of people and their members; avatar files.

Revision 0010.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[Any]]:
    return [
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now()"),
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "user_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(100), nullable=False),
        sa.Column("avatar", sa.String(500), nullable=True),
        *_common(),
        sa.CheckConstraint(
            "length(group_name) BETWEEN 1 AND 100", name=op.f("ck_user_group_group_name_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group")),
    )
    op.create_index(
        "uq_user_group_name",
        "user_group",
        [sa.text("lower(group_name)")],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "user_group_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        *_common(),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_group.id"], name=op.f("fk_user_group_member_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_group_member_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_user_group_member_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_group_member")),
    )
    op.create_index(
        "uq_user_group_member_pair",
        "user_group_member",
        ["group_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index("ix_user_group_member_group", "user_group_member", ["group_id", "id"])
    op.create_index("ix_user_group_member_user", "user_group_member", ["user_id"])
    op.create_table(
        "avatar_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("mime_type", sa.String(40), nullable=False),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("access_key", sa.String(12), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=True),
        *_common(),
        sa.CheckConstraint(
            "file_size BETWEEN 1 AND 10485760", name=op.f("ck_avatar_file_file_size_range")
        ),
        sa.CheckConstraint(
            "access_key ~ '^[A-Za-z0-9]{12}$'", name=op.f("ck_avatar_file_access_key_form")
        ),
        sa.CheckConstraint(
            "is_active = (archived_at IS NULL)", name=op.f("ck_avatar_file_archived_when")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_avatar_file_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_avatar_file")),
        sa.UniqueConstraint("access_key", name=op.f("uq_avatar_file_access_key")),
    )
    op.create_index("ix_avatar_file_owner", "avatar_file", ["owner_id", "id"])
    op.create_index(
        "ix_avatar_file_archived",
        "avatar_file",
        ["archived_at"],
        postgresql_where=sa.text("archived_at IS NOT NULL"),
    )
