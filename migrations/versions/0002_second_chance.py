"""Second chances: unsold goods offered to a losing bidder.

Revision 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_chance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("bidder_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_second_chance_amount_positive")),
        sa.CheckConstraint(
            "expires_at > offered_at", name=op.f("ck_second_chance_expires_after_offered")
        ),
        sa.CheckConstraint(
            "accepted_at < expires_at", name=op.f("ck_second_chance_accepted_in_time")
        ),
        sa.CheckConstraint(
            "bidder_id <> seller_id", name=op.f("ck_second_chance_seller_is_no_bidder")
        ),
        sa.CheckConstraint(
            "num_nonnulls(accepted_at, declined_at, withdrawn_at) <= 1",
            name=op.f("ck_second_chance_one_answer"),
        ),
        sa.CheckConstraint(
            "closed_at IS NOT DISTINCT FROM coalesce(accepted_at, declined_at, withdrawn_at) OR closed_at = expires_at AND num_nonnulls(accepted_at, declined_at, withdrawn_at) = 0",
            name=op.f("ck_second_chance_closed_by_answer_or_expiry"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_second_chance_product_id")
        ),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name=op.f("fk_second_chance_bid_id")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["user_account.id"], name=op.f("fk_second_chance_seller_id")
        ),
        sa.ForeignKeyConstraint(
            ["bidder_id"], ["user_account.id"], name=op.f("fk_second_chance_bidder_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_chance")),
    )
    op.create_index(
        "uq_second_chance_open",
        "second_chance",
        ["product_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_second_chance_expiry",
        "second_chance",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_second_chance_bidder", "second_chance", ["bidder_id", "id"], unique=False)
    op.create_index("ix_second_chance_seller", "second_chance", ["seller_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("second_chance")
