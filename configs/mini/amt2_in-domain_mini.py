# The unlabelled pool also holds BBBC038's own training images, as a user's
# own images would be; the test part never. tools/walkthrough.py mini
# --in-domain writes the list.
_base_ = './amt2_mini.py'

train_dataloader = dict(
    moco=dict(
        dataset=dict(
            sources=[
                dict(name='bccd', paths='cells/bccd'),
                dict(name='wbc1', paths='cells/wbc1'),
                dict(name='wbc2', paths='cells/wbc2'),
                dict(name='sbs_transfluor', paths='cells/sbs_transfluor'),
                dict(
                    name='bbbc038',
                    paths='cells/bbbc038_train.txt',
                ),
            ]
        )
    )
)
