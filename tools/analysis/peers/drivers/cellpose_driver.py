"""Cellpose's side of a comparison; runs in Cellpose's own environment.

Reads one json of settings and writes one json of results. It imports nothing
of this project: Cellpose, torch, numpy and tifffile are all that it needs.

Example:
    python cellpose_driver.py train settings.json WORK_DIR
"""

import json
import logging
import os
import platform
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tifffile

THRESHOLDS = [0.5, 0.75, 0.9]
_EPOCH = re.compile(r'(\d+), train_loss=([\d.]+|nan)')


def versions(settings):
    """Name the versions that the results depend on."""
    names = ('cellpose', 'torch', 'numpy', 'scipy', 'numba', 'tifffile')
    found = {name: version(name) for name in names}
    return {'python': platform.python_version(), **found}


def train(settings):
    """Train the network and the size model from random weights."""
    import torch
    from cellpose import models, train
    from cellpose.utils import diameters

    recipe = settings['recipe']
    logging.getLogger('cellpose').addHandler(_Progress(recipe['n_epochs']))
    images = _read(settings['images'])
    labels = _read(settings['labels'])
    folder = Path(settings['model_folder'])
    (folder / 'models').mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings['seed'])
    model = models.CellposeModel(
        gpu=torch.cuda.is_available(),
        pretrained_model=False,
        diam_mean=recipe['diam_mean'],
        mkldnn=False,
    )
    if recipe['amp']:
        _lower_precision(model, getattr(torch, recipe['amp']))
    shared = dict(
        channels=recipe['channels'],
        min_train_masks=recipe['min_train_masks'],
        nimg_per_epoch=recipe['nimg_per_epoch'],
        batch_size=recipe['batch_size'],
    )
    start = time.time()
    path, losses, _ = train.train_seg(
        model.net,
        [image.copy() for image in images],
        [label.copy() for label in labels],
        learning_rate=recipe['learning_rate'],
        weight_decay=recipe['weight_decay'],
        SGD=True,
        n_epochs=recipe['n_epochs'],
        save_path=folder,
        model_name='cellpose',
        **shared,
    )
    seconds = {'network': time.time() - start}
    if recipe['size_model']:
        start = time.time()
        train.train_size(model.net, path, images, labels, **shared)
        seconds['size_model'] = time.time() - start
    masks = [len(np.unique(label[label > 0])) for label in labels]
    return {
        'images': len(images),
        'images_left_out': sum(n < recipe['min_train_masks'] for n in masks),
        'masks': sum(masks),
        'mean_diameter': float(model.net.diam_labels.item()),
        'median_diameters': [float(diameters(one)[0]) for one in labels],
        'losses': [float(loss) for loss in losses],
        'parameters': sum(p.numel() for p in model.net.parameters()),
        'device': str(model.device),
        'seconds': seconds,
    }


def predict(settings):
    """Write a label image for each image, and a score for each instance.

    The score is the mean of the predicted cell probability in the mask.
    """
    import torch
    from cellpose import models

    recipe = settings['recipe']
    path = Path(settings['model_folder']) / 'models' / 'cellpose'
    model = models.CellposeModel(
        gpu=torch.cuda.is_available(), pretrained_model=str(path)
    )
    size = None
    if recipe['size_model']:
        size = models.SizeModel(model, pretrained_size=f'{path}_size.npy')
    scores, used = [], []
    start = time.time()
    for number, (source, target) in enumerate(
        zip(settings['images'], settings['labels']), start=1
    ):
        image = tifffile.imread(source)
        diameter = None
        if size is not None:
            diameter = size.eval(image, channels=recipe['channels'])[0]
        labels, flows, _ = model.eval(
            image,
            channels=recipe['channels'],
            diameter=diameter,
            flow_threshold=recipe['flow_threshold'],
            cellprob_threshold=recipe['cellprob_threshold'],
            min_size=recipe['min_size'],
        )
        _write(target, labels)
        probability = 1 / (1 + np.exp(-np.asarray(flows[2], np.float64)))
        pixels = np.bincount(labels.ravel())
        sums = np.bincount(labels.ravel(), weights=probability.ravel())
        numbers = np.flatnonzero(pixels[1:]) + 1
        scores.append(
            {str(n): float(sums[n] / pixels[n]) for n in numbers.tolist()}
        )
        used.append(float(diameter or model.diam_labels))
        _report(number, len(settings['images']), start, 'Epoch(test)')
    return {
        'scores': scores,
        'diameters': used,
        'seconds': {'predict': time.time() - start},
    }


