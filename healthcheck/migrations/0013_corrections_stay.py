"""What was corrected stays as it was said: the database itself refuses to edit it, and PostgreSQL to remove it.

Withdrawing it once is allowed, and so is forgetting the account of its author.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

TABLE = "healthcheck_correction"
FIXED = (
    "id", "endpoint_id", "starts_at", "ends_at", "effect", "reason", "is_public", "at", "author_name",
)  # fmt: skip
WITHDRAWAL = ("withdrawn_at", "withdrawn_by_name")
SENTENCE = "A correction is never edited; withdraw it and make another."
REMOVED = "A correction is never removed; withdraw it."


def _find_edit(differs: str) -> str:
    """Return the condition of an edit, by the database's operator for “not the same, and NULL is a value”."""
    fixed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in FIXED)
    withdrawal = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in WITHDRAWAL)
    author = f"NEW.author_id IS NOT NULL AND OLD.author_id {differs} NEW.author_id"
    return f"{fixed} OR (OLD.withdrawn_at IS NOT NULL AND ({withdrawal})) OR ({author})"


SQLITE = [
    f"""CREATE TRIGGER hc_correction_edit BEFORE UPDATE ON {TABLE} WHEN {_find_edit("IS NOT")}
        BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"""
]
POSTGRESQL = [
    """CREATE FUNCTION hc_refuse_correction() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'check_violation'; END $$""",
    f"""CREATE TRIGGER hc_correction_edit BEFORE UPDATE ON {TABLE} FOR EACH ROW
        WHEN ({_find_edit("IS DISTINCT FROM")}) EXECUTE FUNCTION hc_refuse_correction('{SENTENCE}')""",
    # The pruner removes them after their endpoint, in one transaction.
    f"""CREATE FUNCTION hc_keep_correction() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM healthcheck_endpoint WHERE id = OLD.endpoint_id) THEN
                RAISE EXCEPTION USING MESSAGE = '{REMOVED}', ERRCODE = 'check_violation';
            END IF;
            RETURN OLD;
        END $$""",  # noqa: S608  # our own names
    f"""CREATE TRIGGER hc_correction_keep BEFORE DELETE ON {TABLE} FOR EACH ROW
        EXECUTE FUNCTION hc_keep_correction()""",
]
UNDO_SQLITE = ["DROP TRIGGER IF EXISTS hc_correction_edit"]
UNDO_POSTGRESQL = [
    f"DROP TRIGGER IF EXISTS hc_correction_keep ON {TABLE}",
    f"DROP TRIGGER IF EXISTS hc_correction_edit ON {TABLE}",
    "DROP FUNCTION IF EXISTS hc_keep_correction()",
    "DROP FUNCTION IF EXISTS hc_refuse_correction()",
]
STATEMENTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
UNDO = {"sqlite": UNDO_SQLITE, "postgresql": UNDO_POSTGRESQL}


def make_triggers(_apps: Any, schema_editor: Any) -> None:
    _execute(schema_editor, STATEMENTS)


def drop_triggers(_apps: Any, schema_editor: Any) -> None:
    _execute(schema_editor, UNDO)


def _execute(schema_editor: Any, statements: dict[str, list[str]]) -> None:
    with schema_editor.connection.cursor() as cursor:
        for statement in statements.get(schema_editor.connection.vendor, []):
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("healthcheck", "0012_strips")]

    operations = [migrations.RunPython(make_triggers, drop_triggers)]
