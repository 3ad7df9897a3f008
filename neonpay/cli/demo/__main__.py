"""``python -m neonpay.cli.demo``."""

import typer

from neonpay.cli.demo.command import demo

typer.run(demo)
