from cupre_mm.evaluation.report_details import collect_details
from cupre_mm.evaluation.report_tables import (
    cap_table,
    error_table,
    field_table,
    group_tables,
    markdown_table,
)
from tests.scored_cells import score_cells, write_cells


def test_cell_metrics_times_100_with_both_ways_to_aggregate(tmp_path):
    _, scores = score_cells(write_cells(tmp_path))
    table = field_table(scores)
    rows = {row[0]: row[1:3] for row in table.rows}
    # Accuracies 1, 1/3 and 0; 3 of 9 in all.
    assert rows['Mean accuracy'] == ['44.44', '33.33']
    assert rows['Count error'] == ['-0.67', '']
    assert rows['Size of the count error'] == ['0.67', '']
    assert 'scores of 0.5 or more' in table.note
    assert all(len(row) == 4 for row in table.rows)


def test_count_error_of_minus_one_is_a_value_and_others_are_not_defined():
    table = field_table({'cells_count_error': -1.0, 'cells_pq': -1.0})
    assert [row[:2] for row in table.rows[1:]] == [
        ['Panoptic quality', 'n/a'],
        ['Count error', '-1.00'],
    ]


def test_without_cell_scores_there_is_no_table(tmp_path):
    _, scores = score_cells(write_cells(tmp_path), cell_scores=None)
    assert field_table(scores) is None


def test_error_kinds_are_defined_counted_and_shared(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path))
    table = error_table(collect_details(metric.details).error_kinds)
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows)[1:] == [
        'merged',
        'split',
        'duplicate',
        'poor outline',
        'missed',
        'false',
    ]
    assert rows['missed'][:3] == ['4', '0', '66.7 %']
    assert all(len(row[-1]) > 30 for row in table.rows[1:])
    assert 'Of the 4 cells without a match, 1 would' in table.note
    assert error_table({}) is None


def test_groups_have_tables_where_there_are_several():
    row = dict(num_images=2, num_instances=1234, mAP=0.5, mAP_tiny=-1.0)
    one = {'by_class': {'segm': [dict(name='a', **row)]}}
    assert group_tables(one) == []
    both = [dict(name='a', **row), dict(name='b', **row)]
    (table,) = group_tables({'by_stratum': {'segm': both}})
    assert table.title == 'AP of masks by stratum'
    assert table.rows[0] == ['stratum', 'images', 'instances', 'AP', 'AP tiny']
    assert table.rows[1] == ['a', '2', '1,234', '50.00', 'n/a']


def test_many_groups_are_folded():
    rows = [dict(name=str(i), mAP=0.5) for i in range(30)]
    (table,) = group_tables({'by_class': {'bbox': rows}})
    assert table.folded


def test_what_a_cap_did_is_laid_out(tmp_path):
    metric, _ = score_cells(write_cells(tmp_path), max_dets=1)
    table = cap_table(collect_details(metric.details).curves)
    row = dict(zip(table.rows[0], table.rows[2]))
    assert row[''] == 'masks'
    assert float(row['AP']) < float(row['AP of all given'])
    assert row['detections left out'] == '3'
    assert cap_table({}) is None


def test_bars_and_line_breaks_stay_inside_a_markdown_cell():
    lines = markdown_table([['a', 'b'], ['x|y', 'one\ntwo']]).splitlines()
    assert lines[2] == r'| x\|y | one two |'
    assert len({len(line) for line in lines}) == 1
