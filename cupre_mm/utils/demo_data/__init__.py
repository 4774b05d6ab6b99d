"""Generated data that stands in for COCO and for cell images in the demo."""

from .demo_set import DATA_VERSION, SIZES, DemoReport, write_demo_data

__all__ = ['DATA_VERSION', 'SIZES', 'DemoReport', 'write_demo_data']
