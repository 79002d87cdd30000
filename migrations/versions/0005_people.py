"""Closed accounts: by whom, and when their personal data went. Indexes for the lists of people.

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("closed_by", sa.Uuid(), nullable=True))
    op.add_column("user_account", sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_user_account_closed_by"),
        "user_account",
        "user_account",
        ["closed_by"],
        ["id"],
        postgresql_not_valid=True,
    )
    # Checked without keeping anybody from writing (CONTRIBUTING.md#making-a-migration).
    for name, rule in (
        ("ck_user_account_super_admin_stays", "is_active OR role <> 'SUPER_ADMIN'"),
        (
            "ck_user_account_purged_stays_closed",
            "purged_at IS NULL OR NOT is_active AND num_nonnulls(password_hash, username, firstname, lastname, gender, city, phone, avatar_url, bio, preferred_language, address) = 0",
        ),
    ):
        op.execute(f"ALTER TABLE user_account ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID")
        op.execute(f"ALTER TABLE user_account VALIDATE CONSTRAINT {name}")
    op.execute("ALTER TABLE user_account VALIDATE CONSTRAINT fk_user_account_closed_by")
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_user_account_fullname",
            "user_account",
            [sa.literal_column("lower(fullname)"), "id"],
            unique=False,
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_user_account_role",
            "user_account",
            ["role", "id"],
            unique=False,
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_user_account_search",
            "user_account",
            ["fullname", "email"],
            unique=False,
            postgresql_using="gin",
            postgresql_ops={"fullname": "gin_trgm_ops", "email": "gin_trgm_ops"},
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_user_account_closed",
            "user_account",
            ["archived_at"],
            unique=False,
            postgresql_where=sa.text("NOT is_active AND purged_at IS NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    for name in ("closed", "search", "role", "fullname"):
        op.drop_index(f"ix_user_account_{name}", table_name="user_account")
    for name in ("ck_user_account_purged_stays_closed", "ck_user_account_super_admin_stays"):
        op.execute(f"ALTER TABLE user_account DROP CONSTRAINT {name}")
    op.drop_constraint(op.f("fk_user_account_closed_by"), "user_account", type_="foreignkey")
    op.drop_column("user_account", "purged_at")
    op.drop_column("user_account", "closed_by")
