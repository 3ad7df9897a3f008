"""Backups are removed at a target, where another machine may be copying at the same time what has the same files.

Whoever removes leaves a mark there before it looks which files are named, and takes it away when it is done. Whoever copies
looks for marks, and then at its files, after its manifest is there: either the mark is there still, or what was removed is
missing, or the manifest was seen. A list may be late: so both look until it names what they have put there themselves, and with
it whatever was put before.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Final

from neonpay.backup.elsewhere import Elsewhere
from neonpay.backup.manifest import MANIFEST_MOST_BYTES, Manifest
from neonpay.backup.targets import MANIFESTS, REMOVING, Target
from neonpay.core.clock import stopwatch_s
from neonpay.errors import BackupCopyError

logger = logging.getLogger("neonpay.backup")

UNFINISHED_FOR: Final = timedelta(days=1)
"""Files that no manifest names may be those of a copy that another machine is at work on, and are left alone for so long."""
_MARK_BYTES: Final = 32
_RENEWED_AFTER_S: Final = 60.0
GIVEN_UP_AFTER_S: Final = 900.0
"""A mark that has not changed for so long is of somebody who was cut off: no single file takes a target as long to remove."""
NAMED_WITHIN_S: Final = 120.0
"""A list that does not name for so long what was put says nothing of what another machine has put."""
_FIRST_LOOK_S: Final = 0.05
_LOOK_S: Final = 5.0


def remove(
    there: Elsewhere, gone: AbstractSet[str], known: Mapping[str, Manifest], *, named_within_s: float = NAMED_WITHIN_S
) -> Iterator[str]:
    """These backups are gone at the target, each when its id comes, and in the end what no other one there names of them.

    What no manifest has named goes when it is older than ``UNFINISHED_FOR``, by the times that the target tells. Where the list
    does not name what is put, all files stay but the manifests.

    Args:
        known: manifests by id, also those that a list of files is late to name; those of ``gone`` that can be read among them.

    Raises:
        BackupCopyError: something could not be removed, which may be done another time.
        BackupDamagedError: a manifest there cannot be read, so that nobody knows what it names; no file has gone.
    """
    removed = [backup_id for backup_id in there.ids() if backup_id in gone]
    if not removed and not any(_is_given_up(there, path) for path in _files(there)):
        return
    mark = _Mark(there.target)
    try:
        is_named = _is_named(there.target, {mark.path}, named_within_s)
        for backup_id in removed:
            there.target.delete(f"{MANIFESTS}/{backup_id}.json")
            yield backup_id
        if not is_named:
            return
        now = Elsewhere(there.target)  # which may have manifests that it had not when it was looked at first
        kept = [one for one in known.values() if one.backup_id not in gone]
        kept += [now.manifest(one) for one in now.ids() if one not in known and one not in gone]
        named = {path for one in kept for path in named_in(one)}
        mine = {path for backup_id in removed if backup_id in known for path in named_in(known[backup_id])}
        for path in _files(now):
            if path not in named and (path in mine or _is_given_up(now, path)):
                mark.renew()
                there.target.delete(path)
    finally:
        mark.take_away()


def wait_for_removals(
    target: Target,
    written: AbstractSet[str] = frozenset(),
    *,
    given_up_after_s: float = GIVEN_UP_AFTER_S,
    named_within_s: float = NAMED_WITHIN_S,
) -> None:
    """Whoever had begun to remove files at a target is done, or was cut off.

    Args:
        written: files that were put there, which the list of the target has to name before it can be relied on.

    Raises:
        BackupCopyError: the target cannot be read.
    """
    _is_named(target, written, named_within_s)
    seen: dict[str, tuple[bytes, float]] = {}
    pause_s = _FIRST_LOOK_S
    while True:
        there = Elsewhere(target)
        marks = [path for path in there.files if path.startswith(f"{REMOVING}/")]
        waiting = False
        for path in marks:
            data = _content(target, path)
            if data is None:
                continue
            last, since_s = seen.get(path, (None, 0.0))
            if last != data:
                if last is None:
                    logger.info("somebody removes backups in %s; waiting until that is done", target.name)
                seen[path] = data, stopwatch_s()
                waiting = True
            elif _is_given_up(there, path) or stopwatch_s() - since_s >= given_up_after_s:
                logger.warning("%s/%s is of somebody who was cut off, and is removed", target.name, path)
                target.delete(path)
            else:
                waiting = True
        if not waiting:
            return
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LOOK_S)


def named_in(one: Manifest) -> Iterator[str]:
    """The files that a backup has beside its manifest."""
    for _, chunk in one.chunks():
        yield chunk.path
    if one.encryption is not None:
        yield one.encryption.key


class _Mark:
    """A file that says that somebody is removing; its content is another one each time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.path = f"{REMOVING}/{secrets.token_hex(16)}"
        self._put()

    def renew(self) -> None:
        """Whoever waits knows that its writer is at work still."""
        if stopwatch_s() - self._put_at_s >= _RENEWED_AFTER_S:
            self._put()

    def take_away(self) -> None:
        """It is gone, or whoever waits for it finds in time that nobody renews it."""
        try:
            self._target.delete(self.path)
        except BackupCopyError as error:
            logger.warning("%s", error)

    def _put(self) -> None:
        self._target.put(self.path, secrets.token_bytes(_MARK_BYTES))
        self._put_at_s = stopwatch_s()


def _is_named(target: Target, paths: AbstractSet[str], within_s: float) -> bool:
    """Whether the list names these files, at once or a while later, as far as nobody has removed them."""
    began_s, pause_s = stopwatch_s(), _FIRST_LOOK_S
    while any(_is_there(target, path) for path in paths - target.list().keys()):
        if stopwatch_s() - began_s >= within_s:
            logger.warning(
                "the list of %s does not name what was put there %.0f seconds ago; where another machine copies backups to the "
                "same place, give each a place of its own",
                target.name,
                within_s,
            )
            return False
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LOOK_S)
    return True


def _is_there(target: Target, path: str) -> bool:
    try:
        target.get(path, MANIFEST_MOST_BYTES)
    except BackupCopyError:
        return False
    return True


def _content(target: Target, path: str) -> bytes | None:
    try:
        return target.get(path, _MARK_BYTES)
    except BackupCopyError:
        return None if path not in target.list() else b""


def _files(there: Elsewhere) -> list[str]:
    return [path for path in there.files if not path.startswith(f"{MANIFESTS}/")]


def _is_given_up(there: Elsewhere, path: str) -> bool:
    written_at = there.files[path].written_at
    # By the clock of the target alone: its newest file is no later than its now.
    files = [one.written_at for name, one in there.files.items() if not name.startswith(f"{REMOVING}/")]
    now = max((one for one in files if one is not None), default=None)
    return now is not None and written_at is not None and now - written_at > UNFINISHED_FOR
