"""Scores of cell segmentation and their report."""

from .cell_metric import CellMetric
from .cell_visualizer import CellVisualizer
from .dump_predictions import DumpPredictions
from .report import APReport

__all__ = ['APReport', 'CellMetric', 'CellVisualizer', 'DumpPredictions']
