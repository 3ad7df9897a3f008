"""Encryption by age: chunks for the identity of a backup, which is wrapped for a passphrase or for recipients.

Anybody with the ``age`` program and the passphrase, or an identity of a recipient, can read a backup without neonpay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from neonpay.backup.manifest import Encryption
from neonpay.errors import BackupDamagedError, BackupKeyError, ConfigurationError
from neonpay.installing import install_line

PASSPHRASE_MIN_CHARS: Final = 12
_OF_PASSPHRASE: Final = "passphrase"  # noqa: S105  # a word of manifests


@dataclass(frozen=True, slots=True)
class Sealing:
    """What encrypts a backup.

    Attributes:
        encryption: what its manifest says of it.
        wrapped: the file of the key; None when an earlier backup has brought it.
    """

    recipient: Any
    encryption: Encryption
    wrapped: bytes | None

    def sealed(self, data: bytes) -> bytes:
        """What only the identity of the backup opens."""
        sealed: bytes = _age().encrypt(data, [self.recipient])
        return sealed


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens the chunks of a backup."""

    identity: Any = field(repr=False)

    def opened(self, data: bytes, path: str) -> bytes:
        """What was sealed.

        Raises:
            BackupDamagedError: it was sealed for somebody else, or is not as it was.
        """
        try:
            opened: bytes = _age().decrypt(data, [self.identity])
        except _age().DecryptError as exc:
            msg = f"{path} cannot be decrypted: {exc}"
            raise BackupDamagedError(msg) from exc
        return opened


@dataclass(frozen=True, slots=True)
class Secrets:
    """Whom a backup is encrypted for, and what opens one.

    Attributes:
        recipients: public keys (``age1…``, ``ssh-ed25519 …``) for which backups are encrypted.
        identity_files: files with the secret halves of such keys, which open backups.

    Raises:
        ConfigurationError: the passphrase is too short, or there are recipients beside it.
    """

    passphrase: str | None = field(default=None, repr=False)
    recipients: tuple[str, ...] = ()
    identity_files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if self.passphrase is not None and len(self.passphrase) < PASSPHRASE_MIN_CHARS:
            msg = f"the passphrase of backups has at least {PASSPHRASE_MIN_CHARS} characters"
            raise ConfigurationError(msg)
        if self.passphrase is not None and self.recipients:
            msg = "backups are encrypted for a passphrase or for recipients; give one of the two"
            raise ConfigurationError(msg)

    @property
    def encrypts(self) -> bool:
        """Whether backups are encrypted."""
        return self.passphrase is not None or bool(self.recipients)

    @property
    def wrapped_for(self) -> tuple[str, ...]:
        """Whom the key of a backup is wrapped for, as a manifest says it."""
        return (_OF_PASSPHRASE,) if self.passphrase is not None else self.recipients

    def new_sealing(self, *, is_compressed: bool, name: str) -> Sealing:
        """An identity of its own for a backup, wrapped for whoever may read it.

        Raises:
            ConfigurationError: pyrage is not installed, or a recipient is none.
        """
        age = _age()
        identity = age.x25519.Identity.generate()
        recipient = identity.to_public()
        text = f"# opens backups of neonpay\n{identity}\n".encode()
        if self.passphrase is not None:
            wrapped = age.passphrase.encrypt(text, self.passphrase)
        else:
            wrapped = age.encrypt(text, [_recipient(one) for one in self.recipients])
        path = f"keys/{hashlib.sha256(str(recipient).encode()).hexdigest()[:32]}.age"
        encryption = Encryption(
            recipient=str(recipient),
            key=path,
            wrapped_for=self.wrapped_for,
            commands=self._commands(path, name, is_compressed=is_compressed),
        )
        return Sealing(recipient, encryption, wrapped)

    def sealing_of(self, encryption: Encryption, *, is_compressed: bool, name: str) -> Sealing:
        """The same identity as that of an earlier backup, whose chunks are shared."""
        commands = self._commands(encryption.key, name, is_compressed=is_compressed)
        recipient = _age().x25519.Recipient.from_str(encryption.recipient)
        mine = Encryption(
            recipient=encryption.recipient, key=encryption.key, wrapped_for=encryption.wrapped_for, commands=commands
        )
        return Sealing(recipient, mine, None)

    def opening(self, encryption: Encryption, wrapped: bytes) -> Opening:
        """What opens a backup.

        Raises:
            BackupKeyError: nothing that was given does.
            ConfigurationError: pyrage is not installed, or an identity file cannot be read.
        """
        age = _age()
        by_passphrase = encryption.wrapped_for == (_OF_PASSPHRASE,)
        if by_passphrase and self.passphrase is None:
            msg = "the backup is encrypted for a passphrase: set NEONPAY_BACKUP_PASSPHRASE, or give --passphrase-file"
            raise BackupKeyError(msg)
        if not by_passphrase and not self.identity_files:
            msg = f"the backup is encrypted for {', '.join(encryption.wrapped_for)}: give --identity FILE, with the secret half"
            raise BackupKeyError(msg)
        try:
            if by_passphrase:
                text = age.passphrase.decrypt(wrapped, self.passphrase or "")
            else:
                text = age.decrypt(wrapped, [one for file in self.identity_files for one in _identities(file)])
            line = text.decode().strip().splitlines()[-1]
            identity = age.x25519.Identity.from_str(line)
        except (age.DecryptError, age.IdentityError, UnicodeDecodeError, IndexError) as exc:
            what = "the passphrase" if by_passphrase else "the identity"
            msg = f"{what} that was given does not open the backup, or its key file {encryption.key} is damaged"
            raise BackupKeyError(msg) from exc
        if str(identity.to_public()) != encryption.recipient:
            msg = f"{encryption.key} holds the key of another backup"
            raise BackupDamagedError(msg)
        return Opening(identity)

    def _commands(self, key: str, name: str, *, is_compressed: bool) -> tuple[str, ...]:
        backup_id = name.partition(".")[0]
        by = "" if self.passphrase is not None else "--identity YOUR_KEY "
        unpack = " | zstd -dc" if is_compressed else ""
        each = f'while read -r f; do age --decrypt --identity identity.txt "$f"{unpack}; done'
        return (
            f"age --decrypt {by}--output identity.txt {key}",
            f"grep -oE 'chunks/[0-9a-f]{{2}}/[0-9a-f]{{64}}' manifests/{backup_id}.json | {each} > {name}",
        )


def _age() -> Any:
    try:
        import pyrage  # an extra
    except ImportError as exc:
        msg = f"encryption of backups needs pyrage; run: {install_line('backup')}"
        raise ConfigurationError(msg) from exc
    return pyrage


def _recipient(text: str) -> object:
    age = _age()
    kind = age.ssh if text.startswith("ssh-") else age.x25519
    try:
        return kind.Recipient.from_str(text.strip())
    except age.RecipientError as exc:
        msg = f"{text!r} is no public key of age or SSH; age-keygen prints one that begins with age1"
        raise ConfigurationError(msg) from exc


def _identities(file: Path) -> Sequence[object]:
    age = _age()
    try:
        text = file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"cannot read the identity file {file}: {exc.strerror if isinstance(exc, OSError) else 'not text'}"
        raise ConfigurationError(msg) from exc
    try:
        if "PRIVATE KEY" in text:
            return [age.ssh.Identity.from_buffer(text.encode())]
        lines = [line.strip() for line in text.splitlines()]
        return [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except age.IdentityError as exc:
        msg = f"{file} has no secret key of age or SSH in it"
        raise ConfigurationError(msg) from exc
