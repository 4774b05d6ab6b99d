import torch

from cupre_mm.utils.pair_benchmark.random_batches import (
    BatchSizes,
    random_loaders,
)

SIZES = BatchSizes(images=2, image_size=(64, 96), views=3, view_size=32)


def test_batches_have_the_sizes_asked_for():
    loaders = random_loaders(SIZES)
    det, moco = (next(iter(loaders[task])) for task in ('det', 'moco'))
    assert [tuple(image.shape) for image in det['inputs']] == [(3, 64, 96)] * 2
    for sample in det['data_samples']:
        assert len(sample.gt_instances.bboxes) == 8
        assert sample.gt_instances.masks.masks.shape == (8, 64, 96)
    assert [tuple(view.shape) for view in moco['inputs']] == [
        (3, 3, 32, 32),
        (3, 3, 32, 32),
    ]
    assert not torch.equal(*moco['inputs'])
    assert moco['inputs'][0].dtype == det['inputs'][0].dtype == torch.uint8


def test_every_draw_and_every_call_gives_the_same_batch():
    for task in ('det', 'moco'):
        stream = iter(random_loaders(SIZES)[task])
        other = next(iter(random_loaders(SIZES)[task]))
        for batch in (next(stream), next(stream)):
            for one, same in zip(batch['inputs'], other['inputs']):
                assert torch.equal(one, same)
