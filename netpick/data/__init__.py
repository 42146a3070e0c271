"""What a person has, as named columns: sources/ read it, formats/ tell how cells are written, decoders/ make arrays of media."""
