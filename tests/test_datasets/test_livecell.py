import json
from pathlib import Path

import numpy as np
import tifffile
from mmdet.utils import register_all_modules

from cupre_mm.datasets import LIVECellDataset


def test_annotations_keyed_by_id_are_loaded(tmp_path: Path):
    register_all_modules(init_default_scope=True)
    name = 'A172_Phase_C7_1_02d16h00m_2.tif'
    tifffile.imwrite(tmp_path / name, np.zeros((20, 30), np.uint8))
    annotation = dict(
        id=5, image_id=1, category_id=1, iscrowd=0, area=36,
        bbox=[2, 2, 6, 6], segmentation=[[2, 2, 8, 2, 8, 8, 2, 8]],
    )  # fmt: skip
    content = dict(
        images=[dict(id=1, file_name=name, height=20, width=30)],
        annotations={'5': annotation},
        categories=[dict(id=1, name='cell')],
    )
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    dataset = LIVECellDataset(
        ann_file='ann.json',
        data_root=str(tmp_path),
        data_prefix=dict(img=''),
        pipeline=[dict(type='cupre_mm.LoadCellImage')],
        serialize_data=False,
    )
    sample = dataset[0]
    assert sample['img'].shape == (20, 30, 3)
    assert sample['instances'][0]['bbox'] == [2, 2, 8, 8]
    assert sample['instances'][0]['bbox_label'] == 0


def test_says_where_to_get_it_and_how_to_split_it():
    assert LIVECellDataset.METAINFO['classes'] == ('cell',)
    assert 'data/README.md' in LIVECellDataset.HOW_TO_GET
    assert 'make_splits.py' in LIVECellDataset.HOW_TO_GET
