# The unlabelled pool also holds BBBC038's own training images, as a user's
# own images would be; the test part never. tools/walkthrough.py mini
# --in-domain writes the list.
_base_ = './amt2_mini.py'

train_dataloader = dict(
    moco=dict(
        dataset=dict(
            sources=[
                _base_.cell_catalogue.bccd,
                _base_.cell_catalogue.wbc1,
                _base_.cell_catalogue.wbc2,
                _base_.cell_catalogue.sbs_transfluor,
                dict(
                    name='bbbc038',
                    paths='cells/bbbc038_train.txt',
                ),
            ]
        )
    )
)
