"""Customers, and the links that delete them.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("middle_name", sa.String(length=100), nullable=True),
        sa.Column("last_name", sa.String(length=100), nullable=True),
        sa.Column("nationality", sa.String(length=2), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone_number", sa.String(length=16), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("nationality ~ '^[A-Z]{2}$'", name=op.f("ck_customer_nationality_form")),
        sa.CheckConstraint(
            "date_of_birth >= '1850-01-01'", name=op.f("ck_customer_date_of_birth_possible")
        ),
        sa.CheckConstraint(
            "erased_at IS NULL AND num_nonnulls(first_name, last_name, nationality, date_of_birth, email, phone_number) = 6 OR erased_at IS NOT NULL AND num_nonnulls(user_id, first_name, middle_name, last_name, nationality, date_of_birth, email, phone_number) = 0",
            name=op.f("ck_customer_whole_or_blank"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_customer_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("user_id", name=op.f("uq_customer_user_id")),
    )
    op.create_index("ix_customer_name", "customer", ["last_name", "first_name", "id"], unique=False)
    op.create_table(
        "customer_deletion",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_deletion_customer_id")
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_deletion")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_customer_deletion_token_hash")),
    )
    op.create_index(
        op.f("ix_customer_deletion_expires_at"), "customer_deletion", ["expires_at"], unique=False
    )


def downgrade() -> None:
    op.drop_table("customer_deletion")
    op.drop_table("customer")
