from matplotlib.figure import Figure
from PIL import Image

from cupre_mm.utils.figure_files import save_figure


def test_picture_has_the_size_asked_for_and_nothing_else_is_left(tmp_path):
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([0, 1], [1, 0])
    path = save_figure(figure, str(tmp_path / 'new' / 'plot.png'), dpi=110)
    with Image.open(path) as image:
        assert (image.format, image.size) == ('PNG', (220, 110))
    assert [one.name for one in path.parent.iterdir()] == ['plot.png']
