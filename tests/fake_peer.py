"""Stands for a peer's driver: thresholds instead of a trained network.

Called as the real drivers are; the tests put it in their place. The file
``fails`` in the work dir names a task that is to fail.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import tifffile


def train(settings):
    labels = [tifffile.imread(path) for path in settings['labels']]
    folder = Path(settings['model_folder'])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'runs').open('a') as file:
        file.write('x')
    return {
        'images': len(labels),
        'images_left_out': sum(int(one.max()) < 3 for one in labels),
        'seconds': {'network': 0.5},
    }


def predict(settings):
    from scipy.ndimage import label

    scores = []
    for source, target in zip(settings['images'], settings['labels']):
        labels, count = label(tifffile.imread(source) > 100)
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(target, labels.astype(np.int32))
        scores.append({str(n): 1 / n for n in range(1, count + 1)})
    return {'scores': scores, 'seconds': {'predict': 0.25}}


def score(settings):
    pairs = zip(settings['truth'], settings['found'])
    same = [
        ((tifffile.imread(a) > 0) == (tifffile.imread(b) > 0)).all()
        for a, b in pairs
    ]
    accuracy = float(np.mean(same))
    counts = {'images': len(same), 'tp_0.5': int(sum(same))}
    return {
        'own_metrics': {'average_precision_0.5': accuracy, 'counts': counts}
    }


def main():
    settings = json.loads(Path(sys.argv[2]).read_text())
    os.chdir(sys.argv[3])
    task = sys.argv[1]
    fails = Path('fails')
    if fails.is_file() and fails.read_text() == task:
        print('the network went its own way')
        sys.exit(3)
    tasks = dict(train=train, predict=predict, score=score)
    result = tasks[task](settings) if task in tasks else {}
    versions = {'cellpose': '3.1.1', 'numpy': np.__version__}
    Path(settings['result']).write_text(
        json.dumps({**result, 'versions': versions})
    )


if __name__ == '__main__':
    main()
