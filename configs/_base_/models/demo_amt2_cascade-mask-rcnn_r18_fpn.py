# The mini model with the demo's categories and a shorter queue.
_base_ = './mini_amt2_cascade-mask-rcnn_r18_fpn.py'

model = dict(
    moco=dict(queue=dict(length=192)),
    train_cfg=dict(rpn_proposal=dict(nms_pre=300, max_per_img=150)),
)
