from guerdon.infra.db import Database


def test_database_is_fresh(database: Database) -> None:
    with database.transaction(7) as tx:
        assert tx.execute("select current_user, current_setting('guerdon.tenant')").fetchone() == (
            "guerdon_app",
            "7",
        )


def test_b(database: Database) -> None:
    with database.transaction_as("lookup") as tx:
        assert tx.execute("select current_user").fetchone() == ("guerdon_lookup",)
