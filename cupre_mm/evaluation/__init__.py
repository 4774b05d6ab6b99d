"""Scores of cell segmentation and their report."""

from .cell_metric import CellMetric
from .report import APReport

__all__ = ['APReport', 'CellMetric']
