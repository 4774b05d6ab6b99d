import torch

from cupre_mm.apis import segmenter_loading
from cupre_mm.apis.segmentation_options import SegmentationOptions


def test_kernels_are_the_same_in_each_run(monkeypatch):
    given = []
    monkeypatch.setattr(
        segmenter_loading,
        'CellSegmenter',
        lambda *args: given.append(args) or 'segmenter',
    )
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', True)
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    options = SegmentationOptions(min_area=3)
    made = segmenter_loading.load_segmenter('config', 'ckpt', 'cpu', options)
    assert made == 'segmenter'
    assert given == [('config', 'ckpt', 'cpu', options)]
    assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.deterministic
