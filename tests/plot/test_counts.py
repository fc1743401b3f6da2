"""Bars of counts: their heights, parts and numbers."""

from huggins.plot.counts import plot_counts


def test_bars_have_the_height_of_what_is_counted():
    figure = plot_counts(["QSO", "F"], [[10, 5], [0, 2]], ["sure", "unsure"])
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in container] for container in axes.containers]
    # Drawn over one another: all, then what is left without the first part.
    assert heights == [[15, 2], [5, 2]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["sure", "unsure"]
    assert [text.get_text() for text in axes.texts] == ["15", "2"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["QSO", "F"]


def test_nothing_counted_is_an_empty_picture():
    figure = plot_counts([], [], ["sure"])
    assert figure.axes[0].get_ylim()[1] == 10.0
