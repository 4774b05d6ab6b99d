import numpy as np
import pytest

from cupre_mm.apis import SegmentationOptions
from cupre_mm.apis.napari_plugin.layer_planes import LayerPlanes
from cupre_mm.apis.napari_plugin.segmentation_job import SegmentationJob
from cupre_mm.utils.errors import BadCheckpointError
from tests.component_model import disc_image
from tests.component_module import module_segmenter

SHAPE = (150, 200)
TILES = SegmentationOptions(tile=96, overlap=32)


def job_of(data, segmenter=None, options=None, **channels) -> SegmentationJob:
    planes = LayerPlanes(data, **channels)
    segmenter = segmenter or module_segmenter()
    return SegmentationJob(
        planes,
        list(planes.positions()),
        options or SegmentationOptions(),
        lambda: segmenter,
    )


def stack_of(slices: int) -> np.ndarray:
    return np.stack([disc_image(SHAPE, (10, 20), i) for i in range(slices)])


def test_each_slice_is_segmented_as_an_image_of_its_own():
    stack = stack_of(3)
    outcome = job_of(stack).run()
    segmenter = module_segmenter()
    assert list(outcome.results) == [(0,), (1,), (2,)]
    for (i,), cells in outcome.results.items():
        expected = segmenter.segment(stack[i]).label_image()
        assert expected.max() > 10
        assert (cells.label_image() == expected).all()


def test_options_reach_the_segmenter():
    image = stack_of(1)[0]
    every = job_of(image).run().results[()]
    inner = job_of(image, options=SegmentationOptions(min_area=150))
    assert 0 < len(inner.run().results[()]) < len(every)


def test_tiles_are_counted_while_they_are_segmented():
    seen = []
    segmenter = module_segmenter()
    job = job_of(stack_of(1)[0], segmenter, TILES)
    watch = job.watch
    segmenter.model.register_forward_hook(
        lambda *_: seen.append((watch.stage, watch.done, watch.total))
    )
    outcome = job.run()
    total = outcome.results[()].num_tiles
    assert total > 3
    assert seen == [('segmenting', i, total) for i in range(total)]
    assert watch.done == total


def test_cancelled_job_stops_at_the_next_tile_and_keeps_whole_slices():
    segmenter = module_segmenter()
    job = job_of(stack_of(3), segmenter, TILES)
    tiles = []

    def press(*_: object) -> None:
        tiles.append(job.watch.stage)
        if tiles.count('segmenting slice 2 of 3') == 2:
            job.watch.cancel()

    segmenter.model.register_forward_hook(press)
    outcome = job.run()
    assert outcome.cancelled
    assert outcome.error is None
    assert list(outcome.results) == [(0,)]
    assert tiles[-1] == 'segmenting slice 2 of 3'
    assert tiles.count('segmenting slice 2 of 3') == 2


def test_cancelled_job_reads_no_more_of_the_image():
    job = job_of(stack_of(2))
    job.watch.cancel_when(lambda: True)
    outcome = job.run()
    assert outcome.cancelled
    assert not outcome.results


def test_segmenter_is_left_without_a_hook():
    segmenter = module_segmenter()
    job_of(stack_of(1)[0], segmenter).run()
    assert not segmenter.model._forward_hooks


def test_error_of_the_user_is_an_outcome():
    def refuse() -> None:
        raise BadCheckpointError('these are no weights')

    planes = LayerPlanes(stack_of(1)[0])
    job = SegmentationJob(planes, [()], SegmentationOptions(), refuse)
    outcome = job.run()
    assert isinstance(outcome.error, BadCheckpointError)
    assert not outcome.results


def test_slices_before_an_error_are_kept():
    stack = stack_of(3).astype(np.float64)

    class Breaking:
        shape, dtype = stack.shape, stack.dtype

        def __getitem__(self, index: tuple) -> np.ndarray:
            if index[0] == 1:
                raise BadCheckpointError('chunk 1 cannot be read')
            return stack[index]

    outcome = job_of(Breaking()).run()
    assert list(outcome.results) == [(0,)]
    assert 'chunk 1' in str(outcome.error)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('CUDA out of memory. Tried to allocate 2 GiB'),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_lack_of_memory_is_told_with_what_to_do(error):
    segmenter = module_segmenter()
    segmenter.model.failure = error
    outcome = job_of(stack_of(1)[0], segmenter).run()
    assert 'choose the device cpu' in str(outcome.error)


def test_fault_of_the_program_keeps_its_trace():
    segmenter = module_segmenter()
    segmenter.model.failure = RuntimeError('shapes do not match')
    error = job_of(stack_of(1)[0], segmenter).run().error
    assert error is segmenter.model.failure
    assert error.__traceback__ is not None
