"""`python -m netpick.cli`."""

from netpick.cli.commands import main

main()
