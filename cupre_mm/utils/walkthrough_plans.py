"""The steps of tools/walkthrough.py, on generated and on real images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What a walkthrough trains, and on what.

    Attributes:
        name (str): Folder of its configs and work dirs.
        pretraining (dict[str, str | None]): Pre-training configs in order;
            each with the config whose result it starts from.
        arms (dict[str, tuple[str, str | None]]): Fine-tuning config of each
            arm by its title, with the pre-training it starts from.
        labelled (str): Folder of the labelled cells under the data root.
    """

    name: str
    pretraining: dict[str, str | None]
    arms: dict[str, tuple[str, str | None]]
    labelled: str


PLANS = {
    'demo': Plan(
        name='demo',
        pretraining={'warmup_demo': None, 'amt2_demo': 'warmup_demo'},
        arms={
            'scratch': ('finetune_scratch_demo', None),
            'AMT2': ('finetune_amt2_demo', 'amt2_demo'),
        },
        labelled='demo/cells_labelled',
    ),
    'mini': Plan(
        name='mini',
        pretraining={
            'warmup_mini': None,
            'coco_mini': 'warmup_mini',
            'amt2_mini': 'warmup_mini',
        },
        arms={
            'scratch': ('finetune_scratch_mini', None),
            'COCO': ('finetune_coco_mini', 'coco_mini'),
            'AMT2': ('finetune_amt2_mini', 'amt2_mini'),
        },
        labelled='bbbc038',
    ),
}
