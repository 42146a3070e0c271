"""What a column means (kinds/) and becomes: forms, encoded once into a store."""
