"""Backups that restore: the ledger in chunks that share what did not change, and back again into a new database, whole or not.

A backup is a manifest that names chunks, each by the hash of its file. ``saving`` writes one from one snapshot, ``checking``
reads one back, ``restoring`` makes a ledger of one, and ``settling`` sees to it that such a ledger does nothing a second time.
"""
