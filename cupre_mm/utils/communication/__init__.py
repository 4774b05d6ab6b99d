"""Parts of ``tools/analysis/measure_communication.py``."""
