"""What of a search is known without torch."""

AUTOMATIC = "auto"  # what `--tune` without a value, and `tune=True`, say
