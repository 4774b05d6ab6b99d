"""Grids of few-shot fine-tunings: read, checked, run, resumed, recorded."""
