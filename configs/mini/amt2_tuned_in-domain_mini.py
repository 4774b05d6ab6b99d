# The same with BBBC038's own training images, without labels.
_base_ = './amt2_tuned_mini.py'

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