def score(settings):
    """Compare label images by Cellpose's own metrics."""
    from cellpose import metrics

    truth = _read(settings['truth'])
    found = _read(settings['found'])
    # Nothing to find and nothing found is 0 / 0 there: not counted.
    with np.errstate(invalid='ignore'):
        accuracy, tp, fp, fn = metrics.average_precision(
            truth, found, THRESHOLDS
        )
    defined = (tp + fp + fn)[:, 0] > 0
    pooled = tp.sum(0) / np.maximum((tp + fp + fn).sum(0), 1)
    counts = {'images': len(truth), 'images_defined': int(defined.sum())}
    results = {'counts': counts}
    for column, threshold in enumerate(THRESHOLDS):
        name = f'average_precision_{threshold:g}'
        values = accuracy[defined, column]
        results[name] = float(values.mean()) if len(values) else None
        results[f'{name}_pooled'] = float(pooled[column])
    for name, values in (('tp', tp), ('fp', fp), ('fn', fn)):
        counts[f'{name}_{THRESHOLDS[0]:g}'] = int(values[:, 0].sum())
    # It cannot take an image without a true or a found instance: those with
    # one side alone have nothing in common.
    both = [i for i, one in enumerate(truth) if one.any() and found[i].any()]
    overlaps = metrics.aggregated_jaccard_index(
        [truth[i] for i in both], [found[i] for i in both]
    )
    scored = counts['images_defined']
    results['aji'] = float(sum(overlaps) / scored) if scored else None
    return {'own_metrics': results}


def _lower_precision(model, dtype):
    """Run the network under autocast; its outputs stay float32."""
    import torch

    forward = model.net.forward
    model.net.to(memory_format=torch.channels_last)

    def wrapped(data):
        with torch.autocast(model.device.type, dtype):
            out, style, down = forward(
                data.contiguous(memory_format=torch.channels_last)
            )
        return out.float(), style.float(), down

    model.net.forward = wrapped


class _Progress(logging.Handler):
    """Prints Cellpose's epochs as lines that tell the time left."""

    def __init__(self, epochs):
        super().__init__(logging.INFO)
        self.epochs = epochs
        self.start = time.time()

    def emit(self, record):
        text = record.getMessage()
        found = _EPOCH.match(text)
        if found:
            done = int(found[1]) + 1
            what = 'Iter(train)'
            _report(done, self.epochs, self.start, what, f' loss: {found[2]}')
        else:
            print(text, flush=True)


def _report(done, total, start, what, more=''):
    left = int((time.time() - start) / done * (total - done))
    eta = f'{left // 3600}:{left // 60 % 60:02d}:{left % 60:02d}'
    print(f'{what} [{done}/{total}]  eta: {eta} {more}', flush=True)


def _read(paths):
    return [tifffile.imread(path) for path in paths]


def _write(path, labels):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, labels.astype(np.int32), compression='zlib')


def main():
    """Do what the command line names."""
    logging.getLogger('cellpose').setLevel(logging.INFO)
    tasks = dict(versions=versions, train=train, predict=predict, score=score)
    task = tasks[sys.argv[1]]
    settings = json.loads(Path(sys.argv[2]).read_text())
    os.chdir(sys.argv[3])
    result = {**task(settings), 'versions': versions(settings)}
    Path(settings['result']).write_text(json.dumps(result))


if __name__ == '__main__':
    main()
