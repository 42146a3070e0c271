"""Model files that mean harm: a generator of them, a child process that loads them under an audit hook, and the verdict."""
