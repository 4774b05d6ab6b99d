import json

from pycocotools import mask as coco_mask

from cupre_mm.utils.loading_benchmark.livecell_sized import (
    HEIGHT,
    WIDTH,
    write_livecell_sized,
)


def test_same_arguments_give_the_same_bytes(tmp_path):
    for name in 'ab':
        write_livecell_sized(tmp_path / name, tmp_path / 'images', 4, 60)
    write_livecell_sized(tmp_path / 'c', tmp_path / 'images', 4, 60, seed=1)
    a, b, c = ((tmp_path / name).read_bytes() for name in 'abc')
    assert a == b != c


def test_content_has_the_size_and_shape_of_livecell(tmp_path):
    path = tmp_path / 'ann.json'
    write_livecell_sized(path, tmp_path / 'images', 30, 9000)
    coco = json.loads(path.read_text())
    assert len(coco['images']) == 30
    assert len(coco['annotations']) == 9000
    counts = [0] * 30
    for annotation in coco['annotations']:
        counts[annotation['image_id'] - 1] += 1
    assert min(counts) >= 1
    # As dense and as sparse as cell cultures are.
    assert max(counts) > 3 * min(counts)
    ids = [annotation['id'] for annotation in coco['annotations']]
    assert ids == list(range(1, 9001))
    names = {image['file_name'] for image in coco['images']}
    assert {file.name for file in (tmp_path / 'images').iterdir()} == names
    # A gigabyte for 1.69 million.
    assert 540 < path.stat().st_size / 9000 < 620


def test_boxes_and_areas_are_those_of_the_outlines(tmp_path):
    path = tmp_path / 'ann.json'
    write_livecell_sized(path, tmp_path / 'images', 2, 50)
    for annotation in json.loads(path.read_text())['annotations']:
        (outline,) = annotation['segmentation']
        x, y, width, height = annotation['bbox']
        assert (x, y) == (min(outline[::2]), min(outline[1::2]))
        assert abs(x + width - max(outline[::2])) < 0.011
        assert 0 < x < x + width < WIDTH
        assert 0 < y < y + height < HEIGHT
        rle = coco_mask.merge(coco_mask.frPyObjects([outline], HEIGHT, WIDTH))
        pixels = int(coco_mask.area(rle))
        assert abs(pixels - annotation['area']) < 0.2 * pixels + 20
