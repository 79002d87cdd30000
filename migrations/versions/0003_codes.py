"""One-time codes by link too, accounts found by a proven phone number, user names wished for.

Revision 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("one_time_code", sa.Column("link_hash", sa.String(length=64), nullable=True))
    op.add_column("one_time_code", sa.Column("bound_hash", sa.String(length=64), nullable=True))
    op.create_unique_constraint(op.f("uq_one_time_code_link_hash"), "one_time_code", ["link_hash"])
    op.add_column("user_account", sa.Column("wished_username", sa.String(length=30), nullable=True))
    # No number was ever proven before this revision, so the index is built of no row.
    op.create_index(
        "ix_user_account_phone",
        "user_account",
        ["phone", "id"],
        unique=False,
        postgresql_where=sa.text("phone_verified"),
    )


def downgrade() -> None:
    op.drop_index("ix_user_account_phone", table_name="user_account")
    op.drop_column("user_account", "wished_username")
    op.drop_constraint(op.f("uq_one_time_code_link_hash"), "one_time_code", type_="unique")
    op.drop_column("one_time_code", "bound_hash")
    op.drop_column("one_time_code", "link_hash")
