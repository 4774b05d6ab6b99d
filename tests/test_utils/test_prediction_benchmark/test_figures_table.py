from cupre_mm.utils.prediction_benchmark.command_line import MMDET, OURS, SAHI
from cupre_mm.utils.prediction_benchmark.figures_table import table


def test_table_gives_ratios_and_failures():
    one = dict(
        images_per_second=2.0,
        cpu_seconds=[1.0],
        peak_mib=100.0,
        detections=5,
        bbox_mAP=0.5,
        segm_mAP=0.25,
    )
    figures = {
        OURS: one,
        MMDET: {
            **one,
            'images_per_second': 0.5,
            'cpu_seconds': [3.0, 3.0],
            'peak_mib': 250.0,
        },
        SAHI: dict(failure='took more than 1 GiB'),
    }
    text = table(figures)
    assert (
        '| DetInferencer | 0.500 | 4.00 x | 3.00 x | 250 MiB | 2.50 x |'
        in text
    )
    assert 'SAHI | took more than 1 GiB' in text
