"""What buyers read, in their language."""

from __future__ import annotations

from typing import Final

from neonpay.core.words import Words

RECEIPT: Final = Words(
    "🧾 {title}\n{stars} Star, paid on {date}\nNumber: {charge}",
    "🧾 {title}\n{stars} Stars, paid on {date}\nNumber: {charge}",
)
PAID_UNTIL: Final = Words("Paid until {date}")
RETURNED: Final = Words("The Stars of this payment went back to you.")
RETURNING: Final = Words("The Stars of this payment are on their way back to you.")
REFUNDED: Final = Words(
    "↩️ {title}: {stars} Star is back on your balance.", "↩️ {title}: {stars} Stars are back on your balance."
)
RENEWS_SOON: Final = Words(
    "🔔 {title} renews on {date}. Telegram will take {stars} Star from your balance; please see to it that it is there.",
    "🔔 {title} renews on {date}. Telegram will take {stars} Stars from your balance; please see to it that they are there.",
)
HOW_TO_STOP: Final = Words("To stop it: Telegram, Settings, My Stars, and the subscription there.")
RENEWAL_FAILED: Final = Words(
    "💳 {title} was to renew, and your balance had too few Stars. Add Stars in Telegram's settings and take the subscription "
    "up again there; until then it ends with the period that you have paid for."
)
ENDED: Final = Words("🏁 {title} has ended. Thank you for having been with us.")
NO_ORDERS: Final = Words("You have bought nothing here so far.")
ORDERS: Final = Words("Your last purchases. Press one to have its receipt again.")
NOT_YOURS: Final = Words("This is not a payment of yours.")
