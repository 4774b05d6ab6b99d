"""Finds images of an evaluation set in a training corpus."""
