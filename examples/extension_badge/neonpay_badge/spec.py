"""What the entry point leads to: names only, so that nothing is imported until it is used."""

from neonpay.extensions import ExtensionSpec

SPEC = ExtensionSpec(
    name="badge",
    factory="neonpay_badge.badges:Badges",
    tables="neonpay_badge.badges:tables",
    commands="neonpay_badge.commands:commands",
    help="A badge for the first buyers.",
)
