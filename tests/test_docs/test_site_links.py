from docs.generators.site_links import check_site


def write(site, name, body):
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<html><head></head><body>{body}</body></html>')


def test_whole_pages_have_nothing_wrong(tmp_path):
    write(tmp_path, 'a.html', '<h2 id="x">x</h2><a href="b/c.html#y">y</a>')
    write(tmp_path, 'b/c.html', '<p id="y"><a href="../a.html#x">x</a></p>')
    outside = 'https://example.org/z'
    write(
        tmp_path, 'index.html', f'<a href="{outside}">z</a><a href="b">b</a>'
    )
    write(tmp_path, 'b/index.html', '<a href="#__top">top</a>')
    assert check_site(tmp_path) == ([], {outside: 'index.html'})


def test_missing_pages_anchors_and_pictures_are_named(tmp_path):
    write(
        tmp_path,
        'a.html',
        '<a href="b.html">b</a><a href="#nowhere">n</a><img src="c.png">',
    )
    wrong, _ = check_site(tmp_path)
    assert wrong == [
        'a.html: #nowhere leads nowhere',
        'a.html: b.html leads nowhere',
        'a.html: c.png leads nowhere',
    ]


def test_what_a_browser_would_fetch_from_the_network_is_refused(tmp_path):
    write(
        tmp_path,
        'a.html',
        '<script src="https://cdn.example.org/x.js"></script>'
        '<link rel="stylesheet" href="//fonts.example.org/css">'
        '<link rel="canonical" href="https://example.org/a">',
    )
    wrong, _ = check_site(tmp_path)
    fetched = [line for line in wrong if ' fetches ' in line]
    assert fetched == [
        'a.html fetches //fonts.example.org/css',
        'a.html fetches https://cdn.example.org/x.js',
    ]
