"""A queue on disk: tasks survive a restart of the process."""

import json
import sqlite3
import time

MAX_TASKS = 10_000
LEASE_SECONDS = 90


class QueueFull(Exception):
    """Raised by `put` when the queue holds `MAX_TASKS` tasks."""


class DiskQueue:
    """Tasks in an SQLite file, oldest first.

    Args:
        path: the file, made where it does not exist.
        retries: how often a task is handed out again before it is dropped.
    """

    def __init__(self, path: str, retries: int = 3) -> None:
        self.db = sqlite3.connect(path, timeout=5.0)
        self.retries = retries
        self.db.execute("CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, body TEXT, due REAL, tries INTEGER)")

    def put(self, body: dict, delay: float = 0.0) -> int:
        """Add a task that becomes due after `delay` seconds; returns its id."""
        if self.size() >= MAX_TASKS:
            raise QueueFull
        cursor = self.db.execute("INSERT INTO tasks (body, due, tries) VALUES (?, ?, 0)", (json.dumps(body), time.time() + delay))
        self.db.commit()
        return cursor.lastrowid

    def take(self) -> tuple[int, dict] | None:
        """Lease the oldest task that is due, or None if there is none. A lease ends after `LEASE_SECONDS`."""
        row = self.db.execute("SELECT id, body FROM tasks WHERE due <= ? ORDER BY due LIMIT 1", (time.time(),)).fetchone()
        if row is None:
            return None
        self.db.execute("UPDATE tasks SET due = ?, tries = tries + 1 WHERE id = ?", (time.time() + LEASE_SECONDS, row[0]))
        self.db.commit()
        return row[0], json.loads(row[1])

    def done(self, task: int) -> None:
        """Remove a task that was finished."""
        self.db.execute("DELETE FROM tasks WHERE id = ?", (task,))
        self.db.commit()

    def size(self) -> int:
        """The number of tasks, leased ones included."""
        return self.db.execute("SELECT count(*) FROM tasks").fetchone()[0]
