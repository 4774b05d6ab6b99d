"""The page, read by a parser as a browser would."""

import base64
from html.parser import HTMLParser

import pytest

from cupre_mm.evaluation.html_report import to_html
from cupre_mm.evaluation.match_overlays import save_overlays
from cupre_mm.evaluation.report_plots import save_plots
from cupre_mm.evaluation.report_run import describe_run
from tests.scored_cells import FOUND, TRUTH, score_cells, write_cells

NASTY = '<script>alert("1")</script>&.png'
_VOID = {'meta', 'img'}


class Page(HTMLParser):
    """Elements, texts and pictures of a page; fails on unclosed elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.images: list[dict] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == 'img':
            self.images.append(dict(attrs))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def page_of(folder, truth=TRUTH, found=FOUND, config='c/my.py', **origin):
    ann_file = write_cells(folder, truth)
    metric, scores = score_cells(ann_file, found)
    report, details = describe_run(
        scores,
        [metric],
        config=config,
        checkpoint='w.pth',
        checkpoint_file=str(ann_file),
        dataset='CocoDataset',
        ann_files=[str(ann_file)],
    )
    plots, _ = save_plots(folder / 'p', report.details, report.images)
    overlays, _ = save_overlays(
        folder / 'o', details, report.images, 0.5, folder / 'images', 1
    )
    return to_html(report, plots, overlays), report


def test_page_has_every_part_and_its_figures(tmp_path):
    text, report = page_of(tmp_path)
    page = Page(text)
    headings = ' '.join(page.texts)
    for part in (
        'Average precision',
        'Cell metrics',
        'Kinds of errors',
        'Plots',
        'Best, median and worst images',
        'All 3 images',
        'Origin',
        'Versions',
    ):
        assert part in headings
    assert f'{100 * report.metrics["coco/segm_mAP"]:.2f}' in page.texts
    assert report.checkpoint_sha256 in page.texts
    assert report.versions['torch'] in page.texts
    assert len(page.images) == 5 + 3


def test_pictures_are_inside_and_nothing_else_is_asked_for(tmp_path):
    text, _ = page_of(tmp_path)
    page = Page(text)
    for image in page.images:
        assert image['alt']
        kind, _, data = image['src'].partition(',')
        assert kind == 'data:image/png;base64'
        assert base64.b64decode(data).startswith(b'\x89PNG')
    for tag, attributes in page.tags:
        assert tag not in ('script', 'link', 'iframe')
        assert not {'href', 'srcset', 'onload'} & set(attributes)
    assert 'http' not in text.replace('http-equiv', '')
    assert 'url(' not in text
    assert any(a.get('name') == 'viewport' for _, a in page.tags)


def test_every_text_is_escaped(tmp_path):
    text, report = page_of(
        tmp_path, {'a.png': [(4, 4, 9, 9)]}, {}, config='<script>&.py'
    )
    assert '<script' not in text
    assert 'Test report: <script>&' in Page(text).texts
    report.notes.append(NASTY)
    report.images[0].update(file_name=NASTY, stratum=NASTY)
    report.versions[NASTY] = NASTY
    report.details['by_class'] = {
        NASTY: [{'name': 'a', 'x': NASTY, 'y': 1.0}] * 2
    }
    again = to_html(report, [], [])
    assert '<script' not in again
    assert Page(again).texts.count(NASTY) >= 6


@pytest.mark.parametrize(
    ('truth', 'found'),
    [
        (TRUTH, {}),
        ({'a.png': []}, {}),
        ({'a.png': []}, {'a.png': [((4, 4, 9, 9), 0.9)]}),
    ],
)
def test_page_without_detections_or_ground_truth_is_whole(
    tmp_path, truth, found
):
    text, _ = page_of(tmp_path, truth, found)
    assert 'Kinds of errors' in Page(text).texts


def test_other_metrics_have_a_page_that_says_what_it_lacks():
    report, _ = describe_run(
        {'pascal_voc/mAP': 0.512},
        [],
        config='c.py',
        checkpoint='w.pth',
        checkpoint_file='absent.pth',
    )
    page = Page(to_html(report, [], []))
    assert 'pascal_voc/mAP' in page.texts
    assert '0.512' in page.texts
    assert any('does not keep the predictions' in t for t in page.texts)
