import numpy as np
import pytest

from cupre_mm.apis.batch_segmentation import (
    batches,
    ends_run,
    reason_of,
    segment_batch,
)
from cupre_mm.apis.image_loading import LoadedImage
from cupre_mm.apis.source_info import array_source_info
from cupre_mm.utils.cell_preparation.raw_sources import RawFile
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
    NoSpaceError,
)
from tests.stub_segmenter import StubSegmenter, spots


def image(name: str, shape: tuple[int, int] | None = (24, 32)) -> LoadedImage:
    """An image in memory, or one that is left in its file."""
    source = array_source_info(spots(0, shape)) if shape else None
    return LoadedImage(RawFile(name, name, '', 1), source=source)


def names(found: list[LoadedImage]) -> list[str]:
    return [one.file.name for one in found]


def test_images_of_one_size_come_together_and_none_is_lost():
    small = [image(f's{i}') for i in range(5)]
    wide = [image(f'w{i}', (24, 50)) for i in range(3)]
    mixed = [small[0], wide[0], small[1], image('large', None), *small[2:]]
    found = list(batches(iter([*mixed, *wide[1:]]), 2))
    given = names([*small, *wide, image('large')])
    assert sorted(name for one in found for name in names(one)) == sorted(
        given
    )
    for batch in found:
        assert len({getattr(one.pixels, 'shape', None) for one in batch}) == 1
    assert ['s0', 's1'] in map(names, found)
    assert ['large'] in map(names, found)
    assert [names(one) for one in batches(iter(small), 1)] == [
        [f's{i}'] for i in range(5)
    ]


def test_no_more_images_wait_than_four_batches():
    taken = []

    def all_different():
        for i in range(20):
            taken.append(i)
            yield image(str(i), (24, 32 + i))

    first = next(iter(batches(all_different(), 2)))
    assert names(first) == ['0']
    assert len(taken) == 8


def test_a_batch_that_fails_is_done_one_by_one():
    class Failing(StubSegmenter):
        def segment_together(self, sources):
            raise RuntimeError('CUDA out of memory')

        def segment_source(self, source, progress=False):
            if len(self.seen) == 1:
                self.seen.append('failed')
                raise RuntimeError('CUDA out of memory')
            return super().segment_source(source)

    batch = [image('a.png'), image('b.png'), image('c.png')]
    found = list(segment_batch(Failing(), batch, progress=False))
    assert [one for one, _ in found] == batch
    assert len(found[0][1]) == 3
    assert found[1][1].startswith('b.png: RuntimeError: CUDA out of memory (a')
    assert '--tile' in found[1][1]
    assert len(found[2][1]) == 3


@pytest.mark.parametrize('kind', [BadConfigError, NoSpaceError])
def test_errors_of_the_run(kind):
    assert ends_run(kind('no'))

    class Failing(StubSegmenter):
        def segment_source(self, source, progress=False):
            raise kind('no')

    with pytest.raises(kind):
        list(segment_batch(Failing(), [image('a')], progress=False))


@pytest.mark.parametrize(
    'kind', [BadDataError, MissingDataError, ValueError, MemoryError]
)
def test_errors_of_one_image(kind):
    assert not ends_run(kind('no'))


def test_a_reason_is_one_line_that_names_the_file():
    told = reason_of(image('a.png'), BadDataError('a.png is\n  too dark'))
    assert told == 'a.png is too dark'
    told = reason_of(image('a.png'), np.linalg.LinAlgError('singular'))
    assert told == 'a.png: LinAlgError: singular'
