from pathlib import Path

from cupre_mm.utils.doctor import reporting
from cupre_mm.utils.doctor.findings import Finding, worst
from cupre_mm.utils.doctor.reporting import to_bug_report, to_json, to_text

FOUND = [
    Finding('torch', 'ok', '2.11.0'),
    Finding('gpu', 'warning', 'hidden', ('unset A', 'nvidia-smi')),
    Finding('data coco', 'warning', 'absent'),
    Finding('disk space', 'problem', 'full\nup'),
]


def test_text_has_a_line_a_finding_and_its_commands_below():
    assert to_text(FOUND).splitlines() == [
        'ok       torch       2.11.0',
        'warning  gpu         hidden',
        '         mend: unset A',
        '         mend: nvidia-smi',
        'warning  data coco   absent',
        'problem  disk space  full up',
        '',
        '1 ok, 2 warnings, 1 problem',
    ]


def test_bug_report_leaves_out_data_that_is_no_problem(monkeypatch):
    for name in reporting.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('CUPRE_DATA', str(Path.home() / 'cells'))
    assert to_bug_report(FOUND).splitlines() == [
        '```text',
        'torch: 2.11.0',
        'gpu: WARNING: hidden',
        'disk space: PROBLEM: full up',
        'CUPRE_DATA=~/cells',
        '```',
    ]


def test_json_counts_and_names_the_worst():
    report = to_json(FOUND)
    assert report['counts'] == {'ok': 1, 'warning': 2, 'problem': 1}
    assert report['status'] == worst(FOUND) == 'problem'
    assert report['findings'][1]['mend'] == ['unset A', 'nvidia-smi']
    assert to_json(FOUND[:3])['status'] == 'warning'
