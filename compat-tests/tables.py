"""Rows by the thousand, written straight into the tables of a node, as its own faces would have written them one by one."""

import csv
import io
import sqlite3
import subprocess


def fill(server, tables, role=None):
    """Writes rows by table, (name, columns, rows), into the server's database; where a row says ROLE, `role` is meant."""
    with_role = lambda row: tuple(role if v == "ROLE" else v for v in row)  # noqa: E731
    for table, columns, values in tables:
        if server.database_url is None:
            with sqlite3.connect(server.data / "archstone.db") as connection:
                marks = ", ".join("?" * len(columns))
                connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", map(with_role, values))
        else:
            text = io.StringIO()
            csv.writer(text).writerows(map(with_role, values))
            subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", server.database_url, "-c",
                            f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv, NULL '\\N')"], input=text.getvalue(), text=True, check=True)
    if server.database_url is None:
        with sqlite3.connect(server.data / "archstone.db") as connection:
            connection.execute("ANALYZE")
    else:
        subprocess.run(["psql", "-X", "-q", "-d", server.database_url, "-c", "ANALYZE"], check=True)
