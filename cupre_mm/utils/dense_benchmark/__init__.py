"""Parts of ``tools/analysis/benchmark_dense.py``."""
