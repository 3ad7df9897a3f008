"""``python -m neonpay`` is the ``neonpay`` command."""

from neonpay.cli.main import main

if __name__ == "__main__":
    main()
