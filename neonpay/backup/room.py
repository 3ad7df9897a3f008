"""Room in which PostgreSQL sorts what it is asked for, so that it need not write it to the disk and read it again."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

FOR_READING: Final = MappingProxyType({"work_mem": 64})
FOR_LOADING: Final = MappingProxyType({"work_mem": 64, "maintenance_work_mem": 256})
"""In MB, as often as its server does something with so much; one who has given more knows why."""
_AT_LEAST: Final = sa.text(
    "SELECT set_config(:name, greatest(pg_size_bytes(current_setting(:name)) / 1024, :kib)::text || 'kB', true)"
)


def give_room(connection: sa.Connection, room: MappingProxyType[str, int]) -> None:
    """Until the transaction ends its statements have that much room, or what the server gives if that is more."""
    for name, mib in room.items():
        connection.execute(_AT_LEAST, {"name": name, "kib": mib * 1024})


def keep_order(connection: sa.Connection) -> None:
    """Until the transaction ends a table that is read without an order is read from its beginning, by one process."""
    connection.exec_driver_sql("SET LOCAL synchronize_seqscans = off")
    connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
