"""Alembic's entry: runs the revisions on the connection that the runner holds."""

from alembic import context

from guerdon.infra.roles import SCHEMA

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema=SCHEMA,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
