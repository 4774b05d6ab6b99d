"""Parts of ``tools/analysis/benchmark_pair.py``."""
