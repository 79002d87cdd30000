"""Second factors: channels that are on, recovery codes, logins that wait for one.

Revision 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _words(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=30)


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "channel", _words("channel", "EMAIL", "MOBILE", "TOTP", "RECOVERY"), nullable=False
        ),
        sa.Column("target", sa.String(length=254), nullable=True),
        sa.Column("secret", sa.String(length=300), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel <> 'RECOVERY'", name=op.f("ck_second_factor_no_recovery")),
        sa.CheckConstraint(
            "(channel = 'TOTP') = (target IS NULL)",
            name=op.f("ck_second_factor_target_of_messages"),
        ),
        sa.CheckConstraint(
            "(channel = 'TOTP') = (secret IS NOT NULL)",
            name=op.f("ck_second_factor_secret_of_totp"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_second_factor_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "channel", name=op.f("pk_second_factor")),
    )
    op.create_table(
        "totp_enrollment",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_totp_enrollment_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_enrollment")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_recovery_code_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint(
            "user_id", "code_hash", name=op.f("uq_recovery_code_user_id_code_hash")
        ),
    )
    op.create_table(
        "login_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", _words("purpose", "LOGIN", "STAFF_LOGIN", "SETTINGS"), nullable=False),
        sa.Column("password_tag", sa.String(length=64), nullable=False),
        sa.Column("wrong_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "wrong_tries BETWEEN 0 AND 5", name=op.f("ck_login_challenge_five_tries")
        ),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_login_challenge_expires_after_created")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_login_challenge_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_challenge")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_challenge_token_hash")),
    )
    op.create_index(
        op.f("ix_login_challenge_user_id"), "login_challenge", ["user_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("login_challenge")
    op.drop_table("recovery_code")
    op.drop_table("totp_enrollment")
    op.drop_table("second_factor")
