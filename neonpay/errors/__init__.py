"""Every error that neonpay raises.

::

    ConfigurationError (ValueError)      the program is set up wrongly; never raised by an update or a payment
    ├── AdapterError                     the bot library is missing, unknown, or used in a way that cannot work
    │   └── AdapterNotInstalledError (ImportError)
    ├── HandlerError                     a handler cannot be called, none of its lines would run, or two share a name
    └── ExtensionError                   an extension is broken, or lacks something: extension, advice

    NeonPayError                         something went wrong while running
    ├── ValidationError (ValueError)     a value breaks a rule: field, value, bound
    ├── StageError
    │   ├── StageNotFoundError (PaymentError, KeyError)
    │   ├── StageExistsError (ValueError)
    │   └── StageLimitError (ValueError)
    ├── PayloadError                     an invoice payload that is not ours, or was altered
    │   ├── ForeignPayloadError
    │   └── ForgedPayloadError
    ├── PaymentError                     money did not move as asked
    │   ├── TelegramError                Telegram said no: method, error_code, description, retry_after_s
    │   ├── TelegramUnreachableError     no answer: whether Telegram acted is unknown
    │   ├── PaymentNotFoundError (KeyError)
    │   ├── SaleRefused                  a limit, a block, or too many wait for the chat: reason, retry_after_s, buyer_text
    │   ├── ExtensionMissingError        the shop sells by the rules of an extension that this program does not use
    │   ├── RequestNotFoundError (KeyError)
    │   ├── ConsumerNotFoundError (KeyError) no program of the shop has declared this handler
    │   └── RefundError                  Telegram refuses to refund this charge
    ├── LedgerError                      the database did not do what was asked; nothing of the unit was kept
    │   ├── LedgerUnavailableError       cannot be reached or opened
    │   │   ├── NoLedgerError            there is no ledger, and none was to be made
    │   │   └── SchemaTooOldError        written by an older neonpay, and not to be upgraded
    │   ├── LedgerLockedError (TimeoutError)
    │   ├── LedgerTimeoutError (TimeoutError)
    │   ├── LedgerFullError              no room left on the device
    │   ├── LedgerReadOnlyError          cannot be written to, or this program said that it only reads
    │   ├── LedgerCorruptError
    │   ├── LedgerClosedError
    │   ├── BusyError                    another worker does it right now
    │   ├── LeaseLostError               another worker or a refund has ended this attempt; nothing more of it is kept
    │   ├── TransactionEndedError        code that was lent a connection has ended its transaction, or lost it
    │   └── SchemaTooNewError            written by a newer neonpay
    ├── NotificationError                a message to people or programs did not arrive: channel
    │   ├── NotificationRefusedError     for good
    │   └── NotificationDelayedError     now; it may later: retry_after_s
    ├── BackupError                      a backup was not made, or not brought back; what was there is as it was
    │   ├── BackupNotFoundError
    │   ├── BackupDamagedError           a file of it is not there, or not what was written
    │   ├── BackupKeyError               it is encrypted, and no key that was given opens it
    │   ├── BackupBusyError              another process is at work in the folder
    │   ├── BackupCopyError              it is whole, and was not copied to its target
    │   └── RestoreRefusedError          it may not take the place of what is there
    └── SimulatorError                   the simulator was asked for something that its Telegram would not do
        └── SimulatorTimeoutError (TimeoutError)

    RejectPayment                        a verdict of yours, raised in a payment handler: the Stars go back
    RefundRefused                        a verdict of yours, raised in a refund request hook: they stay

``ConfigurationError`` stands outside ``NeonPayError`` so that code which catches run-time failures of payments cannot hide a
program that was never able to take one. Data is on attributes; messages never hold a token, a secret or a payload.
"""

from __future__ import annotations

from neonpay.errors.backups import (
    BackupBusyError,
    BackupCopyError,
    BackupDamagedError,
    BackupError,
    BackupKeyError,
    BackupNotFoundError,
    RestoreRefusedError,
)
from neonpay.errors.base import NeonPayError, ValidationError
from neonpay.errors.configuration import (
    AdapterError,
    AdapterNotInstalledError,
    ConfigurationError,
    ExtensionError,
    HandlerError,
)
from neonpay.errors.ledger import (
    BusyError,
    LeaseLostError,
    LedgerClosedError,
    LedgerCorruptError,
    LedgerError,
    LedgerFullError,
    LedgerLockedError,
    LedgerReadOnlyError,
    LedgerTimeoutError,
    LedgerUnavailableError,
    NoLedgerError,
    SchemaTooNewError,
    SchemaTooOldError,
    TransactionEndedError,
)
from neonpay.errors.notifications import NotificationDelayedError, NotificationError, NotificationRefusedError
from neonpay.errors.payments import (
    ConsumerNotFoundError,
    ExtensionMissingError,
    PaymentError,
    PaymentNotFoundError,
    RefundError,
    RequestNotFoundError,
    SaleRefused,
    TelegramError,
    TelegramUnreachableError,
)
from neonpay.errors.simulator import SimulatorError, SimulatorTimeoutError
from neonpay.errors.stages import (
    ForeignPayloadError,
    ForgedPayloadError,
    PayloadError,
    StageError,
    StageExistsError,
    StageLimitError,
    StageNotFoundError,
)
from neonpay.errors.verdicts import RefundRefused, RejectPayment

__all__ = [
    "AdapterError",
    "AdapterNotInstalledError",
    "BackupBusyError",
    "BackupCopyError",
    "BackupDamagedError",
    "BackupError",
    "BackupKeyError",
    "BackupNotFoundError",
    "BusyError",
    "ConfigurationError",
    "ConsumerNotFoundError",
    "ExtensionError",
    "ExtensionMissingError",
    "ForeignPayloadError",
    "ForgedPayloadError",
    "HandlerError",
    "LeaseLostError",
    "LedgerClosedError",
    "LedgerCorruptError",
    "LedgerError",
    "LedgerFullError",
    "LedgerLockedError",
    "LedgerReadOnlyError",
    "LedgerTimeoutError",
    "LedgerUnavailableError",
    "NeonPayError",
    "NoLedgerError",
    "NotificationDelayedError",
    "NotificationError",
    "NotificationRefusedError",
    "PayloadError",
    "PaymentError",
    "PaymentNotFoundError",
    "RefundError",
    "RefundRefused",
    "RejectPayment",
    "RequestNotFoundError",
    "RestoreRefusedError",
    "SaleRefused",
    "SchemaTooNewError",
    "SchemaTooOldError",
    "SimulatorError",
    "SimulatorTimeoutError",
    "StageError",
    "StageExistsError",
    "StageLimitError",
    "StageNotFoundError",
    "TelegramError",
    "TelegramUnreachableError",
    "TransactionEndedError",
    "ValidationError",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # a traceback names an error as one imports it
del _name
