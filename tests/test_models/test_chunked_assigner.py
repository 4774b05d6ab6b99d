"""Assignment in chunks against mmdet's of the whole matrix."""

import pytest
import torch
from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor

from cupre_mm.utils.errors import BadConfigError

CHUNK_SIZES = (1, 3, 7, 1000)
RPN = dict(pos_iou_thr=0.7, neg_iou_thr=0.3, min_pos_iou=0.3)
SETTINGS = {
    'rpn': RPN,
    'rpn_one_best': dict(RPN, gt_max_assign_all=False),
    'rpn_any_quality': dict(RPN, min_pos_iou=0.0),
    'rcnn': dict(
        pos_iou_thr=0.5,
        neg_iou_thr=0.5,
        min_pos_iou=0.5,
        match_low_quality=False,
    ),
    'range_of_negatives': dict(RPN, neg_iou_thr=(0.1, 0.3)),
    'ignoring': dict(RPN, ignore_iof_thr=0.4),
    'ignoring_the_other_way': dict(
        RPN, ignore_iof_thr=0.4, ignore_wrt_candidates=False
    ),
    'half_precision': dict(
        RPN,
        iou_calculator=dict(type='BboxOverlaps2D', scale=1.0, dtype='fp16'),
    ),
    'on_the_cpu': dict(RPN, gpu_assign_thr=2),
}


def build(kind: str, **settings):
    init_default_scope('mmdet')
    return MMDET_TASK_UTILS.build(dict(type=kind, **settings))


def boxes(number: int, generator: torch.Generator, step: float) -> Tensor:
    """Boxes on a lattice of ``step`` px: many are equal, many tie."""
    corner = torch.randint(0, 12, (number, 2), generator=generator)
    size = torch.randint(0, 5, (number, 2), generator=generator)
    return torch.cat([corner, corner + size], 1) * step


def case(k: int, n: int, num_ignored: int, seed: int) -> list[InstanceData]:
    generator = torch.Generator().manual_seed(seed)
    step = (1.0, 0.37)[seed % 2]
    return [
        InstanceData(priors=boxes(n, generator, step)),
        InstanceData(
            bboxes=boxes(k, generator, step),
            labels=torch.randint(0, 4, (k,), generator=generator),
        ),
        InstanceData(bboxes=boxes(num_ignored, generator, step)),
    ]


def check_equal(settings: dict, chunk_size: int, instances: list) -> Tensor:
    stock = build('MaxIoUAssigner', **settings).assign(*instances)
    chunked = build(
        'cupre_mm.ChunkedMaxIoUAssigner', chunk_size=chunk_size, **settings
    ).assign(*instances)
    assert chunked.num_gts == stock.num_gts
    for name in ('gt_inds', 'max_overlaps', 'labels'):
        ours, theirs = getattr(chunked, name), getattr(stock, name)
        assert ours.dtype == theirs.dtype, name
        torch.testing.assert_close(
            ours, theirs, rtol=0, atol=0, equal_nan=True
        )
    return stock.gt_inds


@pytest.mark.parametrize('name', SETTINGS)
def test_assignment_is_mmdets_to_the_bit(name: str):
    kinds = set()
    for seed in range(12):
        instances = case(
            k=1 + seed % 20, n=150, num_ignored=seed % 5, seed=seed
        )
        for chunk_size in CHUNK_SIZES:
            found = check_equal(SETTINGS[name], chunk_size, instances)
        kinds.update(found.sign().tolist())
    # The cases have positives and negatives, most also priors of neither.
    assert kinds >= {0, 1}


@pytest.mark.parametrize('name', SETTINGS)
@pytest.mark.parametrize(('k', 'n'), [(0, 9), (9, 0), (0, 0), (1, 1)])
def test_nothing_to_assign(name: str, k: int, n: int):
    for num_ignored in (0, 3):
        check_equal(SETTINGS[name], 2, case(k, n, num_ignored, seed=1))


def test_no_ignored_boxes_given():
    priors, truth, _ = case(5, 30, 0, seed=2)
    check_equal(SETTINGS['ignoring'], 2, [priors, truth])


def test_boxes_that_are_not_a_number_as_in_mmdet():
    instances = case(12, 60, 0, seed=3)
    instances[1].bboxes[7] = float('nan')
    instances[0].priors[4:6] = float('nan')
    for chunk_size in CHUNK_SIZES:
        check_equal(RPN, chunk_size, instances)


def test_repeated_boxes_are_moved_as_in_mmdet():
    settings = dict(RPN, perm_repeat_gt_cfg=dict(iou_thr=0.7, perm_range=0.01))
    instances = case(8, 60, 0, seed=4)
    instances[1].bboxes = instances[1].bboxes + torch.tensor([0, 0, 9.0, 9.0])
    instances[1].bboxes[3] = instances[1].bboxes[0]
    results = []
    for kind in ('MaxIoUAssigner', 'cupre_mm.ChunkedMaxIoUAssigner'):
        torch.manual_seed(0)
        results.append(build(kind, **settings).assign(*instances))
    torch.testing.assert_close(
        results[0].max_overlaps, results[1].max_overlaps, rtol=0, atol=0
    )
    assert torch.equal(results[0].gt_inds, results[1].gt_inds)


def test_no_more_boxes_are_compared_at_once_than_asked_for():
    assigner = build('cupre_mm.ChunkedMaxIoUAssigner', chunk_size=7, **RPN)
    compare, sizes = assigner.iou_calculator, []

    def watch(ours: Tensor, priors: Tensor, **kwargs) -> Tensor:
        sizes.append(len(ours))
        return compare(ours, priors, **kwargs)

    assigner.iou_calculator = watch
    assigner.assign(*case(20, 50, 0, seed=5))
    assert sizes == [7, 7, 6]


def test_chunk_size_of_nothing_is_refused():
    with pytest.raises(BadConfigError, match='chunk_size >= 1, not 0'):
        build('cupre_mm.ChunkedMaxIoUAssigner', chunk_size=0, **RPN)
