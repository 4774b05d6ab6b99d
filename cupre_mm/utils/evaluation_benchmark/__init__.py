"""Parts of ``tools/analysis/benchmark_evaluation.py``."""
