"""Plays the image of the database: prepares a cluster as its entry point does, for one user with a password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from tests.servers import PostgreSQL, find_binaries

# As the image writes it: no password on the socket, one for everybody who comes over the network.
HOST_RULES = "local all all trust\nhost all all all scram-sha-256\n"


class DatabaseImage:
    """A prepared cluster of one user, and the command that serves it."""

    def __init__(self, folder: Path, *, port: int) -> None:
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self._cluster = PostgreSQL(folder, find_binaries())
        self._port = port
        self._login: dict[str, str] = {}
        self.user, self.binaries = self._cluster.user, self._cluster.binaries

    @property
    def command(self) -> tuple[str, ...]:
        folder = str(self._cluster.folder)
        # Processes are killed here, and no power fails.
        options = ("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        return ("postgres", "-D", str(self._cluster.data), "-k", folder, "-p", str(self._port), *options)

    @property
    def inside(self) -> dict[str, str]:
        """How its programs find it inside of its container, where it has the usual socket and port."""
        return {"PGHOST": str(self._cluster.folder), "PGPORT": str(self._port)}

    def prepare(self, environment: Mapping[str, str]) -> None:
        """Make the user and the database that the environment names."""
        name, password = environment["POSTGRES_USER"], environment["POSTGRES_PASSWORD"]
        self._login = {"user": name, "password": password, "dbname": environment["POSTGRES_DB"]}
        self._cluster.start()
        with psycopg.connect(host=str(self._cluster.folder), user="postgres", autocommit=True) as connection:
            role = sql.Identifier(name)
            statement = sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}")
            connection.execute(statement.format(role, sql.Literal(password)))
            database = sql.Identifier(environment["POSTGRES_DB"])
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
        self._cluster.stop()
        (self._cluster.data / "pg_hba.conf").write_text(HOST_RULES)

    def query(self, statement: str, *values: object) -> list[TupleRow]:
        """Ask as everybody does: over the network, with the password."""
        login = {**self._login, "host": "127.0.0.1", "port": str(self._port)}
        with psycopg.connect(**login, connect_timeout=5) as connection:  # type: ignore[arg-type]
            return connection.execute(statement.encode(), values).fetchall()
