"""A label for each token of a sentence: what tags mean, and sentences as examples."""
