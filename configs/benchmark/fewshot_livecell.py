# LIVECell at full size, as in the CUPre paper: a ResNet-50, all unlabelled
# sources, from mmdet's COCO checkpoint. For GPUs.
# LIVECell's validation part is watched; no weights are chosen by it.
_base_ = '../_base_/fewshot_r50_grid.py'

finetune = (
    'configs/finetune/livecell/{}_cascade-mask-rcnn_r50_fpn_100pct_livecell.py'
)
benchmark = dict(
    title='LIVECell',
    data=dict(
        folder='livecell',
        splits='annotations/benchmark/seed{seed}',
        # LIVECell's own test part.
        test='annotations/livecell_coco_test.json',
        annotations='annotations/livecell_coco_train.json',
        test_fraction=0.0,
        split_options=('--stratify', 'cell_type'),
    ),
    arms=dict(
        scratch=dict(config=finetune.format('scratch')),
        coco=dict(config=finetune.format('coco')),
        coco_longer=dict(config=finetune.format('coco')),
        moco=dict(config=finetune.format('moco')),
        amt2=dict(config=finetune.format('amt2')),
    ),
    # arXiv 2310.03981; what else it reports is not known here.
    paper=dict(
        coco={'5': dict(bbox=40.0)},
        moco={'5': dict(bbox=8.3)},
        amt2={'5': dict(bbox=41.5)},
    ),
)
