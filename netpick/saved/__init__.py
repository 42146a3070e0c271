"""The model file and the exported folder: written, proved on loading, and used. Nothing here trains."""
