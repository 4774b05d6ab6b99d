"""Writes predictions to a pickle file, masks as run-length codes."""

from collections.abc import Sequence

from mmdet.evaluation import DumpDetResults
from torch import Tensor

from cupre_mm.registry import METRICS


@METRICS.register_module()
class DumpPredictions(DumpDetResults):
    """mmdet's ``DumpDetResults``, which also takes run-length codes.

    What it writes is the same for dense masks and for their codes. The
    arguments are those of ``DumpDetResults``.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of one batch.

        Args:
            data_batch (dict): The batch; not used.
            data_samples (Sequence[dict]): Data samples; ``masks`` of their
                ``pred_instances`` are (N, H, W) or N run-length codes.
        """
        first = len(self.results)
        super().process(data_batch, [_without_codes(s) for s in data_samples])
        for result, sample in zip(self.results[first:], data_samples):
            if _has_codes(sample):
                masks = sample['pred_instances']['masks']
                result['pred_instances']['masks'] = list(masks)


def _has_codes(sample: dict) -> bool:
    pred = sample.get('pred_instances', {})
    return 'masks' in pred and not isinstance(pred['masks'], Tensor)


def _without_codes(sample: dict) -> dict:
    if not _has_codes(sample):
        return sample
    pred = dict(sample['pred_instances'])
    del pred['masks']
    return {**sample, 'pred_instances': pred}
