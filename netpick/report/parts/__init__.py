"""The sections of the page: one per file, each a function of the results that returns its HTML."""
