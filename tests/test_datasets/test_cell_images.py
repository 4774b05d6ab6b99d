import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch.utils.data import DataLoader

from cupre_mm.datasets import CellImages
from cupre_mm.registry import DATASETS
from cupre_mm.utils.errors import (
    BadConfigError,
    BadDataError,
    MissingDataError,
)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Three sources: 3 RGB PNGs, 2 gray 16-bit TIFFs, 4 gray JPEGs."""
    values = np.arange(48, dtype=np.uint8).reshape(6, 8)
    for name in ('stained/b/1.png', 'stained/a.png', 'stained/c.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.stack([values] * 3, -1)).save(path)
    (tmp_path / 'deep').mkdir()
    for name in ('2.tif', '1.tif'):
        tifffile.imwrite(
            tmp_path / 'deep' / name, values.astype(np.uint16) * 700
        )
    (tmp_path / 'phase').mkdir()
    for i in range(4):
        Image.fromarray(values + i).save(tmp_path / f'phase/{i}.jpg')
    return tmp_path


def build(root: Path, sources: Any, **kwargs: Any) -> CellImages:
    # Serialising collects garbage for most of a second.
    kwargs.setdefault('serialize_data', False)
    return CellImages(sources, data_root=str(root), **kwargs)


def names(data: CellImages) -> list[str]:
    return [
        f'{data.get_data_info(i)["source"]}:'
        f'{Path(data.get_data_info(i)["img_path"]).name}'
        for i in range(len(data))
    ]


def test_sources_follow_each_other_each_in_sorted_order(cells: Path):
    (cells / 'some.txt').write_text('phase/2.jpg\nphase/0.jpg\n')
    sources = [
        dict(name='stained', paths='stained'),
        dict(name='listed', paths='some.txt'),
        dict(name='deep', paths=['deep/*.tif']),
    ]
    expected = [
        'stained:a.png',
        'stained:1.png',
        'stained:c.png',
        'listed:2.jpg',
        'listed:0.jpg',
        'deep:1.tif',
        'deep:2.tif',
    ]
    assert names(build(cells, sources)) == expected
    assert names(build(cells, sources)) == expected


def test_is_built_by_its_registered_name_and_serialised(cells: Path):
    data = DATASETS.build(
        dict(
            type='cupre_mm.CellImages',
            sources=dict(deep='deep', phase='phase/[01].jpg'),
            data_root=str(cells),
        )
    )
    assert names(data) == ['deep:1.tif', 'deep:2.tif', 'phase:0.jpg'] + [
        'phase:1.jpg'
    ]
    assert data[3]['sample_idx'] == 3
    assert data.metainfo['dataset_type'] == 'cell_images'


@pytest.mark.parametrize(
    'sources',
    [
        [
            dict(name='deep', paths='deep', weight=3),
            dict(name='phase', paths=['phase'], weight=1.0),
        ],
        dict(
            deep=dict(paths=['deep'], weight=3),
            phase=dict(paths='phase', weight=1.0),
        ),
    ],
    ids=['list', 'dict'],
)
def test_names_and_weights_are_in_metainfo(cells: Path, sources: Any):
    data = build(cells, sources, metainfo=dict(scanner='x'))
    assert data.metainfo['sources'] == ['deep', 'phase']
    assert data.metainfo['source_weights'] == [3, 1.0]
    assert data.metainfo['scanner'] == 'x'
    assert len(data) == 6


def test_without_weights_metainfo_has_none(cells: Path):
    data = build(cells, dict(deep='deep', phase='phase'))
    assert data.metainfo['source_weights'] is None


def test_numbers_of_every_source_are_logged(cells: Path, log):
    (cells / 'deep/notes.csv').touch()
    build(cells, dict(deep='deep', stained='stained'))
    assert '5 images of 2 source(s): deep 2, stained 3.' in log.text
    assert "source 'deep': passed over files" in log.text
    assert '1 .csv' in log.text


def test_missing_folder_is_named_and_readme_pointed_to(tmp_path: Path):
    with pytest.raises(MissingDataError) as caught:
        build(tmp_path, dict(bccd='cells/bccd'))
    assert "source 'bccd'" in str(caught.value)
    assert f'{tmp_path}/cells/bccd' in str(caught.value)
    assert 'data/README.md' in str(caught.value)


def test_how_to_get_replaces_the_pointer_to_the_readme(tmp_path: Path):
    with pytest.raises(MissingDataError, match='Run the unpacker'):
        build(tmp_path, dict(a='none'), how_to_get='Run the unpacker.')


def test_missing_source_of_the_catalogue_tells_its_url(tmp_path: Path):
    source = dict(paths='bccd', about=dict(url='https://a.org/b'))
    with pytest.raises(MissingDataError, match=r'<https://a\.org/b>\. data/'):
        build(tmp_path, dict(bccd=source))


def test_licences_are_logged_with_the_sources_that_have_them(cells: Path, log):
    licences = dict(deep='CC0', stained='MIT', phase='CC0')
    sources = {
        name: dict(paths=name, about=dict(licence=licence, images='3'))
        for name, licence in licences.items()
    }
    build(cells, sources)
    assert 'licences of the images: CC0: deep, phase; MIT: stai' in log.text


def test_checked_files_have_their_size(cells: Path):
    sources = dict(deep='deep', stained='stained')
    data = build(cells, sources)
    assert {(info['height'], info['width']) for info in data} == {(6, 8)}
    unchecked = build(cells, sources, check_files=False)
    assert 'height' not in unchecked.get_data_info(0)


def test_source_without_an_image_is_named(cells: Path):
    (cells / 'raw').mkdir()
    (cells / 'raw/1.czi').touch()
    (cells / 'raw/2.czi').touch()
    with pytest.raises(MissingDataError) as caught:
        build(cells, dict(deep='deep', raw='raw'))
    assert "source 'raw' has no image" in str(caught.value)
    assert 'other files: 2 .czi' in str(caught.value)
    assert 'data/README.md' in str(caught.value)


def spoil(cells: Path) -> list[str]:
    """Add a cut, an empty and a text file to the source 'phase'."""
    whole = (cells / 'phase/0.jpg').read_bytes()
    (cells / 'phase/cut.jpg').write_bytes(whole[: len(whole) // 2])
    (cells / 'phase/empty.png').touch()
    (cells / 'phase/page.tif').write_text('<html>404</html>')
    return ['cut.jpg', 'empty.png', 'page.tif']


def test_few_unreadable_files_are_listed_and_left_out(cells: Path, log):
    bad = spoil(cells)
    data = build(cells, dict(deep='deep', phase='phase'), max_bad_share=0.34)
    assert len(data) == 6
    assert not any(name.split(':')[1] in bad for name in names(data))
    [warning] = [
        record.getMessage()
        for record in log.records
        if record.levelno == logging.WARNING
    ]
    assert 'leaves out 3 of 9 image files (33.33%)' in warning
    for name in bad:
        assert str(cells / 'phase' / name) in warning


def test_too_many_unreadable_files_stop_the_run_and_are_listed(cells: Path):
    bad = spoil(cells)
    with pytest.raises(BadDataError) as caught:
        build(cells, dict(deep='deep', phase='phase'), max_bad_share=0.33)
    message = str(caught.value)
    assert '3 of 9 image files' in message
    assert 'more than max_bad_share=33.00%' in message
    for name in bad:
        assert str(cells / 'phase' / name) in message


def test_by_default_one_bad_file_of_a_hundred_passes(tmp_path: Path):
    image = np.zeros((2, 2), np.uint8)
    for i in range(99):
        Image.fromarray(image).save(tmp_path / f'{i:02}.bmp')
    (tmp_path / 'x.bmp').touch()
    assert len(build(tmp_path, dict(a='.'))) == 99
    (tmp_path / 'y.bmp').touch()
    with pytest.raises(BadDataError, match='2 of 101'):
        build(tmp_path, dict(a='.'))


def test_long_lists_of_bad_files_are_cut_and_counted(tmp_path: Path):
    for i in range(25):
        (tmp_path / f'{i:02}.png').touch()
    with pytest.raises(BadDataError, match='and 5 more') as caught:
        build(tmp_path, dict(a='.'))
    assert '19.png' in str(caught.value)
    assert '20.png' not in str(caught.value)


def test_source_whose_files_are_all_bad_stops_the_run(cells: Path):
    (cells / 'lost').mkdir()
    (cells / 'lost/1.png').touch()
    with pytest.raises(BadDataError, match=r'all files of source\(s\) lost'):
        build(cells, dict(phase='phase', lost='lost'), max_bad_share=1)


def test_unchecked_bad_file_stops_the_run_when_it_is_drawn(cells: Path):
    spoil(cells)
    data = build(
        cells,
        dict(phase='phase'),
        check_files=False,
        pipeline=[dict(type='cupre_mm.LoadCellImage')],
    )
    assert len(data) == 7
    with pytest.raises(BadDataError, match=r'cut\.jpg'):
        data[4]


def test_indices_take_a_part(cells: Path):
    data = build(cells, dict(deep='deep', phase='phase'), indices=3)
    assert names(data) == ['deep:1.tif', 'deep:2.tif', 'phase:0.jpg']


def test_data_loader_with_workers_gives_what_one_process_gives(cells: Path):
    data = build(
        cells,
        dict(stained='stained', deep='deep', phase='phase'),
        pipeline=[
            dict(type='cupre_mm.LoadCellImage'),
            dict(type='cupre_mm.PercentileNormalize'),
        ],
    )
    alone = [data[i] for i in range(len(data))]
    loader = DataLoader(
        data, batch_size=2, num_workers=2, collate_fn=pseudo_collate
    )
    worked = [
        (path, image)
        for batch in loader
        for path, image in zip(batch['img_path'], batch['img'])
    ]
    assert [path for path, _ in worked] == [s['img_path'] for s in alone]
    for (_, image), sample in zip(worked, alone):
        np.testing.assert_array_equal(image, sample['img'])


@pytest.mark.parametrize(
    ('sources', 'message'),
    [
        ([], 'name at least one source'),
        ('cells/bccd', 'name at least one source'),
        ([dict(name='a')], 'is not a source'),
        ([dict(name='a', paths=[])], 'is not a source'),
        ([dict(name='a', paths='a', wieght=1)], 'is not a source'),
        (['cells/bccd'], 'is not a source'),
        ([dict(name='a', paths='a'), dict(name='a', paths='b')], 'a come twi'),
        ([dict(name='a', paths='a', weight=0)], "weight=0 of 'a'"),
        ([dict(name='a', paths='a', weight=-1)], "weight=-1 of 'a'"),
        ([dict(name='a', paths='a', weight='2')], "weight='2' of 'a'"),
        ([dict(name='a', paths='a', about='CC0')], "about='CC0' of 'a'"),
        (
            [dict(name='a', paths='a', weight=1), dict(name='b', paths='b')],
            'b have no weight',
        ),
    ],
)
def test_bad_sources_are_refused(sources: Any, message: str):
    with pytest.raises(BadConfigError, match=message):
        CellImages(sources)


@pytest.mark.parametrize('share', [-0.1, 1.5, 5])
def test_bad_share_outside_0_to_1_is_refused(share: float):
    with pytest.raises(BadConfigError, match=f'max_bad_share={share}'):
        CellImages(dict(a='a'), max_bad_share=share)
