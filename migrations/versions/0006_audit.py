"""The audit log: a chain that nothing changes, its clear side that an erasure may blank, and what
the daily verification found.

Revision 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Fires for every role, the owner and a superuser too, and also while replication is replayed.
REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is never changed: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$
"""
BLANK_ONLY = """
CREATE FUNCTION audit_blank_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.id <> OLD.id THEN
    RAISE EXCEPTION 'the clear side of the audit log can be blanked, once, and not changed'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$
"""
TRIGGERS = {
    "audit_entry_refuse": (
        "audit_entry",
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    ),
    "audit_detail_refuse": (
        "audit_detail",
        "BEFORE DELETE OR TRUNCATE ON audit_detail "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    ),
    "audit_detail_blank_only": (
        "audit_detail",
        "BEFORE UPDATE ON audit_detail FOR EACH ROW EXECUTE FUNCTION audit_blank_only()",
    ),
}


def make_tables() -> None:
    op.create_table(
        "audit_detail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "octet_length(content) <= 16384", name=op.f("ck_audit_detail_content_length")
        ),
        sa.CheckConstraint(
            "erased_at IS NULL AND salt IS NOT NULL AND content IS NOT NULL OR erased_at IS NOT NULL AND num_nonnulls(salt, content, address, request_id) = 0",
            name=op.f("ck_audit_detail_whole_or_blank"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_detail")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=30), nullable=False),
        sa.Column("performed_by", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_type", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=60), nullable=True),
        sa.Column("details_digest", sa.String(length=64), nullable=False),
        sa.Column("address_digest", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_audit_entry_sequence_positive")),
        sa.CheckConstraint(
            "action ~ '^[a-z_]+[.][a-z_]+$'", name=op.f("ck_audit_entry_action_form")
        ),
        sa.CheckConstraint(
            "actor_kind IN ('USER', 'API_KEY', 'AGENT', 'SYSTEM', 'WEBHOOK')",
            name=op.f("ck_audit_entry_actor_kind"),
        ),
        sa.CheckConstraint(
            "(actor_kind IN ('USER', 'API_KEY', 'AGENT')) = (performed_by IS NOT NULL)",
            name=op.f("ck_audit_entry_performed_by_somebody"),
        ),
        sa.ForeignKeyConstraint(["id"], ["audit_detail.id"], name=op.f("fk_audit_entry_id")),
        sa.ForeignKeyConstraint(
            ["performed_by"], ["user_account.id"], name=op.f("fk_audit_entry_performed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_entry_previous_hash")),
        sa.UniqueConstraint("sequence", name=op.f("uq_audit_entry_sequence")),
    )
    op.create_index(
        "ix_audit_entry_performed_by", "audit_entry", ["performed_by", "sequence"], unique=False
    )
    op.create_index("ix_audit_entry_object", "audit_entry", ["object_id", "sequence"], unique=False)
    op.create_index("ix_audit_entry_occurred_at", "audit_entry", ["occurred_at"], unique=False)
    op.create_table(
        "audit_check",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("head_sequence", sa.BigInteger(), nullable=True),
        sa.Column("head_hash", sa.String(length=64), nullable=True),
        sa.Column("first_broken", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_check")),
    )


def upgrade() -> None:
    make_tables()
    op.execute(REFUSE)
    op.execute(BLANK_ONLY)
    for name, (table, when) in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when}")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    # Whoever migrates owns the tables, and Souk runs as the same role: it keeps reading and adding.
    for role in ("PUBLIC", "CURRENT_USER"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM {role}")
        op.execute(f"REVOKE DELETE, TRUNCATE ON audit_detail FROM {role}")


def downgrade() -> None:
    for table in ("audit_check", "audit_entry", "audit_detail"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_refuse(), audit_blank_only()")
