"""cupre_mm: few-shot cell instance segmentation for MMDetection."""

from cupre_mm.utils.distributions import check_distributions

__version__ = '0.1.0'

check_distributions()
