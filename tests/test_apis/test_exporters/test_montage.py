import numpy as np
from PIL import Image

from cupre_mm.apis.exporters import MontageEntry, write_montage


def entries(count):
    draws = np.random.default_rng(0)
    return [
        MontageEntry(
            f'Zellen_ü_{i}_' + 'x' * 60,
            draws.integers(0, 255, (40, 60, 3), dtype=np.uint8),
            i,
        )
        for i in range(count)
    ]


def test_pages_hold_all_images_and_old_pages_go(tmp_path):
    path = tmp_path / 'montage.png'
    other = tmp_path / 'montage_notes.png'
    other.write_bytes(b'')
    pages = write_montage(entries(5), path, columns=2, rows=1)
    names = ['montage.png', 'montage_2.png', 'montage_3.png']
    assert [page.name for page in pages] == names
    assert Image.open(pages[0]).width > Image.open(pages[2]).width
    assert write_montage(entries(2), path, columns=2, rows=1) == [path]
    assert sorted(tmp_path.iterdir()) == [path, other]


def test_each_thumbnail_is_the_picture(tmp_path):
    red = np.zeros((50, 50, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(tmp_path / 'a.png')
    (page,) = write_montage(
        [MontageEntry('a', tmp_path / 'a.png', 1)], tmp_path / 'm.png'
    )
    drawn = np.array(Image.open(page))
    assert (drawn == (255, 0, 0)).all(axis=-1).sum() == 240 * 240


def test_no_entries_make_no_page(tmp_path):
    assert write_montage([], tmp_path / 'm.png') == []
    assert list(tmp_path.iterdir()) == []
