"""The data sets that the configs name, and the commands that make them.

The paths are those of ``configs/_base_/datasets/``, the commands those of
``data/README.md``; tests hold them together.
"""

from dataclasses import dataclass

CONVERTERS = 'python {tools}/dataset_converters'
SPLITS = 'annotations/seed0'


@dataclass(frozen=True)
class DataSet:
    """One set below the root of all data.

    Attributes:
        folder (str): Its folder.
        used_by (str): The configs that read it.
        files (tuple[str, ...]): Annotation files in the folder, which may
            hold ``{splits}``.
        images (tuple[str, ...]): Image folders in it.
        make (tuple[str, ...]): The commands, with ``{data}``, the root, and
            ``{tools}``, the folder of the tools.
    """

    folder: str
    used_by: str
    files: tuple[str, ...]
    images: tuple[str, ...]
    make: tuple[str, ...]


SETS = (
    DataSet(
        'demo',
        'configs/demo/',
        (
            'natural/annotations/instances_train.json',
            'cells_labelled/{splits}/train_5.json',
            'cells_labelled/{splits}/test.json',
        ),
        ('natural/images', 'cells_unlabelled', 'cells_labelled/images'),
        (
            'python {tools}/make_demo_data.py {data}/demo',
            CONVERTERS + '/make_splits.py '
            '{data}/demo/cells_labelled/annotations/instances.json '
            '{data}/demo/cells_labelled/annotations/seed0',
        ),
    ),
    DataSet(
        'bbbc038',
        'configs/finetune/bbbc038/, configs/mini/, configs/ablations/',
        ('{splits}/train_5.json', '{splits}/test.json'),
        ('images',),
        (
            CONVERTERS + '/bbbc038.py stage1_train.zip {data}/bbbc038',
            CONVERTERS + '/make_splits.py '
            '{data}/bbbc038/annotations/instances.json '
            '{data}/bbbc038/annotations/seed0 '
            '--fractions 5 10 20 50 100 --seed 0 --test-fraction 0.2',
        ),
    ),
    DataSet(
        'livecell',
        'configs/finetune/livecell/, configs/amt2.py',
        (
            '{splits}/train_5.json',
            'annotations/livecell_coco_val.json',
            'annotations/livecell_coco_test.json',
            'livecell_train.txt',
        ),
        ('images',),
        (CONVERTERS + '/livecell.py downloads/livecell {data}/livecell',),
    ),
    DataSet(
        'coco',
        'configs/amt2.py, configs/pretrain/, configs/ablations/',
        ('annotations/instances_train2017.json',),
        ('train2017',),
        tuple(
            CONVERTERS + f'/unpack.py {archive}.zip ' + '{data}/coco'
            for archive in (
                'train2017',
                'val2017',
                'annotations_trainval2017',
            )
        ),
    ),
    DataSet(
        'coco_mini',
        'configs/mini/',
        ('annotations/instances_train.json',),
        ('images',),
        (CONVERTERS + '/unpack.py coco_mini.zip {data}/coco_mini',),
    ),
)

MINI_SOURCES = ('bccd', 'wbc1', 'wbc2', 'sbs_transfluor')
FULL_SOURCES = (
    'evican',
    'cellpose',
    'omnipose',
    'yeaz',
    'bccd',
    'nuinsseg',
    's_bsst265',
    'bbbc006',
)
# Arguments of prepare_cells.py, before and after the output folder.
PREPARE = {
    'bccd': ('bccd=downloads/BCCD_Dataset/BCCD/JPEGImages', ''),
    'wbc1': (
        "'wbc1=downloads/segmentation_WBC/Dataset 1'",
        " --exclude '*.png'",
    ),
    'wbc2': (
        "'wbc2=downloads/segmentation_WBC/Dataset 2'",
        " --exclude '*.png'",
    ),
    'sbs_transfluor': ('sbs_transfluor=downloads/sbs_transfluor', ''),
    'evican': ('evican=downloads/EVICAN', ''),
    'cellpose': ('cellpose=downloads/cellpose', " --exclude '*_masks.png'"),
    'omnipose': (
        'omnipose=downloads/omnipose',
        " --exclude '*_masks.*' --exclude '*_flows.tif'",
    ),
    'yeaz': ('yeaz=downloads/yeaz', " --exclude '*_mask.tif'"),
    'nuinsseg': ("'nuinsseg=downloads/nuinsseg/*/tissue images'", ''),
    's_bsst265': ('s_bsst265=downloads/S-BSST265/rawimages', ''),
    'bbbc006': ('bbbc006=downloads/BBBC006_v1_images_z_16', ''),
}


def prepare_command(source: str) -> str:
    """Write the command that makes an unlabelled source.

    Args:
        source (str): A key of ``PREPARE``.

    Returns:
        str: A shell command, with ``{data}`` and ``{tools}``.
    """
    before, after = PREPARE[source]
    return f'{CONVERTERS}/prepare_cells.py {before} {{data}}/cells{after}'
