"""The tables of what is optional: imported, so that whoever asks for all tables gets them, too."""

from __future__ import annotations

import neonpay.ledger.tables_access
import neonpay.ledger.tables_backup
import neonpay.ledger.tables_collection
import neonpay.ledger.tables_notifications
import neonpay.ledger.tables_rollups
import neonpay.ledger.tables_security
import neonpay.ledger.tables_tracking  # noqa: F401
