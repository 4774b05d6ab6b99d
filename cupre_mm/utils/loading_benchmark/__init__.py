"""Parts of ``tools/analysis/benchmark_loading.py``."""
