"""Lines become files in threads of their own, but for those that an earlier backup has."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Final

from neonpay.backup.chunking import Lines
from neonpay.backup.folder import BackupFolder, Together
from neonpay.backup.manifest import Chunk, Manifest
from neonpay.backup.packing import Packer
from neonpay.errors import BackupDamagedError

_WAITING: Final = 4
PIECE_BYTES: Final = 2**20
"""Of a file: as many of SQLite's pages as one change of a table dirties, more or less."""


@dataclass(frozen=True, slots=True)
class Packing:
    """Lines become files in threads of their own, while the next rows are read; few wait, so that memory is flat."""

    pool: ThreadPoolExecutor
    shared: Shared
    packer: Packer

    def pieces(self, file: BinaryIO) -> Iterator[Chunk]:
        """A chunk for each piece of a file, in order."""
        file.seek(0)
        yield from self.chunks(Lines(piece, 0) for piece in iter(lambda: file.read(PIECE_BYTES), b""))

    def chunks(self, lines: Iterable[Lines]) -> Iterator[Chunk]:
        """A chunk for each of the lines, in order."""
        waiting: deque[Future[Chunk]] = deque()
        for one in lines:
            waiting.append(self.pool.submit(self.shared.chunk, one.data, one.rows, self.packer))
            if len(waiting) > _WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Shared:
    """The chunks that earlier backups have."""

    def __init__(self, folder: BackupFolder, together: Together, base: Sequence[Manifest]) -> None:
        self._folder = folder
        self._together = together
        # Those of the newest come last, so that they are the ones that are taken.
        self._there: Mapping[str, Chunk] = {chunk.content: chunk for one in reversed(base) for _, chunk in one.chunks()}
        self._written: dict[str, Chunk] = {}
        self._writing = Lock()
        self.added = 0

    def chunk(self, lines: bytes, rows: int, packer: Packer) -> Chunk:
        """The chunk of these lines, whose file will be there; several threads may ask."""
        content = packer.content(lines)
        if content in self._written:
            return self._written[content]
        found = self._there.get(content)
        if found is not None and found.plain == len(lines) and self._folder.has(found):
            return found
        made, data = packer.packed(lines, rows, content)
        is_whole = self._is_whole(made)
        with self._writing:
            if not is_whole:
                self._together.write(made.path, data)
                self.added += made.size
            self._written[content] = made
        return made

    def _is_whole(self, chunk: Chunk) -> bool:
        """Whether the file is there already, every byte of it: one that is damaged is written anew."""
        if not self._folder.has(chunk):
            return False
        try:
            self._folder.chunk(chunk)
        except BackupDamagedError:
            return False
        return True
