"""Files are written whole or not at all (files.py), and read back as data only (strict/)."""
