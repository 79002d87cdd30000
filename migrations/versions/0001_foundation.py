"""Users, sessions, catalogue, auctions, media, event log, idempotency keys and the job queue.

Revision 0001, the first.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def run_script(script: str) -> None:
    """Runs several statements at once, which the driver allows only without parameters."""
    connection: Any = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(script))


def install_queue() -> None:
    """The job queue's own tables, as its library declares them (docs/decisions/0004-queue.md)."""
    run_script(QueryBuilderEnvironment().build_install_query())


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    install_queue()
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("subtitle", sa.String(length=200), nullable=True),
        sa.Column("image_url", sa.String(length=500), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_index("ix_category_title", "category", ["title", "id"], unique=False)
    op.create_table(
        "event",
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("topic", "number", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_occurred_at"), "event", ["occurred_at"], unique=False)
    op.create_table(
        "event_topic",
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_event_topic")),
    )
    op.create_table(
        "failed_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("pending", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_attempt")),
    )
    op.create_index(
        "ix_failed_attempt_subject",
        "failed_attempt",
        ["kind", "subject", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "idempotency_key",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("mutation", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("actor_id", "mutation", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("private_pem", sa.String(length=4000), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("signs_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verifies_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("username", sa.String(length=30), nullable=True),
        sa.Column("fullname", sa.String(length=100), nullable=False),
        sa.Column("firstname", sa.String(length=100), nullable=True),
        sa.Column("lastname", sa.String(length=100), nullable=True),
        sa.Column("gender", sa.String(length=30), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("phone_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("email_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("avatar_url", sa.String(length=500), nullable=True),
        sa.Column("bio", sa.String(length=2000), nullable=True),
        sa.Column("preferred_language", sa.String(length=35), nullable=True),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "USER",
                "STAFF",
                "ADMIN",
                "SUPER_ADMIN",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            server_default="USER",
            nullable=False,
        ),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
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
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rights_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "username ~ '^[a-z0-9_.]{3,30}$'", name=op.f("ck_user_account_username_form")
        ),
        sa.CheckConstraint(
            "length(fullname) BETWEEN 1 AND 100", name=op.f("ck_user_account_fullname_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index(
        "ix_user_account_rights",
        "user_account",
        ["rights_changed_at"],
        unique=False,
        postgresql_where=sa.text("rights_changed_at IS NOT NULL"),
    )
    op.create_index(
        "uq_user_account_email", "user_account", [sa.literal_column("lower(email)")], unique=True
    )
    op.create_index(
        "uq_user_account_username",
        "user_account",
        [sa.literal_column("lower(username)")],
        unique=True,
    )
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "flow",
            sa.Enum(
                "EMAIL_VERIFICATION",
                "MOBILE_VERIFICATION",
                "EMAIL_TWO_FACTOR",
                "MOBILE_TWO_FACTOR",
                "PASSWORD_RESET_EMAIL",
                "PASSWORD_RESET_MOBILE",
                name="flow",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("code_index", sa.Integer(), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_one_time_code_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
        sa.UniqueConstraint("user_id", "flow", name=op.f("uq_one_time_code_user_id_flow")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(
        "ix_session_revoked",
        "session",
        ["revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index("ix_session_user", "session", ["user_id", "id"], unique=False)
    op.create_table(
        "subcategory",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "group_name",
            sa.Enum(
                "MOST_POPULAR",
                "MORE",
                name="group",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_subcategory_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subcategory")),
        sa.UniqueConstraint("id", "category_id", name=op.f("uq_subcategory_id_category_id")),
    )
    op.create_index(
        "ix_subcategory_category", "subcategory", ["category_id", "name", "id"], unique=False
    )
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "FIXED",
                "AUCTION",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("subcategory_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=10000), nullable=False),
        sa.Column(
            "condition",
            sa.Enum(
                "BRAND_NEW",
                "NEW",
                "USED",
                name="condition",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "shipping_method",
            sa.Enum(
                "STANDARD",
                "EXPRESS",
                "FREE",
                name="shipping_method",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=False,
        ),
        sa.Column("shipping_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("estimated_delivery", sa.String(length=100), nullable=True),
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
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("quantity_available", sa.Integer(), nullable=True),
        sa.Column("accept_offers", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("auto_accept_minor", sa.BigInteger(), nullable=True),
        sa.Column("auto_decline_minor", sa.BigInteger(), nullable=True),
        sa.Column("start_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("reserve_minor", sa.BigInteger(), nullable=True),
        sa.Column("buy_now_minor", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "SCHEDULED",
                "OPEN",
                "ENDED",
                "SETTLED",
                "CANCELLED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("proxy_bidding", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("soft_close_seconds", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("bid_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_bid_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leader_id", sa.Uuid(), nullable=True),
        sa.Column("leader_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("runner_up_max_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'FIXED') = (quantity IS NOT NULL) AND (kind = 'AUCTION') = (status IS NOT NULL) AND (kind = 'AUCTION') = (start_price_minor IS NOT NULL) AND (kind = 'AUCTION') = (starts_at IS NOT NULL) AND (kind = 'AUCTION') = (ends_at IS NOT NULL) AND (kind = 'AUCTION' OR reserve_minor IS NULL) AND (kind = 'AUCTION' OR buy_now_minor IS NULL) AND (kind = 'AUCTION' OR bid_count = 0) AND (kind = 'FIXED' OR NOT accept_offers)",
            name=op.f("ck_product_fields_of_the_kind"),
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_product_currency_form")),
        sa.CheckConstraint(
            "shipping_method <> 'FREE' OR shipping_cost_minor = 0",
            name=op.f("ck_product_free_shipping_costs_nothing"),
        ),
        sa.CheckConstraint(
            "(bid_count = 0) = (leader_id IS NULL) AND (leader_id IS NULL) = (leader_max_minor IS NULL)",
            name=op.f("ck_product_leader_with_bids"),
        ),
        sa.CheckConstraint(
            "auto_decline_minor < auto_accept_minor AND auto_accept_minor <= price_minor",
            name=op.f("ck_product_offer_thresholds"),
        ),
        sa.CheckConstraint("bid_count >= 0", name=op.f("ck_product_bid_count_positive")),
        sa.CheckConstraint(
            "buy_now_minor >= start_price_minor", name=op.f("ck_product_buy_now_from_start")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_product_ends_after_start")),
        sa.CheckConstraint("leader_id <> seller_id", name=op.f("ck_product_seller_never_leads")),
        sa.CheckConstraint(
            "length(description) BETWEEN 1 AND 10000", name=op.f("ck_product_description_length")
        ),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 120", name=op.f("ck_product_title_length")),
        sa.CheckConstraint(
            "price_minor <= leader_max_minor", name=op.f("ck_product_price_within_maximum")
        ),
        sa.CheckConstraint("price_minor > 0", name=op.f("ck_product_price_positive")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_product_quantity_positive")),
        sa.CheckConstraint(
            "quantity_available BETWEEN 0 AND quantity",
            name=op.f("ck_product_available_within_quantity"),
        ),
        sa.CheckConstraint(
            "reserve_minor >= start_price_minor", name=op.f("ck_product_reserve_from_start")
        ),
        sa.CheckConstraint(
            "shipping_cost_minor >= 0", name=op.f("ck_product_shipping_cost_positive")
        ),
        sa.CheckConstraint(
            "soft_close_seconds BETWEEN 0 AND 3600", name=op.f("ck_product_soft_close_range")
        ),
        sa.CheckConstraint("start_price_minor > 0", name=op.f("ck_product_start_price_positive")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_product_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["leader_id"], ["user_account.id"], name=op.f("fk_product_leader_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["user_account.id"], name=op.f("fk_product_seller_id")
        ),
        sa.ForeignKeyConstraint(
            ["subcategory_id", "category_id"],
            ["subcategory.id", "subcategory.category_id"],
            name=op.f("fk_product_subcategory_id_category_id"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index(
        "ix_product_bids",
        "product",
        ["bid_count", "id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_product_category",
        "product",
        ["category_id", "id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_product_newest", "product", ["id"], unique=False, postgresql_where=sa.text("is_active")
    )
    op.create_index(
        "ix_product_price",
        "product",
        ["currency", "price_minor", "id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_product_running",
        "product",
        ["ends_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('SCHEDULED', 'OPEN')"),
    )
    op.create_index("ix_product_seller", "product", ["seller_id", "id"], unique=False)
    op.create_index(
        "ix_product_subcategory",
        "product",
        ["subcategory_id", "id"],
        unique=False,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_product_title",
        "product",
        ["title"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.create_table(
        "refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_refresh_token_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_token_token_hash")),
    )
    op.create_index(
        op.f("ix_refresh_token_session_id"), "refresh_token", ["session_id"], unique=False
    )
    op.create_table(
        "bid",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("bidder_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ACTIVE",
                "WON",
                "LOST",
                "CANCELLED",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            server_default="ACTIVE",
            nullable=False,
        ),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "cancel_reason",
            sa.Enum(
                "WRONG_AMOUNT",
                "DESCRIPTION_CHANGED",
                "SELLER_UNREACHABLE",
                "REMOVED_BY_SELLER",
                "REMOVED_BY_ADMIN",
                name="cancel_reason",
                native_enum=False,
                create_constraint=True,
                length=30,
            ),
            nullable=True,
        ),
        sa.Column("revealed_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'CANCELLED') = (cancelled_at IS NOT NULL) AND (status = 'CANCELLED') = (revealed_minor IS NOT NULL)",
            name=op.f("ck_bid_cancelled_fields"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_bid_amount_positive")),
        sa.ForeignKeyConstraint(["bidder_id"], ["user_account.id"], name=op.f("fk_bid_bidder_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_bid_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid")),
        sa.UniqueConstraint("product_id", "number", name=op.f("uq_bid_product_id_number")),
    )
    op.create_index("ix_bid_bidder", "bid", ["bidder_id", "id"], unique=False)
    op.create_index(
        "uq_bid_one_winner",
        "bid",
        ["product_id"],
        unique=True,
        postgresql_where=sa.text("status = 'WON'"),
    )
    op.create_table(
        "media_asset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("unattached_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mime_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(product_id IS NULL) = (position IS NULL)",
            name=op.f("ck_media_asset_position_of_attached"),
        ),
        sa.CheckConstraint(
            "(product_id IS NULL) = (unattached_since IS NOT NULL)",
            name=op.f("ck_media_asset_unattached_since_when"),
        ),
        sa.CheckConstraint(
            "position BETWEEN 0 AND 11", name=op.f("ck_media_asset_twelve_a_product")
        ),
        sa.CheckConstraint("size BETWEEN 1 AND 10485760", name=op.f("ck_media_asset_size_range")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_media_asset_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_media_asset_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_asset")),
    )
    op.create_index(
        "ix_media_asset_orphans",
        "media_asset",
        ["unattached_since"],
        unique=False,
        postgresql_where=sa.text("product_id IS NULL"),
    )
    op.create_index("ix_media_asset_owner", "media_asset", ["owner_id", "id"], unique=False)
    op.create_index(
        "uq_media_asset_position",
        "media_asset",
        ["product_id", "position"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )


def downgrade() -> None:
    op.drop_index(
        "uq_media_asset_position", table_name="media_asset", postgresql_where=sa.text("is_active")
    )
    op.drop_index("ix_media_asset_owner", table_name="media_asset")
    op.drop_index(
        "ix_media_asset_orphans",
        table_name="media_asset",
        postgresql_where=sa.text("product_id IS NULL"),
    )
    op.drop_table("media_asset")
    op.drop_index("uq_bid_one_winner", table_name="bid", postgresql_where=sa.text("status = 'WON'"))
    op.drop_index("ix_bid_bidder", table_name="bid")
    op.drop_table("bid")
    op.drop_index(op.f("ix_refresh_token_session_id"), table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_index(
        "ix_product_title",
        table_name="product",
        postgresql_using="gin",
        postgresql_ops={"title": "gin_trgm_ops"},
    )
    op.drop_index(
        "ix_product_subcategory", table_name="product", postgresql_where=sa.text("is_active")
    )
    op.drop_index("ix_product_seller", table_name="product")
    op.drop_index(
        "ix_product_running",
        table_name="product",
        postgresql_where=sa.text("status IN ('SCHEDULED', 'OPEN')"),
    )
    op.drop_index("ix_product_price", table_name="product", postgresql_where=sa.text("is_active"))
    op.drop_index("ix_product_newest", table_name="product", postgresql_where=sa.text("is_active"))
    op.drop_index(
        "ix_product_category", table_name="product", postgresql_where=sa.text("is_active")
    )
    op.drop_index("ix_product_bids", table_name="product", postgresql_where=sa.text("is_active"))
    op.drop_table("product")
    op.drop_index("ix_subcategory_category", table_name="subcategory")
    op.drop_table("subcategory")
    op.drop_index("ix_session_user", table_name="session")
    op.drop_index(
        "ix_session_revoked",
        table_name="session",
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.drop_table("session")
    op.drop_table("one_time_code")
    op.drop_index("uq_user_account_username", table_name="user_account")
    op.drop_index("uq_user_account_email", table_name="user_account")
    op.drop_index(
        "ix_user_account_rights",
        table_name="user_account",
        postgresql_where=sa.text("rights_changed_at IS NOT NULL"),
    )
    op.drop_table("user_account")
    op.drop_table("signing_key")
    op.drop_index(op.f("ix_idempotency_key_created_at"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_failed_attempt_subject", table_name="failed_attempt")
    op.drop_table("failed_attempt")
    op.drop_table("event_topic")
    op.drop_index(op.f("ix_event_occurred_at"), table_name="event")
    op.drop_table("event")
    op.drop_index("ix_category_title", table_name="category")
    op.drop_table("category")
    run_script(QueryBuilderEnvironment().build_uninstall_query())
