# BBBC038 at full size, as in the CUPre paper: a ResNet-50, all unlabelled
# sources, from mmdet's COCO checkpoint. For GPUs.
_base_ = '../_base_/fewshot_r50_grid.py'

finetune = (
    'configs/finetune/bbbc038/{}_cascade-mask-rcnn_r50_fpn_100pct_bbbc038.py'
)
benchmark = dict(
    title='BBBC038',
    data=dict(
        folder='bbbc038',
        splits='annotations/benchmark/seed{seed}',
        test='annotations/benchmark/seed0/test.json',
    ),
    arms=dict(
        scratch=dict(config=finetune.format('scratch')),
        coco=dict(config=finetune.format('coco')),
        coco_longer=dict(config=finetune.format('coco')),
        moco=dict(config=finetune.format('moco')),
        amt2=dict(config=finetune.format('amt2')),
    ),
    # The training configs validate on the test part, to watch a run.
    options=dict(val_cfg=None, val_dataloader=None, val_evaluator=None),
    # arXiv 2310.03981; what else it reports is not known here.
    paper=dict(coco={'5': dict(bbox=43.7)}, amt2={'5': dict(bbox=53.8)}),
)
