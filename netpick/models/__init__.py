"""Who competes: networks/ (table `MODELS`) and baselines/ (table `BASELINES`), how they are built, fitted and asked."""
